"""Commits what comes in as a group: one thread writes, and a disk syncs once for all of a group."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from controller.state.database import Database, Transaction

Asked = ParamSpec("Asked")
ResultT = TypeVar("ResultT")

# More would let the first of them wait longer than a disk takes to sync.
MOST_OF_A_GROUP: Final = 256


@dataclass(frozen=True)
class _Work:
    """What one caller wants to be written, and where it is answered."""

    write: Callable[[Database], Any]
    answer: Future[Any]


class Commits:
    """Writes for callers, and answers them when it is committed.

    What comes in while a group is written is the next group. Where anything of a group fails, all
    of it is undone and written again with a savepoint for each transaction of a caller's work: what
    fails is undone alone, and the others' is committed. Savepoints cost more than they are worth
    where nothing fails.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Work] = deque()
        self._is_writing = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writing")

    async def write(
        self,
        work: Callable[Concatenate[Database, Asked], ResultT],
        *args: Asked.args,
        **kwargs: Asked.kwargs,
    ) -> ResultT:
        """Gives what `work` gives, once that is committed.

        Args:
            work: opens transactions of the database that it is given, one after another.
            *args: what else it is given.
            **kwargs: that as well.

        Raises:
            EdgerankError: STORAGE when the group could not be committed, and what `work` raises.
        """
        answer: Future[ResultT] = Future()
        self._take_in(_Work(lambda database: work(database, *args, **kwargs), answer))
        return await asyncio.wrap_future(answer)

    def _take_in(self, work: _Work) -> None:
        with self._lock:
            self._waiting.append(work)
            if self._is_writing:
                return
            self._is_writing = True
        self._thread.submit(self._work_off)

    def _work_off(self) -> None:
        while group := self._next_group():
            # Who was cancelled while it waited wants nothing any more.
            wanted = [work for work in group if work.answer.set_running_or_notify_cancel()]
            for answer in self._commit(wanted):
                answer()

    def _next_group(self) -> list[_Work]:
        with self._lock:
            count = min(len(self._waiting), MOST_OF_A_GROUP)
            group = [self._waiting.popleft() for _ in range(count)]
            self._is_writing = bool(group)
        return group

    def _commit(self, group: list[_Work]) -> list[Callable[[], None]]:
        """Writes a group; gives how each of it is answered, which may be done from now on."""
        try:
            try:
                return self._written_at_once(group)
            except _PartFailed:
                return self._written_by_parts(group)
        except Exception as error:  # noqa: BLE001 - each caller is told
            return [partial(work.answer.set_exception, error) for work in group]

    def _written_at_once(self, group: list[_Work]) -> list[Callable[[], None]]:
        with self._database.writing() as transaction:
            parts = _Parts(transaction)
            within = replace(self._database, part=parts.open)
            try:
                done = [work.write(within) for work in group]
            except Exception as error:
                raise _PartFailed from error
            if parts.has_failed:
                raise _PartFailed
        return [
            partial(work.answer.set_result, result)
            for work, result in zip(group, done, strict=True)
        ]

    def _written_by_parts(self, group: list[_Work]) -> list[Callable[[], None]]:
        with self._database.writing() as transaction:
            within = replace(self._database, part=partial(_savepoint, transaction))
            return [_written(work, within, transaction) for work in group]


class _PartFailed(Exception):
    """Something of a group failed, and all of it is to be undone."""


class _Parts:
    """Parts of a group's transaction that nothing keeps apart; tells whether one failed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.has_failed = False

    @contextmanager
    def open(self) -> Iterator[Transaction]:
        """A part of it. Whose failure is caught by whoever opened it is not undone yet."""
        try:
            yield self._transaction
        except BaseException:
            self.has_failed = True
            raise


@contextmanager
def _savepoint(transaction: Transaction) -> Iterator[Transaction]:
    with transaction.begin_nested():
        yield transaction


def _written(work: _Work, database: Database, transaction: Transaction) -> Callable[[], None]:
    try:
        done = work.write(database)
    except Exception as error:
        if not _is_open(transaction):
            # What the others wrote is gone with it.
            raise
        return partial(work.answer.set_exception, error)
    return partial(work.answer.set_result, done)


def _is_open(transaction: Transaction) -> bool:
    """Whether a transaction is what it was: SQLite ends one by itself when its disk fails."""
    return getattr(transaction.connection.dbapi_connection, "in_transaction", True)
