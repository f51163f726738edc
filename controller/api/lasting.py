"""What is called when something ends that a clock ends, while a call goes on that it let in."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from controller.fleet.clock import Clock


@contextmanager
def called_at(at_unix_ms: int | None, clock: Clock, call: Callable[[], None]) -> Iterator[None]:
    """Calls once it is so late, if that comes while the block lasts; at None, never.

    It is when as much time has passed as was left at the beginning, and the clock says so, too: one
    that is set years ahead meanwhile would else end the streams of a whole fleet, and none could
    come back.
    """
    if at_unix_ms is None:
        yield
        return
    later = asyncio.get_running_loop().call_later
    waiting: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal waiting
        left_ms = at_unix_ms - clock.unix_ms()
        if left_ms > 0:
            # The clock was set back.
            waiting = later(left_ms / 1_000, look)
        else:
            call()

    waiting = later(max(0, at_unix_ms - clock.unix_ms()) / 1_000, look)
    try:
        yield
    finally:
        assert waiting is not None
        waiting.cancel()
