"""An own model is kept whole or not at all, whatever happens while it is being kept."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from controller.domain.catalog import OwnFile, OwnModel, OwnModelHeader
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.own import adding
from controller.own.adding import OwnModels
from controller.state.catalog.own_models import record_own_model
from controller.state.database import Database
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.features import NetworkCount
from models.catalog.own import OwnFormat
from models.catalog.variants import WeightsKind
from models.conversion import own_inspection
from models.weights.weights import WeightsUnavailable, resolve_weights
from sandbox.layers import Layer
from tests.integration.controller.conftest import OwnedClock
from tests.integration.storage.damaging import Damage, cut, flip, remove
from tests.own_networks import FIXED_SHAPE, onnx_network

CONTENT = onnx_network(FIXED_SHAPE).SerializeToString()
FILE = OwnFile(size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
HEADER = OwnModelHeader(name="Mine", format=OwnFormat.ONNX, files=(FILE,))


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(load_catalog())


@pytest.fixture
def own_models(
    database: Database, fleet: Fleet, catalog: Catalog, clock: OwnedClock, tmp_path: Path
) -> OwnModels:
    return OwnModels(database, tmp_path, catalog, fleet.gate, 1_000_000, clock=clock)


OTHER_CONTENT = onnx_network(FIXED_SHAPE, operator="Sigmoid").SerializeToString()
OTHER_FILE = OwnFile(
    size_bytes=len(OTHER_CONTENT), sha256=hashlib.sha256(OTHER_CONTENT).hexdigest()
)


async def other_sent() -> AsyncIterator[bytes]:
    yield OTHER_CONTENT


async def sent() -> AsyncIterator[bytes]:
    yield CONTENT


def kept_folders(state_dir: Path) -> list[Path]:
    return list((state_dir / "weights" / "own").glob("*"))


async def test_a_caller_that_hangs_up_while_it_is_kept_finds_it_whole(
    own_models: OwnModels, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, may_record = threading.Event(), threading.Event()

    def record(database: Database, model: OwnModel, count: NetworkCount | None) -> None:
        recording.set()
        assert may_record.wait(60)
        record_own_model(database, model, count)

    monkeypatch.setattr(adding, "record_own_model", record)
    caller = asyncio.create_task(own_models.add(HEADER, sent()))
    assert await asyncio.to_thread(recording.wait, 60)
    caller.cancel()
    ended, _ = await asyncio.wait([caller], timeout=0.1)
    assert not ended
    may_record.set()
    # So that whoever asked for it is written down with it.
    assert (await caller).name == "Mine"
    assert [model.name for model in await own_models.list()] == ["Mine"]
    assert "Mine" in catalog
    assert len(kept_folders(tmp_path)) == 1
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_a_model_that_cannot_be_recorded_leaves_no_files(
    own_models: OwnModels, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_database: Database, _model: OwnModel, _count: NetworkCount | None) -> None:
        raise OperationalError("insert", {}, Exception("database is locked"))

    with monkeypatch.context() as patched:
        patched.setattr(adding, "record_own_model", fail)
        with pytest.raises(OperationalError):
            await own_models.add(HEADER, sent())
    assert await own_models.list() == ()
    assert "Mine" not in catalog
    assert kept_folders(tmp_path) == []
    # Nothing is in the way of the next try.
    assert (await own_models.add(HEADER, sent())).name == "Mine"
    assert len(kept_folders(tmp_path)) == 1


@pytest.mark.parametrize("damage", [flip, cut, remove])
async def test_a_model_whose_files_rot_gets_them_back_when_it_is_added_again(
    own_models: OwnModels, catalog: Catalog, tmp_path: Path, damage: Damage
) -> None:
    added = await own_models.add(HEADER, sent())
    with pytest.raises(EdgerankError) as refused:
        await own_models.add(HEADER, sent())
    assert refused.value.code is ErrorCode.NAME_TAKEN
    (folder,) = kept_folders(tmp_path)
    damage(folder / "model.onnx")
    with pytest.raises(WeightsUnavailable, match="add the same files as Mine once more"):
        resolve_weights(catalog.get("Mine"), WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
    with pytest.raises(EdgerankError, match="not the files that it was added with"):
        await own_models.add(replace(HEADER, files=(OTHER_FILE,)), other_sent())
    assert await own_models.add(HEADER, sent()) == added
    assert (folder / "model.onnx").read_bytes() == CONTENT
    assert [model.name for model in await own_models.list()] == ["Mine"]
    assert list((tmp_path / "uploads").iterdir()) == []


async def test_the_files_of_a_model_whose_row_is_damaged_stay(
    own_models: OwnModels, database: Database, fleet: Fleet, clock: OwnedClock, tmp_path: Path
) -> None:
    added = await own_models.add(HEADER, sent())
    (folder,) = kept_folders(tmp_path)
    (folder.parent / "leftover").mkdir()
    for column, value in (("takes", "{"), ("digest", "0" * 64)):
        with database.transaction() as transaction:
            transaction.execute(text(f"UPDATE own_models SET {column} = '{value}'"))
        OwnModels(database, tmp_path, Catalog(load_catalog()), fleet.gate, 1_000_000, clock=clock)
        assert folder.exists()
    assert folder.name == added.digest


async def test_without_a_way_to_hold_its_reader_nothing_of_a_model_is_taken(
    own_models: OwnModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_inspection, "enforceable", lambda: frozenset({Layer.NETWORK}))
    with pytest.raises(EdgerankError, match=r"\(files, processes\)") as refused:
        await own_models.add(HEADER, sent())
    assert refused.value.code is ErrorCode.PRECONDITION
    assert not (tmp_path / "uploads").exists()
