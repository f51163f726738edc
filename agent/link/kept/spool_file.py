"""The spool's file: opened whole, or set aside where it is damaged, and what can be read kept."""

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from agent.state_folder import put_in_place
from protos.log_lines import event_log

log = event_log(__name__)

DAMAGED: Final = "damaged"
"""The folder beside a spool of those that were set aside, each in a numbered one."""
MOST_SET_ASIDE: Final = 3
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS report (
    attempt_id TEXT PRIMARY KEY,
    content BLOB NOT NULL
)
"""
# Reading ends where the file is damaged, so it begins at either end.
_FROM_BOTH_ENDS: Final = (
    "SELECT rowid, attempt_id, content FROM report ORDER BY rowid",
    "SELECT rowid, attempt_id, content FROM report ORDER BY rowid DESC",
)
# The database first: once it is gone, what takes its place is complete.
_ENDINGS: Final = ("", "-wal", "-shm")


def open_spool(path: Path) -> sqlite3.Connection:
    """A connection to a spool's file, which is made where there is none.

    One that is damaged is moved into a folder beside it, and the reports of it that can still be
    read are in the one that takes its place. Whoever is killed meanwhile goes on at the next call.

    Raises:
        sqlite3.Error: it can be neither used nor set aside.
        OSError: the same.
    """
    fresh = path.with_name(f"{path.name}.fresh")
    if fresh.exists() and not path.exists():
        _replace(path, fresh, _newest_aside(path) or _next_aside(path))
    _remove(fresh)
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        why = str(error)
    reports = _readable_reports(path)
    with closing(_opened(fresh)) as database:
        database.executemany("INSERT INTO report VALUES (?, ?)", reports)
    aside = _next_aside(path)
    _replace(path, fresh, aside)
    log.error(
        "the spool is damaged; it is set aside, and what can be read of it is delivered",
        why=why,
        path=aside,
        reports=len(reports),
    )
    return _opened(path)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether a file is no database, or none any more: other failures have classes of their own."""
    return type(error) is sqlite3.DatabaseError


def list_set_aside(path: Path) -> list[Path]:
    """The folders of the spools of this path that were set aside, the oldest first."""
    folders = (each for each in path.with_name(DAMAGED).glob("*") if each.name.isdigit())
    return sorted(folders, key=lambda each: int(each.name))


def _opened(path: Path) -> sqlite3.Connection:
    # Every statement is a transaction of its own.
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        # FULL, as a report must survive a power cut from the moment that it is put.
        database.execute("PRAGMA synchronous=FULL")
        database.execute(_SCHEMA)
        [(found,)] = database.execute("PRAGMA integrity_check(1)")
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except BaseException:
        database.close()
        raise
    return database


def _readable_reports(path: Path) -> list[tuple[str, bytes]]:
    """What a damaged spool still tells, oldest first."""
    found: dict[int, tuple[str, bytes]] = {}
    for statement in _FROM_BOTH_ENDS:
        with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
            for rowid, attempt_id, content in database.execute(statement):
                if isinstance(attempt_id, str) and isinstance(content, bytes):
                    found[rowid] = (attempt_id, content)
    # By attempt, since of a damaged file nothing is certain.
    once = {attempt_id: content for _, (attempt_id, content) in sorted(found.items())}
    return list(once.items())


def _replace(path: Path, fresh: Path, aside: Path) -> None:
    """Move a damaged spool aside, and let the fresh one take its place."""
    for ending in _ENDINGS:
        part = path.with_name(f"{path.name}{ending}")
        if part.exists():
            part.rename(aside / part.name)
    put_in_place(fresh, path)
    for oldest in list_set_aside(path)[:-MOST_SET_ASIDE]:
        shutil.rmtree(oldest, ignore_errors=True)


def _newest_aside(path: Path) -> Path | None:
    return next(reversed(list_set_aside(path)), None)


def _next_aside(path: Path) -> Path:
    newest = _newest_aside(path)
    if newest is not None and not any(newest.iterdir()):
        # Of who was killed before anything was moved.
        return newest
    aside = path.with_name(DAMAGED) / str(int(newest.name) + 1 if newest else 1)
    aside.mkdir(parents=True)
    return aside


def _remove(database: Path) -> None:
    for ending in _ENDINGS:
        database.with_name(f"{database.name}{ending}").unlink(missing_ok=True)
