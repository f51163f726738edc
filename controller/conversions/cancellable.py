"""Work in a thread that ends before whoever waits for it goes on, or that nobody waits for."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
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


async def run_abandonable(work: Callable[[], ResultT], cancellation: Cancellation) -> ResultT:
    """What `work` gives; neither a caller that is cancelled nor the process's end waits for it.

    For what waits for other machines, which may take long to say nothing.
    """
    answer: concurrent.futures.Future[ResultT] = concurrent.futures.Future()
    # So that nobody takes it back, and there is always somebody to answer.
    answer.set_running_or_notify_cancel()
    context = copy_context()

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            answer.set_exception(error)
        else:
            answer.set_result(result)

    # Of a pool, the interpreter would wait for it.
    threading.Thread(target=run, name="abandonable", daemon=True).start()
    try:
        return await asyncio.wrap_future(answer)
    except asyncio.CancelledError:
        cancellation.cancel()
        raise
