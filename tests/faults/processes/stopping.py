"""Stops what drives fleets: at once where a person asks, and never in the midst of ending them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def until_stopped(work: Coroutine[Any, Any, None]) -> signal.Signals | None:
    """Do it, or let go of it at the first SIGINT or SIGTERM; which one came, if any.

    Python's own way, an exception wherever the event loop happens to be, leaves processes behind.
    """
    task = asyncio.ensure_future(work)
    came: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        # Another one would cut short the ending of fleets, which takes a moment.
        if not came:
            task.cancel()
        came.append(number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if not came:
            raise
        return came[0]
    return None


async def to_the_end(work: Awaitable[_T], on_stop: Callable[[], None] = lambda: None) -> _T:
    """Wait for it, and even where whoever waits is cancelled; `on_stop` is called then, before."""
    going = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:
        on_stop()
        await asyncio.wait({going})
        raise
