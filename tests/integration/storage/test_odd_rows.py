"""One odd row, of before a check or of a disk that rots, spoils the answer about no other one."""

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import JSON

from controller.api.queries import Queries
from controller.cli.printing.devices import print_device, print_devices
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.comparison import print_comparison
from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.results import print_results
from controller.cli.printing.sweeps import print_sweeps
from controller.domain.comparisons import CompareQuestion, Comparison, Limits
from controller.domain.devices import Device
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Constraints, Ranking
from controller.domain.rankings.predictions import EarlierErrors, Foretold
from controller.domain.selectors import Selector
from controller.domain.sweeps import SweepSummary
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.ranking.racing.earlier import judged
from controller.state.catalog.accuracy import list_datasets, store_catalog
from controller.state.database import Database, open_database
from controller.state.measurements import list_outcomes
from controller.state.measurements.foretold import keep_foretold, list_measured_later
from controller.state.schema import metadata
from controller.state.schema.unreadable import LeftOut, note_left_out
from controller.views.export import read_tables, write_export
from controller.views.reasons.predicting import earlier_words
from controller.views.report.render import render_report
from models.catalog.catalog import IMAGENET, load_catalog
from protos.codec import from_message, to_message
from protos.v1 import query_pb2
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease

GOOD, ODD = "phone", "board"
FORETOLD = Foretold(median_ms=5.5, low_ms=4.5, high_ms=6.5, confidence=0.9, known_count=12)
BACKBONES = {GOOD: "MobileNetV1", ODD: "ResNet50"}
# The rows of the odd device, and of what it measured.
_OF_JOB = "job_id IN (SELECT job_id FROM jobs WHERE backbone = 'ResNet50')"
ROWS = {
    "devices": "name = 'board'",
    "sweeps": "sweep_id IN (SELECT sweep_id FROM jobs WHERE backbone = 'ResNet50')",
    "jobs": "backbone = 'ResNet50'",
    "artifacts": "backbone = 'ResNet50'",
    "candidates": "backbone = 'ResNet50'",
    "measurements": _OF_JOB,
    "repetitions": _OF_JOB,
    "earlier_predictions": _OF_JOB,
    "accuracies": "backbone = 'ResNet50'",
    "backbones": "name = 'ResNet50'",
}
ODD_VALUES = (
    *(
        "",
        "\0",
        "a\0b\x1b[31m\u202e\n=1",
        "x" * 1_000_000,
        "splendid",
        "0x0",
        "axb",
        "{",
        "[]",
        "7",
    ),
    *('{"code": 1}', '"text"', "[[[]]]", "null", b"\xff\xfe", b"", -1, 0, 2**63 - 1, -(2**63)),
    *(1e308, -1e308, float("inf"), 253_402_300_800_000, None),
)
ODD_LEAVES: tuple[object, ...] = (
    None,
    -1,
    0,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "a\0b",
    [],
    {},
    True,
    [1],
)


class Place(NamedTuple):
    table: str
    column: str


PLACES = tuple(Place(name, column.name) for name in ROWS for column in metadata.tables[name].c)
DOCUMENTS = tuple(
    Place(name, column.name)
    for name in ROWS
    for column in metadata.tables[name].c
    if isinstance(getattr(column.type, "impl_instance", column.type), JSON)
)


@dataclass(frozen=True)
class State:
    """A fleet of two devices, each with one figure."""

    file: Path
    folder: Path
    database: Database
    queries: Queries
    good_sweep: str

    @contextmanager
    def spoilt(self, place: Place, value: object) -> Iterator[None]:
        """With one value of the odd device's row another, unless the table forbids that."""
        table, column = place
        with sqlite3.connect(self.file, isolation_level=None) as connection:
            rowid, before = self._value(connection, place)
            change = f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?'
            try:
                connection.execute(change, (value, rowid))
            except sqlite3.IntegrityError:
                assume(False)
            try:
                yield
            finally:
                connection.execute(change, (before, rowid))
        connection.close()

    def stored(self, place: Place) -> Any:
        with sqlite3.connect(self.file) as connection:
            value = self._value(connection, place)[1]
        connection.close()
        return value

    def _value(self, connection: sqlite3.Connection, place: Place) -> tuple[int, Any]:
        table, column = place
        found = f'SELECT rowid, "{column}" FROM {table} WHERE {ROWS[table]} LIMIT 1'
        row: tuple[int, Any] = connection.execute(found).fetchone()
        return row


