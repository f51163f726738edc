"""What connections have read of a database does not stay in memory, however many they are."""

import os
from contextlib import ExitStack
from pathlib import Path

import psutil

from controller.access.memory import give_back_memory
from controller.state.database import Database, connected_database

# All of it is less than one connection may keep.
DATABASE_BYTES = 8_000_000
ROW_BYTES = 4_000
CONNECTIONS = 5


def filled(path: Path, kept_s: float) -> Database:
    path.touch()
    database = connected_database(f"sqlite:///{path}", kept_s)
    with database.transaction() as transaction:
        transaction.exec_driver_sql("CREATE TABLE filled (content BLOB)")
        rows = [(os.urandom(ROW_BYTES),) for _ in range(DATABASE_BYTES // ROW_BYTES)]
        transaction.exec_driver_sql("INSERT INTO filled VALUES (?)", rows)
    return database


def read_by_all(database: Database) -> None:
    """Reads all of it by several connections, and hands them back."""
    with ExitStack() as held:
        connections = [held.enter_context(database.engine.connect()) for _ in range(CONNECTIONS)]
        for each in connections:
            each.exec_driver_sql("SELECT sum(length(content)) FROM filled").all()


def read_by_one(database: Database) -> None:
    """Asks for little, once for each connection, and never by two at once."""
    for _ in range(CONNECTIONS):
        with database.transaction() as transaction:
            transaction.exec_driver_sql("SELECT 1").all()


def grown_bytes(database: Database) -> int:
    """By how much reading lets this process grow that other reading follows which needs little."""
    give_back_memory()
    before_bytes = psutil.Process().memory_info().rss
    read_by_all(database)
    read_by_one(database)
    give_back_memory()
    grown = psutil.Process().memory_info().rss - before_bytes
    database.close()
    return grown


def test_pages_are_kept_for_a_while_and_then_let_go_of(tmp_path: Path) -> None:
    kept = grown_bytes(filled(tmp_path / "kept.sqlite", kept_s=3_600))
    let_go = grown_bytes(filled(tmp_path / "let-go.sqlite", kept_s=0))
    assert let_go < kept - CONNECTIONS * DATABASE_BYTES / 2


def test_after_a_burst_use_by_one_alone_lets_go_of_what_all_have_read(tmp_path: Path) -> None:
    kept = grown_bytes(filled(tmp_path / "kept.sqlite", kept_s=3_600))
    # Nothing is let go of when a connection comes back for the first time, but whenever it is next.
    let_go = grown_bytes(filled(tmp_path / "let-go.sqlite", kept_s=1e-6))
    assert let_go < kept - CONNECTIONS * DATABASE_BYTES / 2
