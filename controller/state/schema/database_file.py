"""The file of an SQLite database, looked at and copied while somebody may write to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.schema import REVISION_TABLE
from models.files import put_in_place

NAME: Final = "controller.sqlite"
"""Of the file in a state folder."""


def copy_database(source: Path, target: Path) -> None:
    """Copies a database as it is at one moment; who writes to it meanwhile is not held up.

    The copy is durable and its owner's alone; what was at `target` is replaced by it.

    Raises:
        EdgerankError: STORAGE when either cannot be read or written.
    """
    beside = target.with_name(f"{target.name}.part")
    with _named(source):
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        with closing(_read_only(source)) as reader, closing(sqlite3.connect(beside)) as copy:
            # All at once: in steps, each foreign write would begin it anew.
            reader.backup(copy)
        put_in_place(beside, target)


def damage(path: Path) -> str:
    """What SQLite finds wrong with a database; empty for a sound one.

    Raises:
        EdgerankError: STORAGE when it cannot be read.
    """
    try:
        with _named(path), closing(_read_only(path)) as reader:
            [(told,)] = reader.execute("PRAGMA quick_check(1)")
    except EdgerankError as error:
        if isinstance(error.__cause__, sqlite3.DatabaseError):
            return str(error.__cause__)
        raise
    return "" if told == "ok" else str(told)


def revision(path: Path) -> str | None:
    """The revision of the schema; None for a database without one.

    Raises:
        EdgerankError: STORAGE when it cannot be read.
    """
    with _named(path), closing(_read_only(path)) as reader:
        is_there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if reader.execute(is_there, (REVISION_TABLE,)).fetchone() is None:
            return None
        row = reader.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone()
    return None if row is None else str(row[0])


def artifact_sizes(path: Path) -> dict[str, int]:
    """The size in bytes of every artifact that was made, by its SHA-256.

    Raises:
        EdgerankError: STORAGE when it cannot be read.
    """
    with _named(path), closing(_read_only(path)) as reader:
        return dict(reader.execute("SELECT sha256, size_bytes FROM artifacts"))


def own_model_digests(path: Path) -> frozenset[str]:
    """The digests of the models that people added.

    Raises:
        EdgerankError: STORAGE when it cannot be read.
    """
    with _named(path), closing(_read_only(path)) as reader:
        return frozenset(digest for (digest,) in reader.execute("SELECT digest FROM own_models"))


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the database {path} cannot be read or copied: {error}; check that it is there, "
            "readable, and that its disk has room",
        ) from error
