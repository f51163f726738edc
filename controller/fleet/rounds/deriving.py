"""Ends jobs beside what agents say: reports are acknowledged before the figures are there."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from controller.domain.errors import EdgerankError
from controller.fleet.clock import Clock
from controller.fleet.rounds.ending import Settled, end_sweeps, last_readings, those_over
from controller.fleet.rounds.finishing import Finished, derive, keep_derived, portions
from controller.state.committing import Commits
from controller.state.database import Database
from protos.log_lines import event_log

log = event_log(__name__)

# Of jobs that end at once, so many are looked at together.
_TOGETHER: Final = 32
# While agents' reports wait to be written, it rests so many times as long as it computed: they are
# acknowledged first, and what they end is not put off for ever.
_RESTS: Final = 3


class Endings:
    """Derives the figures of jobs of which no repetition is missing, and ends these, in turn.

    What is to be ended is told by the tables: what a controller has not ended when it stops,
    `settle_all` finds when it starts. Figures are computed in a thread beside the commits, and kept
    by a group of these.
    """

    def __init__(
        self, database: Database, commits: Commits, clock: Clock, on_ended: Callable[[], None]
    ) -> None:
        """`on_ended` is called when something has ended."""
        self._database = database
        self._commits = commits
        self._clock = clock
        self._on_ended = on_ended
        self._due: deque[Settled] = deque()
        self._failed: list[Settled] = []
        self._task: asyncio.Task[None] | None = None

    def soon(self, settled: Settled) -> None:
        """Ends what this may end; nobody waits for it."""
        self._due.append(settled)
        self._begin()

    def again(self, settled: Iterable[Settled] = ()) -> None:
        """Ends what could not be ended before, and what these may end."""
        self._due.extend(settled)
        self._due.extend(self._failed)
        self._failed.clear()
        self._begin()

    async def rest(self) -> None:
        """Returns when nothing is being ended; what failed meanwhile waits for `again`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Leaves what waits to the next start."""
        if self._task is not None:
            self._task.cancel()
        await self.rest()

    def _begin(self) -> None:
        if self._due and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._work_off())

    async def _work_off(self) -> None:
        while self._due:
            some = self._next()
            if await self._try(some):
                continue
            for each in some:
                # One that cannot be ended holds up nobody but itself.
                if len(some) == 1 or not await self._try([each]):
                    self._failed.append(each)

    def _next(self) -> list[Settled]:
        some = [self._due.popleft()]
        count = len(some[0].complete)
        while self._due and (count := count + len(self._due[0].complete)) <= _TOGETHER:
            some.append(self._due.popleft())
        return some

    async def _try(self, settled: Sequence[Settled]) -> bool:
        try:
            await self._end(settled)
        except EdgerankError as error:
            log.error("jobs cannot be ended now; tried again", jobs=_named(settled), error=error)
            return False
        except Exception:
            # The edge where a defect of ours holds some jobs up, which a person can cancel.
            log.exception("jobs cannot be ended; tried again", jobs=_named(settled))
            return False
        self._on_ended()
        return True

    async def _end(self, settled: Sequence[Settled]) -> None:
        await self._finish([job for each in settled for job in each.finished])
        over = await asyncio.to_thread(those_over, self._database, settled)
        if over:
            await self._finish(last_readings(over))
            await self._commits.write(end_sweeps, over, self._clock.unix_ms())

    async def _finish(self, finished: Sequence[Finished]) -> None:
        for some in portions(finished):
            begin_ms = self._clock.monotonic_ms()
            derived = await asyncio.to_thread(derive, self._database, some)
            took_ms = self._clock.monotonic_ms() - begin_ms
            await self._commits.write(keep_derived, derived, self._clock.unix_ms())
            if self._commits.is_writing:
                await asyncio.sleep(_RESTS * took_ms / 1_000)


def _named(settled: Sequence[Settled]) -> str:
    return ", ".join(job_id for each in settled for job_id in each.complete)
