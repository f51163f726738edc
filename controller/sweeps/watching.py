"""What those who follow sweeps are told: one look a change, for all who follow the same sweep.

Looks are made in a thread of their own, at most a few a second, and the more follow sweeps, the
more rarely they are told how these go on, ends excepted: followers, however many and of however
many sweeps, take no thread and little time from the agents' reports. Who is slow misses looks and
no outcome: what ended is asked for from the last one that was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeVar

from controller.domain.jobs import JobState
from controller.domain.sweeps import RUNNING_PHASES, Activity, SweepPhase, SweepSnapshot
from controller.fleet.changes import TOLD_PER_S, Changes
from controller.fleet.rounds.concluding import conclude_so_far
from controller.state import sweeps
from controller.state.database import Database
from controller.state.devices.standings import list_absent, list_held_up
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import read_counts
from controller.state.rounds.underway import list_changed
from protos.reasons import Reason

ResultT = TypeVar("ResultT")


class _Reached(NamedTuple):
    """The number of the last outcome of a sweep, and that of the last turn that was taken."""

    outcome: int = 0
    turn: int = 0


@dataclass(frozen=True)
class _Look:
    """How far a sweep is at one moment.

    Attributes:
        snapshot: what everybody is told of it, without what ended and what was left out.
        reached: what had come about then.
        left_out: of the sweep, for who is told of it for the first time.
        told: the snapshots with what came about since something had been reached.
    """

    snapshot: SweepSnapshot
    reached: _Reached
    left_out: tuple[Reason, ...] = ()
    told: dict[_Reached, asyncio.Future[SweepSnapshot]] = field(default_factory=dict)


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
        is_connected: Callable[[str], bool],
    ) -> None:
        """`activities` are those of a sweep by its id; `is_connected` is asked from a thread."""
        self._database = database
        self._changes = changes
        self._activities = activities
        self._is_connected = is_connected
        self._followed: dict[str, tuple[_Followed, asyncio.Task[None]]] = {}
        # Of all sweeps together.
        self._followers = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watching")

    async def watch(self, sweep_id: str) -> AsyncGenerator[SweepSnapshot, None]:
        """A snapshot now and at each change, until the sweep has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        number, seen, is_told = 0, _Reached(), False
        with self._following(sweep_id) as followed:
            while True:
                number, look = await followed.after(number)
                snapshot = await self._since(look, seen)
                # The very same one for all, where there is nothing to add.
                if look.left_out and not is_told:
                    snapshot = replace(snapshot, left_out=look.left_out)
                is_told = True
                yield snapshot
                seen = look.reached
                if look.snapshot.phase not in RUNNING_PHASES:
                    return

    async def standing(self, sweep_id: str) -> SweepSnapshot:
        """How far a sweep is now, without its jobs: nothing of it takes longer the more there are.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        activities = self._activities(sweep_id)
        look = await self._in_thread(partial(self._look, sweep_id, activities))
        return replace(look.snapshot, left_out=look.left_out)

    @contextmanager
    def _following(self, sweep_id: str) -> Iterator[_Followed]:
        if sweep_id not in self._followed:
            begun = _Followed()
            looking = asyncio.get_running_loop().create_task(self._look_on(sweep_id, begun))
            looking.add_done_callback(begun.end)
            self._followed[sweep_id] = begun, looking
        followed, looking = self._followed[sweep_id]
        followed.followers += 1
        self._followers += 1
        try:
            yield followed
        finally:
            followed.followers -= 1
            self._followers -= 1
            if not followed.followers:
                looking.cancel()
                del self._followed[sweep_id]

    async def _look_on(self, sweep_id: str, followed: _Followed) -> None:
        """Looks at each change until the sweep has ended, the first time at once."""
        now_s = asyncio.get_running_loop().time
        due_s = now_s()
        while True:
            version, activities = self._changes.version, self._activities(sweep_id)
            look = await self._in_thread(partial(self._look, sweep_id, activities))
            is_over = look.snapshot.phase not in RUNNING_PHASES
            if not is_over and await self._is_outdated(version, due_s - now_s()):
                continue
            followed.tell(look)
            if is_over:
                return
            due_s = now_s() + self._followers / TOLD_PER_S
            await self._changes.next_look(version)

    async def _is_outdated(self, version: int, within_s: float) -> bool:
        """Whether something changes again before a look may be told; returns when it may."""
        if within_s <= 0:
            return False
        try:
            await asyncio.wait_for(self._changes.next_look(version), within_s)
        except asyncio.TimeoutError:
            return False
        return True

    def _look(self, sweep_id: str, activities: tuple[Activity, ...]) -> _Look:
        # The phase first: what has ended by then is counted afterwards.
        stored = sweeps.find_sweep(self._database, sweep_id)
        counts = read_counts(self._database, sweep_id)
        total = sum(counts.jobs.values())
        running = counts.jobs.get(JobState.LEASED, 0)
        waits = stored.phase is SweepPhase.MEASURING and not running
        snapshot = SweepSnapshot(
            sweep_id=sweep_id,
            phase=stored.phase,
            artifacts_total=counts.variants,
            artifacts_done=counts.variants - counts.variants_waiting,
            jobs_total=total,
            jobs_queued=total - counts.jobs_ended - running,
            jobs_running=running,
            activities=activities,
            repetitions_total=counts.turns,
            repetitions_done=counts.turns_taken,
            jobs_with_figures=counts.jobs_with_figures,
            paused=stored.paused,
            held_up=list_held_up(self._database, sweep_id),
            still_racing=counts.still_racing,
            absent=list_absent(self._database, sweep_id, self._is_connected) if waits else (),
        )
        reached = _Reached(counts.outcomes, counts.takings)
        return _Look(snapshot, reached, stored.left_out)

    async def _since(self, look: _Look, seen: _Reached) -> SweepSnapshot:
        """A look's snapshot with what came since; the same one for all who have seen as much."""
        if seen == look.reached:
            return look.snapshot
        if seen not in look.told:
            asked = self._in_thread(partial(self._with_changes, look, seen))
            look.told[seen] = asyncio.ensure_future(asked)
        # Who goes away takes nothing from the others.
        return await asyncio.shield(look.told[seen])

    def _with_changes(self, look: _Look, seen: _Reached) -> SweepSnapshot:
        sweep_id, reached = look.snapshot.sweep_id, look.reached
        ended = list_outcomes(self._database, sweep_id, after=seen.outcome, until=reached.outcome)
        underway = list_changed(
            self._database, sweep_id, conclude_so_far, after=seen.turn, until=reached.turn
        )
        return replace(look.snapshot, ended=tuple(ended), underway=tuple(underway))

    async def _in_thread(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
