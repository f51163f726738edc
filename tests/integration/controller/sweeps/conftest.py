"""Sweeps whose files are really made, one backbone at a time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from obstore.store import LocalStore

from controller.conversions.converter import Converter
from controller.fleet.agents import Fleet
from controller.state.database import Database
from models.catalog.catalog import load_catalog
from tests.integration.controller.conftest import OwnedClock

CATALOG = load_catalog()


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
