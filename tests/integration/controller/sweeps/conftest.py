"""Sweeps whose files are really made, one backbone at a time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from controller.conversions.converter import Converter
from controller.conversions.stored import Shelf
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.state.blobs import open_blobs
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.prospects.planner import Planner
from models.catalog.catalog import load_catalog
from tests.integration.controller.conftest import OwnedClock

CATALOG = load_catalog()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return open_blobs(tmp_path)


@pytest.fixture
async def converter(
    database: Database,
    fleet: Fleet,
    clock: OwnedClock,
    tmp_path: Path,
    blobs: LocalStore,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Converter]:
    """One that makes one backbone at a time."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    converter = Converter(database, blobs, tmp_path, CATALOG, fleet.gate, clock=clock)
    yield converter
    converter.close()


@pytest.fixture
async def sweeps(
    database: Database,
    fleet: Fleet,
    converter: Converter,
    changes: Changes,
    *,
    clock: OwnedClock,
    tmp_path: Path,
    blobs: LocalStore,
) -> AsyncIterator[Sweeps]:
    planner = Planner(Shelf(database, blobs, tmp_path / "weights"), CATALOG)
    sweeps = Sweeps(database, CATALOG, fleet, converter, changes, planner=planner, clock=clock)
    yield sweeps
    await sweeps.close()
