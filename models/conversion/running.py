"""Run the steps of one program: each at most once, and two at a time where memory is for two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, TypeVar

from models.conversion.work import LARGE, Work
from models.processes.child import Cancellation, ask
from models.processes.forkserver import ForkServers
from models.processes.requests import Bounds

AT_ONCE = 2
"""Steps of one program that run at the same time; `models.conversion.cost` counts their memory."""

Answer = TypeVar("Answer")


class Steps(AbstractContextManager["Steps"]):
    """The steps of one program; leaving it waits for those that run."""

    def __init__(
        self,
        bounds: Bounds,
        timeout_s: float,
        say: Callable[[str], None],
        cancellation: Cancellation,
        servers: ForkServers,
    ) -> None:
        """Start nothing yet.

        Args:
            bounds: of each child.
            timeout_s: wall time of each child, seconds.
            say: told, in any thread, what starts.
            cancellation: ends the children early.
            servers: fork the children.
        """
        self._bounds = bounds
        self._timeout_s = timeout_s
        self._say = say
        self._cancellation = cancellation
        self._servers = servers
        self._lock = threading.Lock()
        self._places = _Places(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, "step")
        self._outcomes: dict[Work, Future[Any]] = {}
        self._seconds: dict[Work, float] = {}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the steps that run."""
        self._threads.shutdown()

    def start(
        self,
        work: Work,
        request: object,
        answer_type: type[Answer],
        on_milestone: Callable[[], None] = lambda: None,
    ) -> Future[Answer]:
        """Start a step unless it was; its failure is remembered like an answer."""
        with self._lock:
            if work not in self._outcomes:
                self._outcomes[work] = self._threads.submit(
                    self._run, work, request, answer_type, on_milestone
                )
            return self._outcomes[work]

    def run(self, work: Work, request: object, answer_type: type[Answer]) -> Answer:
        """Start a step unless it was, and wait for its answer.

        Raises:
            StepFailed: the step failed, now or before.
            ConversionCancelled: the conversion was cancelled.
        """
        return self.start(work, request, answer_type).result()

    def seconds(self, works: Iterable[Work]) -> float:
        """Return the sum of the wall times of those of the steps that ran."""
        return sum(self._seconds.get(work, 0.0) for work in works)

    def _run(
        self,
        work: Work,
        request: object,
        answer_type: type[Answer],
        on_milestone: Callable[[], None],
    ) -> Answer:
        with self._places.taken(AT_ONCE if work in LARGE else 1):
            self._say(work.saying)
            started = time.perf_counter()
            try:
                return ask(
                    work.step,
                    request,
                    answer_type,
                    start=lambda stderr: self._servers.fork(
                        work.step,
                        bounds=self._bounds,
                        stderr=stderr,
                    ),
                    timeout_s=self._timeout_s,
                    cancellation=self._cancellation,
                    on_milestone=on_milestone,
                )
            finally:
                self._seconds[work] = time.perf_counter() - started


class _Places:
    """What steps take before they run, one or several at once."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Wait for that many places and hold them while inside."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()
