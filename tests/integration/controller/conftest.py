"""A real database in a folder of the test's own, and a fleet on a clock of the test's own."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.state import jobs, sweeps
from controller.state.artifacts import record_artifact
from controller.state.catalog import store_catalog
from controller.state.database import open_database
from controller.state.devices import enrol, list_devices
from controller.sweeps.planning import plan_sweep
from models.catalog.catalog import load_catalog
from models.catalog.variants import CheckedThrough, Variant, WeightsKind
from models.conversion.pipeline import Converted, Parity, conversion_key
from models.weights.weights import Weights
from tests.integration.controller.domain_samples import SPEC, hello

WEIGHTS = Weights(WeightsKind.SYNTHETIC, "MobileNetV1", "d" * 64, "a test's", None, None)


@dataclass
class Clock:
    """A clock that a test owns."""

    now_ms: int = 0

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    store_catalog(engine, load_catalog())
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def fleet(engine: Engine, clock: Clock, changes: Changes) -> Fleet:
    return Fleet(engine, changes, clock, "the-controllers-host")


def store_artifact(engine: Engine, variant: Variant) -> str:
    """Records an artifact of a variant; gives its conversion key."""
    converted = Converted(
        variant=variant,
        conversion_key=conversion_key(variant, WEIGHTS),
        weights=WEIGHTS,
        path=Path("unused"),
        sha256=hashlib.sha256(repr(variant).encode()).hexdigest(),
        size_bytes=10,
        parity=Parity(
            max_relative_difference=1e-6,
            tolerance=1e-4,
            input_count=4,
            checked_through=CheckedThrough.OWN_FORMAT,
        ),
        tool_versions={},
        seconds=1.0,
    )
    return record_artifact(engine, converted, now_unix_ms=0).conversion_key


def start_sweep(
    engine: Engine, device: str, threads: tuple[int, ...] = (1,), **changes: Any
) -> str:
    """A sweep of MobileNetV1 on one device that is ready to be measured; gives its id."""
    enrol(engine, hello(device), now_unix_ms=0)
    devices = list_devices(engine, connected=frozenset({f"id-of-{device}"}))
    spec = replace(SPEC, devices=(device,), threads=threads, **changes)
    sweep_id = sweeps.create_sweep(
        engine, spec, plan_sweep(spec, devices, load_catalog()).jobs, now_unix_ms=0
    )
    for role in jobs.Role:
        for variant in jobs.waiting_variants(engine, sweep_id, role):
            jobs.queue_jobs(engine, sweep_id, role, variant, store_artifact(engine, variant))
    sweeps.set_phase(engine, sweep_id, SweepPhase.MEASURING, now_unix_ms=0)
    return sweep_id
