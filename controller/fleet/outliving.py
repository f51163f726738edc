"""Work that goes on when whoever waits for it goes away."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")
# Loops keep no hold of tasks.
_going_on: set[asyncio.Task[Any]] = set()


async def to_its_end(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Gives what some work gives; who is cancelled while it waits for it does not cancel it."""
    task = asyncio.create_task(work)
    _going_on.add(task)
    task.add_done_callback(_has_ended)
    return await asyncio.shield(task)


async def told_at_its_end(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Gives what some work gives, also to who was cancelled while it waited.

    For what is short, changes something, and is written down by who waits for it.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        return task.result()


def _has_ended(task: asyncio.Task[Any]) -> None:
    _going_on.discard(task)
    if not task.cancelled():
        # Whoever still waits is told by the task itself.
        task.exception()
