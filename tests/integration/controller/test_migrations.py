"""A state has the tables of this edgerank: made anew, or refused and left as it was."""

import logging
import shutil
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
from controller.state import database, devices
from controller.state.database import open_database
from controller.state.schema import REVISION_TABLE, metadata
from tests.integration.controller.domain_samples import hello


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


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations as of a release that has one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(database.MIGRATIONS, folder)
    (folder / "versions" / "9000_more.py").write_text(_MORE)
    monkeypatch.setattr(database, "MIGRATIONS", folder)
    return folder


_MORE = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9000", "0001", None, None


def upgrade() -> None:
    op.add_column("devices", sa.Column("more", sa.String()))
    op.execute("UPDATE devices SET more = 'of ' || name")
"""


def test_a_state_of_an_older_release_is_copied_before_it_is_migrated(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    older = open_database(url)
    devices.enrol(older, hello("phone"), now_unix_ms=0)
    older.close()
    before = _rows(url)
    request.getfixturevalue("next_release")
    with caplog.at_level(logging.WARNING):
        open_database(url).close()
    assert _rows(url)["devices"][0][-1] == "of phone"
    copy = tmp_path / "controller.sqlite.of-revision-0001"
    assert _rows(f"sqlite:///{copy}") == before
    assert copy.stat().st_mode & 0o077 == 0
    (event,) = (record.msg for record in caplog.records if isinstance(record.msg, dict))
    assert (event["path"], event["revision"]) == (copy, "0001")


def test_a_state_of_this_release_is_not_copied(url: str, tmp_path: Path) -> None:
    for _ in range(2):
        open_database(url).close()
    assert [path.name for path in tmp_path.glob("*revision*")] == []


def test_without_a_copy_nothing_is_migrated(
    url: str, tmp_path: Path, next_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    open_database(url).close()
    before = _rows(url)
    monkeypatch.setattr(database, "MIGRATIONS", next_release)
    # A folder where the copy would be made.
    (tmp_path / "controller.sqlite.of-revision-0001.part").mkdir()
    with pytest.raises(EdgerankError) as failed:
        open_database(url)
    assert failed.value.code is ErrorCode.STORAGE
    assert _rows(url) == before


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
