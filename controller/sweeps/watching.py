"""What those who follow sweeps are told: one look a change, for all who follow the same sweep.

Looks are made in a thread of their own, at most a few a second, so that followers, however many,
take no thread and no time from the agents' reports. Who is slow misses looks and no outcome: what
ended is asked for from the last one that was told.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from controller.domain.jobs import JobState
from controller.domain.sweeps import Activity, SweepSnapshot
from controller.fleet.changes import Changes
from controller.state import sweeps
from controller.state.database import Database
from controller.state.devices.standings import list_held_up
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import read_counts
from controller.state.sweeps import RUNNING_PHASES

INTERVAL_S: Final = 0.25
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class _Look:
    """How far a sweep is at one moment.

    Attributes:
        snapshot: what everybody is told of it, without what ended.
        outcomes: the number of the last outcome then.
        told: the snapshots with what ended after an outcome, by that one's number.
    """

    snapshot: SweepSnapshot
    outcomes: int
    told: dict[int, asyncio.Future[SweepSnapshot]] = field(default_factory=dict)


class _Followed:
    """A sweep that somebody follows: the newest look at it, or why there is none."""

    def __init__(self) -> None:
        self.followers = 0
        self._looks = Changes()
        self._newest: _Look | BaseException | None = None

    def tell(self, look: _Look | BaseException) -> None:
        """Replaces the look of before, read or not."""
        self._newest = look
        self._looks.notify()

    def end(self, looking: asyncio.Task[None]) -> None:
        """Tells why nobody looks any more, unless nobody follows or the sweep has ended."""
        if not looking.cancelled() and (error := looking.exception()) is not None:
            self.tell(error)

    async def after(self, number: int) -> tuple[int, _Look]:
        """The newest look, once it is another than that of this number; with its own."""
        number = await self._looks.after(number)
        assert self._newest is not None
        if isinstance(self._newest, BaseException):
            raise self._newest
        return number, self._newest


class Watching:
    """Tells followers how far sweeps are."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        activities: Callable[[str], tuple[Activity, ...]],
    ) -> None:
        """`activities` are those of a sweep by its id."""
        self._database = database
        self._changes = changes
        self._activities = activities
        self._followed: dict[str, tuple[_Followed, asyncio.Task[None]]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watching")

    async def watch(self, sweep_id: str) -> AsyncIterator[SweepSnapshot]:
        """A snapshot now and at each change, until the sweep has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        number = seen = 0
        with self._following(sweep_id) as followed:
            while True:
                number, look = await followed.after(number)
                yield await self._since(look, seen)
                seen = look.outcomes
                if look.snapshot.phase not in RUNNING_PHASES:
                    return

    @contextmanager
    def _following(self, sweep_id: str) -> Iterator[_Followed]:
        if sweep_id not in self._followed:
            begun = _Followed()
            looking = asyncio.get_running_loop().create_task(self._look_on(sweep_id, begun))
            looking.add_done_callback(begun.end)
            self._followed[sweep_id] = begun, looking
        followed, looking = self._followed[sweep_id]
        followed.followers += 1
        try:
            yield followed
        finally:
            followed.followers -= 1
            if not followed.followers:
                looking.cancel()
                del self._followed[sweep_id]

    async def _look_on(self, sweep_id: str, followed: _Followed) -> None:
        """Looks at each change until the sweep has ended, the first time at once."""
        while True:
            version, activities = self._changes.version, self._activities(sweep_id)
            look = await self._in_thread(partial(self._look, sweep_id, activities))
            followed.tell(look)
            if look.snapshot.phase not in RUNNING_PHASES:
                return
            # What changes in the meantime is told together.
            await asyncio.gather(self._changes.after(version), asyncio.sleep(INTERVAL_S))

    def _look(self, sweep_id: str, activities: tuple[Activity, ...]) -> _Look:
        # The phase first: what has ended by then is counted afterwards.
        phase = sweeps.find_sweep(self._database, sweep_id).phase
        counts = read_counts(self._database, sweep_id)
        total = sum(counts.jobs.values())
        running = counts.jobs.get(JobState.LEASED, 0)
        snapshot = SweepSnapshot(
            sweep_id=sweep_id,
            phase=phase,
            artifacts_total=counts.variants,
            artifacts_done=counts.variants - counts.variants_waiting,
            jobs_total=total,
            jobs_queued=total - counts.jobs_ended - running,
            jobs_running=running,
            activities=activities,
            repetitions_total=counts.turns,
            repetitions_done=counts.turns_taken,
            jobs_with_figures=counts.jobs_with_figures,
            held_up=list_held_up(self._database, sweep_id),
        )
        return _Look(snapshot, counts.outcomes)

    async def _since(self, look: _Look, seen: int) -> SweepSnapshot:
        """A look's snapshot with what ended since; the same one for all who have seen as much."""
        if seen == look.outcomes:
            return look.snapshot
        if seen not in look.told:
            asked = self._in_thread(partial(self._with_ended, look, seen))
            look.told[seen] = asyncio.ensure_future(asked)
        # Who goes away takes nothing from the others.
        return await asyncio.shield(look.told[seen])

    def _with_ended(self, look: _Look, seen: int) -> SweepSnapshot:
        ended = list_outcomes(
            self._database, look.snapshot.sweep_id, after=seen, until=look.outcomes
        )
        return replace(look.snapshot, ended=tuple(ended))

    async def _in_thread(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