async def measure(database: Database, fleet: Fleet, device: str) -> str:
    sweep_id = start_sweep(database, device, repetitions=2, backbones=(BACKBONES[device],))
    session = await fleet.connect(hello(device))
    for _ in range(2):
        given = await lease(fleet, session)
        await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    with database.writing() as transaction:
        keep_foretold(transaction, f"id-of-{device}", {given.job_id: FORETOLD})
    await fleet.ended()
    await fleet.disconnect(session)
    return sweep_id


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("odd")
    file = folder / "controller.sqlite"
    database, catalog = open_database(f"sqlite:///{file}"), load_catalog()
    store_catalog(database, catalog)
    fleet = Fleet(database, Changes(), OwnedClock(), "the-controllers-host")
    asyncio.run(measure(database, fleet, ODD))
    good_sweep = asyncio.run(measure(database, fleet, GOOD))
    yield State(file, folder, database, Queries(database, catalog, fleet), good_sweep)
    database.close()


async def ask_everything(state: State) -> LeftOut:
    """Asks all that people ask, as it is sent, received and shown; gives what was left out."""
    queries, console = state.queries, Console(file=io.StringIO(), width=100)
    left_out = note_left_out()
    devices = [
        from_message(to_message(each, query_pb2.Device), Device) for each in await queries.devices()
    ]
    print_devices(console, devices)
    for device in devices:
        print_device(console, device)
    summaries = [
        from_message(to_message(each, query_pb2.SweepSummary), SweepSummary)
        for each in await queries.sweeps()
    ]
    print_sweeps(console, summaries)
    assert state.good_sweep in {each.sweep_id for each in summaries}
    assert await queries.sweep_id(state.good_sweep) == state.good_sweep
    found = [
        from_message(to_message(each, query_pb2.Measurement), Measurement)
        for each in await queries.measurements(MeasurementFilter(with_samples=True))
    ]
    print_results(console, found)
    print_json(found)
    for suffix in ("csv", "json", "parquet"):
        write_export(found, state.folder / f"export.{suffix}")
    assert BACKBONES[GOOD] in {each.backbone for each in found}
    streams = [each async for each in queries.export_pages(MeasurementFilter(with_samples=True))]
    in_columns = [each for table in read_tables(streams) for each in table["job_id"].to_pylist()]
    assert {each.job_id for each in found} <= set(in_columns)
    for device in devices:
        ranking = await queries.rank(device.name, Constraints(), IMAGENET)
        told = from_message(to_message(ranking, query_pb2.RankResponse), Ranking)
        print_ranking(console, told)
        assert render_report(told, device)
        assert device.name != GOOD or told.winner is not None
        later = list_measured_later(state.database, device.device_id)
        for each in judged(later, {each.name: each for each in queries.backbones()}).values():
            message = to_message(each, query_pb2.EarlierErrors)
            assert earlier_words(from_message(message, EarlierErrors))
        assert device.name != GOOD or later
    question = CompareQuestion(a=Selector(text="all"), b=Selector(text="all"), limits=Limits())
    comparison = to_message(await queries.compare(question), query_pb2.CompareResponse)
    print_comparison(console, from_message(comparison, Comparison))
    assert list_datasets(state.database)
    assert len(list_outcomes(state.database, state.good_sweep)) == 1
    return left_out


def test_without_an_odd_row_nothing_is_left_out(state: State) -> None:
    assert asyncio.run(ask_everything(state)).rows == {}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(PLACES),
    value=st.sampled_from(ODD_VALUES)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20),
)
def test_any_value_in_any_column_spoils_its_own_row_alone(
    state: State, place: Place, value: object
) -> None:
    with state.spoilt(place, value):
        asyncio.run(ask_everything(state))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(DOCUMENTS), choice=st.integers(0), leaf=st.sampled_from(ODD_LEAVES))
def test_any_value_in_any_document_spoils_its_own_row_alone(
    state: State, place: Place, choice: int, leaf: object
) -> None:
    text = state.stored(place)
    assume(text is not None)
    document = json.loads(text)
    leaves = list(leaves_of(document))
    assume(leaves)
    holder, key = leaves[choice % len(leaves)]
    holder[key] = leaf
    with state.spoilt(place, json.dumps(document)):
        asyncio.run(ask_everything(state))


def leaves_of(document: Any) -> Iterator[tuple[Any, Any]]:
    """Where values are, each with what holds it."""
    keys = document if isinstance(document, dict) else range(len(document))
    for key in keys if isinstance(document, dict | list) else ():
        yield document, key
        yield from leaves_of(document[key]) if isinstance(document[key], dict | list) else ()


@pytest.mark.parametrize(
    ("place", "value", "kind"),
    [
        (Place("devices", "profile"), "{", "device"),
        (Place("sweeps", "spec"), "{", "sweep"),
        (Place("measurements", "verdict"), "splendid", "measurement"),
        (Place("accuracies", "value_percent"), "much", "accuracy figure"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_id_and_why(
    state: State, place: Place, value: str, kind: str
) -> None:
    key = metadata.tables[place.table].primary_key.columns.keys()[0]
    with state.spoilt(place, value):
        left_out = asyncio.run(ask_everything(state))
    assert left_out.rows[kind] == {str(state.stored(Place(place.table, key))): place.column}
