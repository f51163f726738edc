"""A report is committed beside what its agent says next, whatever becomes of the stream."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from controller.api.rpc.reporting import Reporting
from controller.domain.errors import EdgerankError, ErrorCode

NO_ROOM = EdgerankError(ErrorCode.STORAGE, "the disk is full")


class Hearer:
    """Hears a stream whose one report is committed, and on which nothing more comes."""

    def __init__(self, commit: Callable[[], Coroutine[None, None, None]]) -> None:
        self.hears = asyncio.Event()
        self._commit = commit
        self.task = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        reporting = Reporting()
        with reporting.heard_beside():
            reporting.begin(self._commit())
            self.hears.set()
            await asyncio.Event().wait()


async def test_a_report_that_cannot_be_committed_ends_the_stream_by_its_reason() -> None:
    async def commit() -> None:
        raise NO_ROOM

    with pytest.raises(EdgerankError) as failed:
        await Hearer(commit).task
    assert failed.value.code is ErrorCode.STORAGE


async def test_a_report_is_committed_though_its_stream_breaks() -> None:
    may_commit, is_committed = asyncio.Event(), asyncio.Event()

    async def commit() -> None:
        await may_commit.wait()
        is_committed.set()

    hearer = Hearer(commit)
    await hearer.hears.wait()
    hearer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearer.task
    may_commit.set()
    await asyncio.wait_for(is_committed.wait(), 60)


async def test_what_fails_when_the_stream_is_gone_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_fail = asyncio.Event()

    async def commit() -> None:
        await may_fail.wait()
        raise NO_ROOM

    hearer = Hearer(commit)
    await hearer.hears.wait()
    hearer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearer.task
    may_fail.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    # What is called when a task ends is so in the next round of the loop.
    await asyncio.sleep(0)
    assert "the disk is full" in caplog.text


async def test_who_waits_for_a_report_is_told_how_it_failed() -> None:
    may_fail = asyncio.Event()

    async def commit() -> None:
        await may_fail.wait()
        raise NO_ROOM

    async def hear() -> None:
        reporting = Reporting()
        with reporting.heard_beside():
            reporting.begin(commit())
            may_fail.set()
            await reporting.rest()

    with pytest.raises(EdgerankError) as failed:
        await hear_in_a_task(hear)
    assert failed.value.code is ErrorCode.STORAGE


async def hear_in_a_task(hear: Callable[[], Coroutine[None, None, None]]) -> None:
    """A report that fails ends the task that hears, and no other one."""
    await asyncio.create_task(hear())
