"""An agent's report is committed while what the agent says next is heard.

An agent says that it is free right after it reported: its next lease is written with the report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from controller.fleet.outliving import begun, tell_failure


class Reporting:
    """The report of one stream that is being committed: at most one at a time.

    It is committed also where the stream breaks meanwhile. Where that fails, who hears the stream
    fails by it.
    """

    def __init__(self) -> None:
        """Made by the task that hears the stream."""
        self._hearing = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def heard_beside(self) -> Iterator[None]:
        """The block in which the stream is heard; it fails as the report does."""
        try:
            yield
        except asyncio.CancelledError:
            error = self._error()
            if error is not None:
                raise error from None
            raise
        finally:
            if self._task is not None and not self._task.done():
                self._task.add_done_callback(tell_failure)

    def begin(self, committing: Coroutine[Any, Any, None]) -> None:
        """Lets a report be committed, where none is being committed."""
        self._task = begun(committing)
        self._task.add_done_callback(self._ended)

    async def rest(self) -> None:
        """Returns when none is being committed any more; raises as the last one did."""
        if self._task is not None:
            await asyncio.shield(self._task)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        if self._error() is not None and self._hearing is not None:
            self._hearing.cancel()

    def _error(self) -> BaseException | None:
        task = self._task
        if task is None or not task.done() or task.cancelled():
            return None
        return task.exception()
