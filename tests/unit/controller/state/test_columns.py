"""What is stored comes back as the domain's values, made once where many rows say the same."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy import text as sql

from controller.domain.measurements.figures import LatencyFigures
from controller.state.schema.columns import FigureDocument, SharedDocument, Unreadable, read_json
from protos.measuring import StartGate, StopReason

LATENCY = FigureDocument(LatencyFigures)
rows = Table(
    "rows",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("gate", SharedDocument(StartGate)),
    Column("latency", LATENCY),
)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://", json_deserializer=read_json)
    with engine.begin() as connection:
        rows.create(connection)
        yield connection


def stored(connection: Connection) -> list[object]:
    return list(connection.scalars(select(rows.c.gate).order_by(rows.c.number)))


def test_rows_that_say_the_same_share_one_object(connection: Connection) -> None:
    gates = [StartGate(deadline_ms=60_000), StartGate(deadline_ms=1), StartGate(deadline_ms=60_000)]
    connection.execute(insert(rows), [{"gate": gate} for gate in gates])
    first, second, third = stored(connection)
    assert [first, second, third] == gates
    assert first is third


def test_one_that_cannot_be_read_spoils_no_other(connection: Connection) -> None:
    connection.execute(insert(rows).values(gate=StartGate(deadline_ms=60_000)))
    for odd in ("'{'", "'7'", "7", "NULL"):
        connection.execute(sql(f"INSERT INTO rows (gate) VALUES ({odd})"))
    assert stored(connection) == [
        StartGate(deadline_ms=60_000),
        *[Unreadable()] * 3,
        None,
    ]


_TIMES = ("median", "low", "high", "p90", "p99", "mad", "min", "first_run", "load")
FIGURES = LatencyFigures(
    **{f"{name}_ms": 5.25 for name in _TIMES},
    sample_count=3,
    repetition_count=1,
    stop_reason=StopReason.PRECISE,
    outlier_count=2,
)


def figures_of(connection: Connection, **other: object) -> list[object]:
    """What is made of figures with other values: of their text, and of what a database made."""
    connection.execute(insert(rows).values(latency=FIGURES))
    kept = json.loads(connection.scalar(sql("SELECT latency FROM rows")) or "") | other
    kept = {name: value for name, value in kept.items() if value != "missing"}
    connection.execute(sql("UPDATE rows SET latency = :kept"), {"kept": json.dumps(kept)})
    of_value = LATENCY.process_result_value(kept, connection.dialect)
    return [connection.scalar(select(rows.c.latency)), of_value]


def test_figures_come_back_as_they_were_kept(connection: Connection) -> None:
    assert figures_of(connection) == [FIGURES] * 2


def test_figures_that_an_older_build_kept_are_read(connection: Connection) -> None:
    found = figures_of(connection, outlier_count="missing", mean_ms=5.5)
    assert found == [replace(FIGURES, outlier_count=None)] * 2


@pytest.mark.parametrize("odd", [{"sample_count": 3.7}, {"stop_reason": 3}, {"low_ms": "missing"}])
def test_figures_of_another_kind_are_none(connection: Connection, odd: dict[str, object]) -> None:
    assert figures_of(connection, **odd) == [Unreadable()] * 2
