"""Work in a thread that ends before whoever waits for it goes on, or that nobody waits for."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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


class AbandonableThreads:
    """For what waits for other machines, which may take long to say nothing.

    Neither a caller that is cancelled nor the process's end waits for it. What is abandoned goes on
    for a while; so that it does not pile up, no more than so many go on at once.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def run(self, work: Callable[[], ResultT], cancellation: Cancellation) -> ResultT:
        """What `work` gives, once there is a thread for it."""
        await self._free.acquire()
        answer: concurrent.futures.Future[ResultT] = concurrent.futures.Future()
        # So that nobody takes it back, and there is always somebody to answer.
        answer.set_running_or_notify_cancel()
        context, loop = copy_context(), asyncio.get_running_loop()

        def run() -> None:
            try:
                result = context.run(work)
            except BaseException as error:  # noqa: BLE001 - whoever waits is told
                answer.set_exception(error)
            else:
                answer.set_result(result)
            finally:
                # The loop may have ended without it.
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._free.release)

        # Of a pool, the interpreter would wait for it.
        try:
            threading.Thread(target=run, name="abandonable", daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise
