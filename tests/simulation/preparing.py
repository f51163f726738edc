"""The state that a simulated controller begins with: artifacts that nobody fetches, and devices."""

import hashlib
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.state.artifacts import record_artifact
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, connected_database, open_database
from controller.state.devices import enrol
from controller.sweeps.planning import SENTINEL_BACKBONE
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Format, Variant, WeightsKind, variants_of
from models.conversion.parity import Parity
from models.conversion.pipeline import Converted
from models.weights.weights import Weights
from protos.fleet import Hello
from tests.simulation.measuring import PROFILE, device_name
from tests.simulation.schedules import BACKBONES

_WEIGHTS = Weights(WeightsKind.SYNTHETIC, "simulated", "d" * 64, "nobody's", None, None)
_PARITY = Parity(
    max_relative_difference=1e-6,
    tolerance=1e-4,
    input_count=4,
    checked_through=CheckedThrough.OWN_FORMAT,
)


def make_template(path: Path) -> None:
    """Make a database with the artifacts that sweeps need, which others are copies of."""
    database = open_database(f"sqlite:///{path}")
    try:
        catalog = load_catalog()
        store_catalog(database, catalog)
        for name in (*BACKBONES, SENTINEL_BACKBONE):
            for variant in variants_of(catalog.get(name)):
                if variant.format is Format.ONNX:
                    record_artifact(database, _converted(variant), now_unix_ms=0)
    finally:
        database.close()


def begin_with(template: Path, path: Path, devices: int) -> None:
    """Begin a state with so many devices that joined before."""
    shutil.copyfile(template, path)
    database = connected_database(f"sqlite:///{path}")
    try:
        with database.writing() as transaction:
            at_once = replace(database, part=lambda: nullcontext(transaction))
            for number in range(devices):
                _join(at_once, device_name(number))
    finally:
        database.close()


def outcome_of(variant: Variant, *, is_refused: bool) -> tuple[ConversionOutcome, str]:
    """What becomes of a variant, with the key of its conversion."""
    converted = _converted(variant)
    outcome = ConversionOutcome(
        backbone=variant.backbone,
        format=variant.format,
        precision=variant.precision,
        target=variant.target,
        input_size=variant.input_size,
        batch=variant.batch,
        result=ConversionResult.REFUSED if is_refused else ConversionResult.CACHED,
        weights=WeightsKind.SYNTHETIC,
        weights_digest=_WEIGHTS.digest,
        reason="simulated" if is_refused else "",
        artifact_sha256="" if is_refused else converted.sha256,
    )
    return outcome, converted.conversion_key


def _join(database: Database, name: str) -> None:
    hello = Hello(device_id=name, name=name, labels={}, profile=PROFILE)
    enrol(database, hello, now_unix_ms=0)


def _converted(variant: Variant) -> Converted:
    digest = hashlib.sha256(repr(variant).encode()).hexdigest()
    return Converted(
        variant=variant,
        conversion_key=digest,
        weights=_WEIGHTS,
        path=Path("unused"),
        sha256=digest,
        size_bytes=10,
        parity=_PARITY,
        tool_versions={},
        seconds=1.0,
    )
