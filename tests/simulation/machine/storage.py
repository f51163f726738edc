"""The database of one life of a controller: a real one, which a fault may end at any time."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from controller.state.database import Database, connected_database
from tests.simulation.fairness import Waiting

_LEASES = "INSERT INTO attempts"
_COLUMNS = re.compile(r"\(([^)]*)\)")
_WRITES = ("INSERT", "UPDATE", "DELETE")
# Of one that is converted the next turn may wait for its artifact.
_WITH_TURNS = """
    SELECT sweep_id, rank, started_by, due_unix_ms, created_at_unix_ms,
        phase = 'measuring' AND paused_at_unix_ms IS NULL
    FROM sweeps WHERE phase IN ('measuring', 'converting') AND EXISTS (
        SELECT 1 FROM turns JOIN jobs ON jobs.job_id = turns.job_id
        WHERE turns.device_id = :device AND turns.sweep_id = sweeps.sweep_id
            AND turns.state = 'queued' AND jobs.state = 'queued')
"""
_SWEEP_OF = """
    SELECT sweeps.sweep_id, rank, started_by, due_unix_ms, created_at_unix_ms,
        phase IN ('measuring', 'converting') AND paused_at_unix_ms IS NULL
    FROM jobs JOIN sweeps ON sweeps.sweep_id = jobs.sweep_id WHERE job_id = ?
"""
_OUT_OF_TURN = """
    SELECT attempt_id FROM attempts WHERE job_id = ? AND ordinal = ? AND state = 'leased'
"""
_RUNNING = "SELECT count(*) FROM sweeps WHERE phase IN ('measuring', 'converting')"
_OUT = "SELECT count(*) FROM attempts WHERE state = 'leased'"
_TAKES_JOBS = "SELECT condition = 'active' FROM device_standings WHERE device_id = ?"


class Killed(BaseException):
    """There is no controller any more that could go on."""


@dataclass(frozen=True, kw_only=True)
class Leased:
    """A lease that was committed.

    Attributes:
        device: whose.
        attempt_id: of what.
        chosen: its sweep.
        others: the other sweeps that had turns for the device then.
        twin: another attempt at the same turn that was out then; empty is none.
    """

    device: str
    attempt_id: str
    chosen: Waiting
    others: tuple[Waiting, ...]
    twin: str


class Storage:
    """A database, and what is seen of its statements.

    Attributes:
        database: the controller's.
        is_full: whether no write succeeds.
        is_dead: whether nothing can be asked any more.
        statements: how many were asked.
    """

    def __init__(
        self, path: Path, on_leased: Callable[[Leased], None], on_dying: Callable[[], None]
    ) -> None:
        """`on_leased` hears of each lease that is committed, `on_dying` that nothing follows."""
        self.database: Database = replace(connected_database(f"sqlite:///{path}"), presence=None)
        self.is_full = False
        self.is_dead = False
        self.statements = 0
        self._dies_in: int | None = None
        self._dies_committed = False
        self._on_dying = on_dying
        self._on_leased = on_leased
        self._leased: list[Leased] = []
        self._mark = 0
        for engine in self.database.engines:
            # What a power cut leaves is not simulated, and a disk's time is not ours.
            event.listen(engine, "connect", _without_sync)
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "commit", self._committed)
            event.listen(engine, "rollback", self._rolled_back)
            event.listen(engine, "savepoint", self._marked)
            event.listen(engine, "rollback_savepoint", self._rolled_back_to_mark)

    def die_in(self, statements: int, *, when_committed: bool) -> None:
        """Let the controller die right before one of its next statements, or after a commit.

        A commit counts as a statement. After one, nobody is told of what it committed.
        """
        self._dies_in, self._dies_committed = statements, when_committed

    def die(self) -> None:
        """Nothing is asked any more, and what is not committed is undone."""
        self.is_dead = True

    def close(self) -> None:
        """Close it, as a kernel does for a process that is no more."""
        self.database.close()

    def count_running(self) -> int:
        """How many sweeps go on."""
        return self._count(_RUNNING)

    def count_out(self) -> int:
        """How many attempts are out."""
        return self._count(_OUT)

    def waiting_for(self, device: str) -> list[Waiting]:
        """The sweeps whose turns a device could lease now; none where it takes no jobs."""
        with self.database.engine.connect() as connection:
            cursor = _cursor(connection)
            takes = cursor.execute(_TAKES_JOBS, (device,)).fetchone()
            if takes is not None and not takes[0]:
                return []
            return [each for each in _with_turns(cursor, device) if each.may_lease]

    def _count(self, query: str) -> int:
        with self.database.engine.connect() as connection:
            count: int = _cursor(connection).execute(query).fetchone()[0]
            return count

    def _before(
        self, connection: Connection, _of: object, text: str, given: Any, *_: object
    ) -> None:
        self._live_on()
        self.statements += 1
        if self.is_full and text.startswith(_WRITES):
            full = sqlite3.OperationalError("database or disk is full")
            raise OperationalError(text, given, full)
        if text.startswith(_LEASES):
            # Of several, each is given.
            several = given if isinstance(given, list) else [given]
            self._leased += [_lease_of(connection, text, each) for each in several]

    def _live_on(self) -> None:
        """Count the time that is left."""
        if self._dies_in is not None:
            self._dies_in -= 1
            if self._dies_in < 0 and not self._dies_committed:
                self._dies_in, self.is_dead = None, True
                self._on_dying()
        if self.is_dead:
            raise Killed

    def _committed(self, _connection: Connection) -> None:
        self._live_on()
        if self._dies_in is not None and self._dies_in < 0:
            self._dies_in = None
            self._on_dying()
        leased, self._leased = self._leased, []
        for each in leased:
            self._on_leased(each)

    def _rolled_back(self, _connection: Connection) -> None:
        self._leased = []

    def _marked(self, _connection: Connection, _name: str) -> None:
        self._mark = len(self._leased)

    def _rolled_back_to_mark(self, _connection: Connection, _name: str, _context: object) -> None:
        del self._leased[self._mark :]


def _without_sync(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _cursor(connection: Connection) -> sqlite3.Cursor:
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
    return cursor


def _lease_of(connection: Connection, text: str, given: tuple[Any, ...]) -> Leased:
    """What is leased, and what was waiting, seen within the transaction that decided it."""
    names = _COLUMNS.search(text)
    assert names is not None
    row = dict(zip(names[1].split(", "), given, strict=True))
    device, job_id = row["device_id"], row["job_id"]
    cursor = _cursor(connection)
    chosen = _waiting(cursor.execute(_SWEEP_OF, (job_id,)).fetchone())
    twin = cursor.execute(_OUT_OF_TURN, (job_id, row["ordinal"])).fetchone()
    return Leased(
        device=device,
        attempt_id=row["attempt_id"],
        chosen=chosen,
        others=tuple(
            each
            for each in _with_turns(cursor, device)
            if each.may_lease and each.sweep_id != chosen.sweep_id
        ),
        twin=twin[0] if twin else "",
    )


def _with_turns(cursor: sqlite3.Cursor, device: str) -> Iterator[Waiting]:
    return map(_waiting, cursor.execute(_WITH_TURNS, {"device": device}).fetchall())


def _waiting(row: tuple[Any, ...]) -> Waiting:
    sweep_id, rank, person, due, created, may_lease = row
    return Waiting(
        sweep_id=sweep_id,
        rank=rank,
        person=person,
        order=(due, created, sweep_id),
        may_lease=bool(may_lease),
    )
