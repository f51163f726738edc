"""Ends jobs beside what agents say: reports are acknowledged before the figures are there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from controller.domain.errors import EdgerankError
from controller.fleet.clock import Clock
from controller.fleet.rounds.ending import Settled, ending
from controller.fleet.rounds.steps import Look, next_step
from controller.state.committing import Commits
from controller.state.database import Database
from controller.state.rounds.courses import Place
from protos.log_lines import event_log

log = event_log(__name__)

# Of jobs that end at once, so many are looked at together.
_TOGETHER: Final = 32
# While agents' reports wait to be written, it rests so many times as long as it computed: they are
# acknowledged first, and what they end is not put off for ever.
_RESTS: Final = 3
_LONGEST_REST_S: Final = 1.0
# What fails again and again is tried each second, then every second time, up to so seldom.
_MOST_LOOKS: Final = 64


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
        # Of each sweep on a device what was found last, with all jobs that are complete.
        self._due: dict[Place, Settled] = {}
        self._working: list[Settled] = []
        self._failed: dict[Place, Settled] = {}
        self._tries: Counter[Place] = Counter()
        self._looks_left: dict[Place, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._has_stopped = False

    def soon(self, settled: Settled) -> None:
        """Ends what this may end; nobody waits for it."""
        self._add(settled)
        self._begin()

    def again(self, settled: Iterable[Settled] = ()) -> None:
        """Ends what these may end, and what could not be ended before, if it is time to try it."""
        for each in settled:
            self._add(each)
        for place in list(self._failed):
            self._looks_left[place] -= 1
            if self._looks_left[place] <= 0:
                self._add(self._failed.pop(place))
        self._begin()

    async def now(self, is_wanted: Callable[[Place], bool], also: Iterable[Settled] = ()) -> None:
        """Ends what waits, before what is open of it is ended otherwise.

        Args:
            is_wanted: of which sweeps on which devices.
            also: ends what these may end, too.
        """
        waiting = (*self._working, *self._due.values(), *self._failed.values())
        for each in (*[each for each in waiting if is_wanted(each.place)], *also):
            await self._try([each])

    async def rest(self) -> None:
        """Returns when nothing is being ended; what failed meanwhile waits for `again`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Leaves what waits to the next start."""
        self._has_stopped = True
        if self._task is not None:
            self._task.cancel()
        await self.rest()

    def _add(self, settled: Settled) -> None:
        before = self._due.get(settled.place)
        self._due[settled.place] = settled if before is None else before.joined(settled)

    def _begin(self) -> None:
        is_idle = self._task is None or self._task.done()
        if self._due and is_idle and not self._has_stopped:
            self._task = asyncio.get_running_loop().create_task(self._work_off())

    async def _work_off(self) -> None:
        while self._due:
            self._working = self._next()
            await self._try_apart(self._working)
            self._working = []

    async def _try_apart(self, settled: Sequence[Settled]) -> None:
        """Ends these; what cannot be ended holds up nothing but itself."""
        error = await self._try(settled)
        if error is None:
            return
        parts = settled
        # Where the disk is full, it is for each job of a sweep.
        if len(settled) == 1 and not isinstance(error, EdgerankError):
            parts = settled[0].apart
        if len(parts) == 1:
            self._fail(parts[0])
            return
        for each in parts:
            await self._try_apart([each])

    def _next(self) -> list[Settled]:
        some: list[Settled] = []
        count = 0
        for settled in self._due.values():
            count += max(1, len(settled.complete))
            if some and count > _TOGETHER:
                break
            some.append(settled)
        for settled in some:
            del self._due[settled.place]
        return some

    def _fail(self, settled: Settled) -> None:
        place = settled.place
        before = self._failed.get(place)
        self._failed[place] = settled if before is None else before.joined(settled)
        self._looks_left[place] = min(1 << self._tries[place], _MOST_LOOKS)
        self._tries[place] += 1

    async def _try(self, settled: Sequence[Settled]) -> Exception | None:
        try:
            await self._end(settled)
        except EdgerankError as error:
            log.error("jobs cannot be ended now; tried again", jobs=_named(settled), error=error)
            return error
        except Exception as error:
            # The edge where a defect of ours holds some jobs up, which a person can cancel.
            log.exception("jobs cannot be ended; tried again", jobs=_named(settled))
            return error
        for each in settled:
            self._tries.pop(each.place, None)
        self._on_ended()
        return None

    async def _end(self, settled: Sequence[Settled]) -> None:
        steps = ending(settled)
        came: Any = None
        took_ms = 0
        while (step := next_step(steps, came)) is not None:
            if isinstance(step, Look):
                begin_ms = self._clock.monotonic_ms()
                came = await asyncio.to_thread(step.do, self._database)
                took_ms = self._clock.monotonic_ms() - begin_ms
                continue
            came = await self._commits.write(step.do, self._clock.unix_ms())
            if self._commits.is_writing:
                await asyncio.sleep(min(_RESTS * took_ms / 1_000, _LONGEST_REST_S))


def _named(settled: Sequence[Settled]) -> str:
    return ", ".join(job_id for each in settled for job_id in each.complete)
