"""What is stored comes back as the domain's values, made once where many rows say the same."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy import text as sql

from controller.state.schema.columns import SharedDocument, Unreadable, read_json
from protos.measuring import StartGate

rows = Table(
    "rows",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("gate", SharedDocument(StartGate)),
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
