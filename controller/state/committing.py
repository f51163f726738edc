"""Commits what comes in as a group: one thread writes, and a disk syncs once for all of a group."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from controller.state.database import Database, Transaction

Asked = ParamSpec("Asked")
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# More would let the first of them wait longer than a disk takes to sync.
MOST_OF_A_GROUP: Final = 256


@dataclass(frozen=True, eq=False)
class _Work:
    """What one caller wants to be written, and where it is answered.

    `write` takes the items of all callers who want the same of it, and gives a result for each.
    """

    write: Callable[[Database, Sequence[Any]], Sequence[Any]]
    item: Any
    answer: "asyncio.Future[Any]"
    may_join: bool


@dataclass(frozen=True)
class _Ended:
    """What became of a work: its result, or why there is none."""

    work: _Work
    result: Any = None
    error: Exception | None = None


class Commits:
    """Writes for callers on one event loop, and answers them when it is committed.

    What comes in while a group is written is the next group. What several callers want of one
    kind, as reports to be recorded, is one call for all of the group, so that it takes as many
    statements as for one. Where anything of a group fails, all of it is undone and written again
    one by one, with a savepoint for each transaction of a caller's work: what fails is undone
    alone, and the others' is committed. Savepoints cost more than they are worth where nothing
    fails.
    """

    def __init__(self, database: Database) -> None:
        self._database = database.of_groups()
        self._waiting: deque[_Work] = deque()
        self._is_writing = False
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writing")

    @property
    def is_writing(self) -> bool:
        """Whether something is being written, or waits for that."""
        return self._is_writing

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

        def alone(database: Database, _items: Sequence[None]) -> list[ResultT]:
            return [work(database, *args, **kwargs)]

        return await self._take_in(alone, None, may_join=False)

    async def write_each(
        self, work: Callable[[Database, Sequence[ItemT]], Sequence[ResultT]], item: ItemT
    ) -> ResultT:
        """Gives what `work` gives for an item, once that is committed.

        Args:
            work: as that of `write`. It is given the items of all who want it meanwhile, and gives
                a result for each in their order. Where anything of the group fails, it is called
                again for each item by itself.
            item: this caller's.

        Raises:
            EdgerankError: as `write` does.
        """
        return await self._take_in(work, item, may_join=True)

    async def _take_in(
        self,
        write: Callable[[Database, Sequence[ItemT]], Sequence[ResultT]],
        item: ItemT,
        *,
        may_join: bool,
    ) -> ResultT:
        answer: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append(_Work(write, item, answer, may_join))
            is_writing, self._is_writing = self._is_writing, True
        if not is_writing:
            self._thread.submit(self._work_off)
        return await answer

    def _work_off(self) -> None:
        while group := self._next_group():
            # Who was cancelled while it waited wants nothing any more.
            wanted = [work for work in group if not work.answer.cancelled()]
            ended = self._commit(wanted)
            # Of a loop that has ended, nobody waits. Else it is woken once for all of them.
            with suppress(RuntimeError):
                group[0].answer.get_loop().call_soon_threadsafe(_answer, ended)

    def _next_group(self) -> list[_Work]:
        with self._lock:
            count = min(len(self._waiting), MOST_OF_A_GROUP)
            group = [self._waiting.popleft() for _ in range(count)]
            self._is_writing = bool(group)
        return group

    def _commit(self, group: list[_Work]) -> list[_Ended]:
        """Writes a group; gives what became of each."""
        try:
            try:
                return self._written_at_once(group)
            except _PartFailed:
                return self._written_by_parts(group)
        except Exception as error:  # noqa: BLE001 - each caller is told
            return [_Ended(work, error=error) for work in group]

    def _written_at_once(self, group: list[_Work]) -> list[_Ended]:
        with self._database.writing() as transaction:
            parts = _Parts(transaction)
            within = replace(self._database, part=parts.open)
            try:
                ended = [each for works in _joined(group) for each in _written(works, within)]
            except Exception as error:
                raise _PartFailed from error
            if parts.has_failed:
                raise _PartFailed
        return ended

    def _written_by_parts(self, group: list[_Work]) -> list[_Ended]:
        with self._database.writing() as transaction:
            within = replace(self._database, part=partial(_savepoint, transaction))
            return [_tried(work, within, transaction) for work in group]


def _answer(ended: Sequence[_Ended]) -> None:
    for each in ended:
        answer = each.work.answer
        if answer.cancelled():
            continue
        if each.error is None:
            answer.set_result(each.result)
        else:
            answer.set_exception(_tellable(each.error))


def _tellable(error: Exception) -> Exception:
    """An error as a future takes it, which takes no StopIteration."""
    return RuntimeError(repr(error)) if isinstance(error, StopIteration) else error


def _joined(group: Sequence[_Work]) -> Iterator[list[_Work]]:
    """The works of a group, those of one kind together; what is written alone keeps its place."""
    kinds: dict[object, list[_Work]] = {}
    for work in group:
        if work.may_join:
            kinds.setdefault(work.write, []).append(work)
            continue
        yield from kinds.values()
        kinds = {}
        yield [work]
    yield from kinds.values()


def _written(works: Sequence[_Work], database: Database) -> list[_Ended]:
    """Writes works of one kind."""
    results = works[0].write(database, [work.item for work in works])
    return [_Ended(work, result) for work, result in zip(works, results, strict=True)]


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


def _tried(work: _Work, database: Database, transaction: Transaction) -> _Ended:
    """Writes a work that may fail, by itself."""
    try:
        (ended,) = _written([work], database)
    except Exception as error:
        if not _is_open(transaction):
            # What the others wrote is gone with it.
            raise
        return _Ended(work, error=error)
    return ended


def _is_open(transaction: Transaction) -> bool:
    """Whether a transaction is what it was: SQLite ends one by itself when its disk fails."""
    return getattr(transaction.connection.dbapi_connection, "in_transaction", True)
