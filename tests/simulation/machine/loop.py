"""An event loop whose time is simulated: nothing is waited for, and nothing runs beside it.

When nothing is ready its time jumps to the next timer. What is given to a thread is done by the
loop itself, some time later: in the order in which it was given and by itself, so that what happens
follows from the seed alone.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class StandsStill(Exception):
    """Everything waits, and nothing is left that could happen."""


class _Jump(selectors.SelectSelector):
    """Lets time pass where another one would wait for it."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StandsStill
        if timeout > 0:
            self._jump(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs what it is given at the times that it asks for, as fast as it can."""

    def __init__(self, thread_delay_s: Callable[[], float]) -> None:
        """`thread_delay_s` says after which time a thread begins what it was given, s."""
        self._now_s = 0.0
        self._thread_delay_s = thread_delay_s
        super().__init__(_Jump(self._pass))
        # Of times that are large, a float tells no shorter ones apart.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._now_s

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Executor | None,  # noqa: ARG002 - all threads are this one
        func: Callable[..., ResultT],
        *args: Any,
    ) -> asyncio.Future[ResultT]:
        done: asyncio.Future[ResultT] = self.create_future()
        self.call_later(self._thread_delay_s(), _work, done, func, args)
        return done

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run until this is done, end what is left, and be closed."""
        try:
            return self.run_until_complete(work)
        finally:
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.wait(left))
            self.run_until_complete(self.shutdown_asyncgens())
            self.close()

    def _pass(self, seconds: float) -> None:
        self._now_s += seconds


class LoopThread:
    """Stands for a pool of one thread, whose work the running loop does."""

    def __init__(self, **_named: object) -> None:
        """Take what a pool is told, which is how its thread is called."""

    def submit(self, func: Callable[[], None]) -> None:
        """Have it done, after what was submitted before."""
        asyncio.get_running_loop().run_in_executor(None, func)


def _work(
    done: asyncio.Future[ResultT], func: Callable[..., ResultT], args: tuple[Any, ...]
) -> None:
    if done.cancelled():
        return
    try:
        done.set_result(func(*args))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whoever waits is told
        done.set_exception(error)
