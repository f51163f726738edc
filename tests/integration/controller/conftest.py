"""A real database in a folder of the test's own, and a fleet on a clock of the test's own."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from controller.conversions.converter import Converter
from controller.conversions.stored import Shelf
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.state import jobs, sweeps
from controller.state.artifacts import record_artifact
from controller.state.blobs import open_blobs
from controller.state.catalog.accuracy import top1_by_precision
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.planning import plan_sweep
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.starting import NOTHING_BEFORE, Before, create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Variant, WeightsKind
from models.conversion.parity import Parity, Reference
from models.conversion.pipeline import Converted, conversion_key
from models.weights.weights import Weights
from tests.integration.controller.domain_samples import SPEC, hello
from tests.processes.states import begun_database

REFERENCE = Reference(path=Path("unused"), sha256="4e" * 32, size_bytes=4_000, tolerance=1.04e-4)
"""What outputs are compared with on a device; a controller never looks into it."""
WEIGHTS = Weights(WeightsKind.SYNTHETIC, "MobileNetV1", "d" * 64, "a test's", None, None)


@dataclass
class OwnedClock:
    """A clock that a test owns; what never goes back and what people read are one."""

    now_ms: int = 0

    def unix_ms(self) -> int:
        return self.now_ms

    def monotonic_ms(self) -> int:
        return self.now_ms


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = begun_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def clock() -> OwnedClock:
    return OwnedClock()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def fleet(database: Database, clock: OwnedClock, changes: Changes) -> Fleet:
    return Fleet(database, changes, clock, "the-controllers-host")


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return open_blobs(tmp_path)


@pytest.fixture
async def converter(
    database: Database, fleet: Fleet, clock: OwnedClock, tmp_path: Path, blobs: LocalStore
) -> AsyncIterator[Converter]:
    converter = Converter(database, blobs, tmp_path, load_catalog(), fleet.gate, clock=clock)
    yield converter
    converter.close()


@pytest.fixture(name="sweeps")
async def running_sweeps(
    database: Database,
    fleet: Fleet,
    converter: Converter,
    changes: Changes,
    *,
    clock: OwnedClock,
    tmp_path: Path,
    blobs: LocalStore,
) -> AsyncIterator[Sweeps]:
    """Sweeps of whichever converter the tests have."""
    catalog = load_catalog()
    planner = Planner(Shelf(database, blobs, tmp_path / "weights"), catalog)
    running = Sweeps(database, catalog, fleet, converter, changes, planner=planner, clock=clock)
    yield running
    await running.close()


def content_of(variant: Variant) -> bytes:
    """The bytes that are an artifact to a controller, which never looks into one."""
    return repr(variant).encode()


def converted_of(variant: Variant, weights: Weights = WEIGHTS) -> Converted:
    """An artifact of a variant."""
    return Converted(
        variant=variant,
        conversion_key=conversion_key(variant, weights),
        weights=weights,
        path=Path("unused"),
        sha256=hashlib.sha256(content_of(variant)).hexdigest(),
        size_bytes=len(content_of(variant)),
        parity=Parity(
            max_relative_difference=1e-6,
            tolerance=1e-4,
            input_count=4,
            checked_through=CheckedThrough.OWN_FORMAT,
        ),
        tool_versions={},
        seconds=1.0,
        reference=REFERENCE,
    )


def store_artifact(database: Database, variant: Variant, weights: Weights = WEIGHTS) -> str:
    """Records an artifact of a variant; gives its conversion key."""
    converted = converted_of(variant, weights)
    return record_artifact(database, converted, now_unix_ms=0).conversion_key


def start_sweep(
    database: Database,
    device: str,
    threads: tuple[int, ...] = (1,),
    repetitions: int | tuple[int, int] = 1,
    *,
    also: tuple[str, ...] = (),
    made_of: Weights = WEIGHTS,
    at_unix_ms: int = 0,
    before: Before = NOTHING_BEFORE,
    **changes: Any,
) -> str:
    """A sweep of MobileNetV1 that is ready to be measured, on a device and others; gives its id."""
    fewest, most = (repetitions, repetitions) if isinstance(repetitions, int) else repetitions
    changes |= {"fewest_repetitions": fewest, "most_repetitions": most}
    names = (device, *also)
    for name in names:
        enrol(database, hello(name), now_unix_ms=0)
    devices = list_devices(database, connected=frozenset(f"id-of-{name}" for name in names))
    spec = replace(SPEC, devices=names, threads=threads, **changes)
    catalog = load_catalog()
    ranked = top1_by_precision(database, catalog) if spec.race is not None else ()
    sweep_id = create_sweep(
        database, spec, plan_sweep(spec, devices, catalog, ranked=ranked).jobs, at_unix_ms, before
    )
    make_ready(database, sweep_id, made_of)
    return sweep_id


def make_ready(database: Database, sweep_id: str, made_of: Weights = WEIGHTS) -> None:
    """Gives a sweep its artifacts, so that it is ready to be measured."""
    for role in jobs.Role:
        for variant in jobs.waiting_variants(database, sweep_id, role):
            key = store_artifact(database, variant, made_of)
            jobs.queue_jobs(database, sweep_id, role, variant, key)
    sweeps.set_phase(database, sweep_id, SweepPhase.MEASURING, now_unix_ms=0)
