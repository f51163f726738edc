"""Work that goes on when whoever waits for it goes away."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from controller.domain.errors import EdgerankError
from protos.log_lines import event_log

log = event_log(__name__)

ResultT = TypeVar("ResultT")
# Loops keep no hold of tasks.
_going_on: set[asyncio.Task[Any]] = set()


def begun(work: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
    """Begins work that goes on to its end, whoever waits for it or does not."""
    task = asyncio.create_task(work)
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)
    return task


async def to_its_end(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Gives what some work gives; who is cancelled while it waits for it does not cancel it.

    Then a failure of it is told in the log.
    """
    task = begun(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(tell_failure)
        raise


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


def tell_failure(task: asyncio.Task[Any]) -> None:
    """Tells the log of work that failed and that nobody waits for any more."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, EdgerankError):
        log.error("what nobody waits for any more failed", error=error)
    else:
        log.error("what nobody waits for any more failed", exc_info=error)
