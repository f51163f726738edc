"""A state has the tables of this edgerank: made anew, or refused and left as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, inspect

import controller.state.access.schema  # noqa: F401 - adds its tables to the metadata
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.database import open_database
from controller.state.schema import REVISION_TABLE, metadata


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'controller.sqlite'}"


def test_migrations_build_exactly_the_tables_of_the_schema(url: str) -> None:
    with open_database(url).engine.connect() as connection:
        built = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
        assert compare_metadata(built, metadata) == []


@pytest.mark.parametrize(
    ("table", "revision"),
    [("alembic_version", "0001"), ("alembic_version", "0009"), ("schema_revision", "0001")],
)
def test_a_state_of_an_unreleased_edgerank_is_refused_and_left_as_it_was(
    url: str, table: str, revision: str
) -> None:
    with _written(url) as connection:
        connection.exec_driver_sql("CREATE TABLE devices (device_id VARCHAR, name VARCHAR)")
        connection.exec_driver_sql("INSERT INTO devices VALUES ('id', 'phone')")
        connection.exec_driver_sql(f"CREATE TABLE {table} (version_num VARCHAR(32))")
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('{revision}')")
    before = _rows(url)
    with pytest.raises(EdgerankError) as refused:
        open_database(url)
    assert (refused.value.code, refused.value.exit_code) == (ErrorCode.PRECONDITION, 4)
    assert str(refused.value) == (
        f"{url.removeprefix('sqlite:///')} was written by an unreleased edgerank, and this one "
        "cannot carry it over; to start anew, name another state folder or move this one away"
    )
    assert _rows(url) == before


def test_a_state_of_a_newer_edgerank_is_refused_and_left_as_it_was(url: str) -> None:
    open_database(url).close()
    with _written(url) as connection:
        connection.exec_driver_sql(f"UPDATE {REVISION_TABLE} SET version_num = '9999'")
    before = _rows(url)
    with pytest.raises(EdgerankError, match="written by a newer edgerank") as refused:
        open_database(url)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert _rows(url) == before


def test_a_disk_that_is_full_while_the_tables_are_made_leaves_none_of_them(url: str) -> None:
    def fill_the_disk(connection: Connection) -> None:
        # SQLite answers exactly as on a full disk when the file may not grow.
        connection.exec_driver_sql("PRAGMA max_page_count = 10")

    event.listen(Engine, "begin", fill_the_disk)
    try:
        with pytest.raises(EdgerankError, match="database or disk is full") as failed:
            open_database(url)
    finally:
        event.remove(Engine, "begin", fill_the_disk)
    assert failed.value.code is ErrorCode.STORAGE
    assert _rows(url) == {}
    test_migrations_build_exactly_the_tables_of_the_schema(url)


@contextmanager
def _written(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _rows(url: str) -> dict[str, list[Any]]:
    """Every row of every table, as the database has them now."""
    with _written(url) as connection:
        return {
            table: list(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in inspect(connection).get_table_names()
        }
