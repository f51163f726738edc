"""Work in a thread that ends its children before whoever waits for it goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from models.processes.child import Cancellation

ResultT = TypeVar("ResultT")


async def run_cancellable(
    threads: ThreadPoolExecutor | None, work: Callable[[], ResultT], cancellation: Cancellation
) -> ResultT:
    """What `work` gives; when the caller is cancelled, the work ends before the caller does."""
    future = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([future])
        # Seen, so that nobody complains that it was not: the work says that it was cancelled.
        future.exception()
        raise
