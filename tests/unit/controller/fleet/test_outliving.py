"""What a call changes comes to its end, whoever waits for it."""

import asyncio

import pytest

from controller.fleet.outliving import to_its_end, told_at_its_end


async def test_what_changes_goes_on_though_its_caller_hangs_up() -> None:
    begun, may_end, written = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def change() -> None:
        begun.set()
        await may_end.wait()
        written.set()

    call = asyncio.create_task(to_its_end(change()))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    may_end.set()
    await asyncio.wait_for(written.wait(), 60)


async def test_what_fails_when_nobody_waits_any_more_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, may_fail = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        begun.set()
        await may_fail.wait()
        raise ConnectionError("away")

    call = asyncio.create_task(to_its_end(change()))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    may_fail.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    # What is called when a task ends is so in the next round of the loop.
    await asyncio.sleep(0)
    assert "away" in caplog.text


async def test_what_fails_is_told_to_who_waits() -> None:
    async def change() -> None:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        await to_its_end(change())


async def test_what_is_told_at_its_end_is_told_though_its_caller_hung_up() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def change() -> int:
        begun.set()
        await may_end.wait()
        return 7

    call = asyncio.create_task(told_at_its_end(change()))
    await begun.wait()
    call.cancel()
    await asyncio.wait([call], timeout=0.01)
    assert not call.done()
    may_end.set()
    assert await call == 7
