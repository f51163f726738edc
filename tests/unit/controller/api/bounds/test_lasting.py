"""What a clock ends is ended when it says so, and as much time has really passed."""

import asyncio

from controller.api.lasting import called_at

YEARS_MS = 10 * 365 * 24 * 3_600_000


class Wrong:
    """A clock that is set."""

    def __init__(self, now_unix_ms: int) -> None:
        self.now_unix_ms = now_unix_ms

    def unix_ms(self) -> int:
        return self.now_unix_ms

    def monotonic_ms(self) -> int:
        raise AssertionError("the loop's own is asked")


async def test_it_is_called_once_it_is_so_late() -> None:
    clock, called = Wrong(1_000), asyncio.Event()
    with called_at(1_001, clock, called.set):
        clock.now_unix_ms = 1_001
        await asyncio.wait_for(called.wait(), 60)


async def test_a_clock_that_is_set_years_ahead_ends_nothing_before_its_time() -> None:
    clock, called = Wrong(1_000), asyncio.Event()
    with called_at(3_601_000, clock, called.set):
        clock.now_unix_ms += YEARS_MS
        await asyncio.sleep(0)
        assert not called.is_set()


async def test_one_that_is_set_back_ends_it_later() -> None:
    clock, called, looked = Wrong(YEARS_MS), asyncio.Event(), asyncio.Event()

    class SetBack(Wrong):
        def unix_ms(self) -> int:
            now_unix_ms = clock.now_unix_ms
            if now_unix_ms == 0:
                looked.set()
            return now_unix_ms

    with called_at(YEARS_MS + 1, SetBack(0), called.set):
        clock.now_unix_ms = 0
        await asyncio.wait_for(looked.wait(), 60)
        assert not called.is_set()


async def test_what_is_over_before_is_called_by_nobody() -> None:
    clock, called = Wrong(1_000), asyncio.Event()
    with called_at(1_000, clock, called.set):
        pass
    with called_at(None, clock, called.set):
        pass
    await asyncio.sleep(0)
    assert not called.is_set()
