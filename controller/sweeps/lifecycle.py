"""Runs sweeps: artifacts first, then jobs, then the end; a restarted controller goes on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from controller.conversions.converter import Converter
from controller.conversions.requests import Listener
from controller.domain.conversions import (
    ConversionOutcome,
    ConversionSnapshot,
    ConversionSpec,
)
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import PlannedJob, SweepPlan
from controller.domain.rankings.predictions import Foretold
from controller.domain.sweeps import (
    MAX_NAME_LENGTH,
    RUNNING_PHASES,
    Activity,
    StartedSweep,
    SweepPhase,
    SweepSnapshot,
    SweepSpec,
)
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.outliving import to_its_end
from controller.fleet.rounds.ending import Settled
from controller.fleet.rounds.settling import measured_of_race
from controller.state import attempts, devices, jobs, sweeps
from controller.state.database import Database
from controller.state.rounds.start_requests import Asked, StartRequest, find_start
from controller.state.schema.unreadable import answered_in
from controller.state.sweeps import StoredSweep
from controller.sweeps.planning import plan_conversion
from controller.sweeps.preparing.preparation import Preparing, ended
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.starting import NOTHING_BEFORE, Before, create_sweep
from controller.sweeps.watching import Watching
from models.catalog.catalog import Catalog
from models.catalog.variants import Variant
from protos.log_lines import event_log
from protos.names import is_name, printable

log = event_log(__name__)

Start = Callable[[str | None], Awaitable[StartedSweep]]
"""Starts what was asked for under an id; None for one that is not remembered."""
PlanP = ParamSpec("PlanP")
PlanT = TypeVar("PlanT")
_PLANS_AT_ONCE: Final = 2


class Sweeps:
    """Starts, follows and cancels sweeps and conversions."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        fleet: Fleet,
        converter: Converter,
        changes: Changes,
        *,
        planner: Planner,
        clock: Clock,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._planner = planner
        self._fleet = fleet
        self._converter = converter
        self._changes = changes
        self._clock = clock
        # Of a million jobs a plan takes a minute and half a gigabyte.
        self._planning = ThreadPoolExecutor(_PLANS_AT_ONCE, thread_name_prefix="planning")
        self._preparing = Preparing(database, fleet, converter, changes, clock)
        # A request that nobody waits for any more is forgotten.
        self._starting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._watching = Watching(database, changes, self._activities, fleet.is_connected)

    async def recover(self) -> None:
        """Goes on with the sweeps that had not ended when the controller stopped."""
        for sweep in await asyncio.to_thread(sweeps.running_sweeps, self._database):
            self._preparing.soon(sweep)

    async def start(
        self, spec: SweepSpec, started_by: str = "", request_id: str = ""
    ) -> StartedSweep:
        """Plans and starts a sweep of what was not measured alike before.

        Args:
            spec: what is asked for.
            started_by: as in `Before`.
            request_id: who asks again with the same one is answered the same; empty is none.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`); INVALID_INPUT for a request's id
                that is none, NAME_TAKEN for one that started something else.
        """
        return await self.once(Asked(spec=spec), request_id, partial(self._start, spec, started_by))

    async def once(self, asked: Asked, request_id: str, start: Start) -> StartedSweep:
        """What `start` gives, which is called once for a request's id, however often it is asked.

        Args:
            asked: what for: a sweep, or a profile.
            request_id: as of `start`.
            start: remembers its answer under the id that it is given, None without one.

        Raises:
            EdgerankError: INVALID_INPUT for a request's id that is none, NAME_TAKEN for one that
                started something else; and what `start` raises.
        """
        if not request_id:
            return await start(None)
        if not is_name(request_id):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                "a request's id has letters, digits, '.', '_' and '-', at most 64, which "
                f"{printable(request_id)[:MAX_NAME_LENGTH]!r} has not; take a UUID",
            )
        # Whoever asks again while it is being started waits for that.
        lock = self._starting.setdefault(request_id, asyncio.Lock())

        async def start_if_new() -> StartedSweep:
            async with lock:
                known = await asyncio.to_thread(find_start, self._database, request_id, asked)
                return known or await start(request_id)

        return await to_its_end(start_if_new())

    async def _start(
        self, spec: SweepSpec, started_by: str, request_id: str | None
    ) -> StartedSweep:
        prospect = await self._planned(self._planner.prospect, spec, await self._devices())
        started = StartedSweep(
            sweep_id="",
            job_count=sum(map(len, prospect.by_device.values())),
            left_out=prospect.plan.left_out,
            measured_before=len(prospect.reused),
        )
        request = None
        if request_id:
            asked = Asked(spec=spec)
            request = StartRequest(request_id=request_id, asked=asked, answer=started)
        expected_ms = await self._planned(self._planner.expected_ms, spec, prospect)
        await self._planned(self._planner.check_time, spec, prospect)
        before = Before(
            expected_ms=expected_ms,
            reused=[figure.job_id for figure in prospect.reused],
            continued={job: its.job_id for job, its in prospect.continued.items()},
            foretold=await self.foretold(prospect.to_measure),
            started_by=started_by,
            request=request,
            left_out=prospect.plan.left_out,
        )
        return replace(started, sweep_id=await self.begin(spec, prospect.to_measure, before))

    async def preview(self, spec: SweepSpec, *, with_jobs: bool) -> SweepPlan:
        """What a sweep would measure, and how long that would take; starts nothing.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        known = await self._devices()
        return await self._planned(self._planner.preview, spec, known, with_jobs=with_jobs)

    async def foretold(self, planned: Sequence[PlannedJob]) -> Mapping[PlannedJob, Foretold]:
        """What was last predicted of jobs that are to be measured."""
        return await self._planned(self._planner.foretold, planned)

    async def begin(
        self, spec: SweepSpec, planned: Sequence[PlannedJob], before: Before = NOTHING_BEFORE
    ) -> str:
        """Starts a sweep of these jobs, also when its caller goes away meanwhile; gives its id."""
        return await to_its_end(self._begin(spec, planned, before))

    async def _begin(self, spec: SweepSpec, planned: Sequence[PlannedJob], before: Before) -> str:
        sweep_id = await asyncio.to_thread(
            create_sweep, self._database, spec, planned, self._clock.unix_ms(), before
        )
        self._preparing.soon(StoredSweep(sweep_id, spec, SweepPhase.CONVERTING))
        return sweep_id

    def watch(self, sweep_id: str) -> AsyncGenerator[SweepSnapshot, None]:
        """A snapshot now and after changes, until the sweep has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        return self._watching.watch(sweep_id)

    async def standing(self, sweep_id: str) -> SweepSnapshot:
        """How far a sweep is now, without what ended and what is underway.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        return await self._watching.standing(sweep_id)

    async def snapshot(self, sweep_id: str) -> SweepSnapshot:
        """How far a sweep is now, and everything that ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        async with aclosing(self.watch(sweep_id)) as told:
            return await anext(told)

    async def cancel(self, sweep_id: str) -> SweepPhase:
        """Ends a sweep that runs, with its conversions; gives the phase that it is in then.

        A race keeps the figures of all that it measured: one process of a candidate is a figure.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        stored = await asyncio.to_thread(sweeps.find_sweep, self._database, sweep_id)
        await self._preparing.end(sweep_id)
        measured = await self._measured_of_race(stored)
        await self._fleet.end_complete(lambda place: place.sweep_id == sweep_id, measured)
        await asyncio.to_thread(jobs.cancel_jobs, self._database, sweep_id)
        await asyncio.to_thread(
            sweeps.set_phase, self._database, sweep_id, SweepPhase.CANCELLED, self._clock.unix_ms()
        )
        # Asked for last: no job of the sweep can be leased any more.
        running = await asyncio.to_thread(attempts.attempts_of_sweep, self._database, sweep_id)
        await self._fleet.cancel(running)
        self._changes.notify()
        return (await asyncio.to_thread(sweeps.find_sweep, self._database, sweep_id)).phase

    async def _measured_of_race(self, sweep: StoredSweep) -> Sequence[Settled]:
        """What a race has measured; nothing of another sweep, or where it cannot be read."""
        if sweep.spec.race is None or sweep.phase not in RUNNING_PHASES:
            return ()
        try:
            return await asyncio.to_thread(measured_of_race, self._database, sweep.sweep_id)
        except EdgerankError as error:
            log.error("a race is cancelled without figures", sweep=sweep.sweep_id, error=error)
            return ()

    async def convert(self, spec: ConversionSpec) -> AsyncIterator[ConversionSnapshot]:
        """Makes the variants of backbones; a snapshot at each change.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_conversion`), or what `Converter.ensure`
                raises.
        """
        plan = await asyncio.to_thread(plan_conversion, spec, self._catalog)
        if plan.left_out:
            yield ConversionSnapshot(
                artifacts_total=len(plan.variants), artifacts_done=0, left_out=plan.left_out
            )
        news: asyncio.Queue[ConversionOutcome | Activity | None] = asyncio.Queue()

        async def on_outcome(_variant: Variant, outcome: ConversionOutcome, _key: str) -> None:
            news.put_nowait(outcome)

        listener = Listener(on_outcome, news.put_nowait)
        work = asyncio.create_task(self._converter.ensure(plan.variants, spec.weights, listener))
        work.add_done_callback(lambda _task: news.put_nowait(None))
        done = 0
        try:
            while (item := await news.get()) is not None:
                outcomes = () if isinstance(item, Activity) else (item,)
                done += len(outcomes)
                yield ConversionSnapshot(
                    artifacts_total=len(plan.variants),
                    artifacts_done=done,
                    ended=outcomes,
                    activity=item if isinstance(item, Activity) else None,
                )
            await work
        finally:
            await ended(work)

    async def convert_again(self, sha256: str) -> None:
        """Lets the jobs that need an artifact wait until it is made again."""
        await self._preparing.again(sha256)

    async def close(self) -> None:
        """Stops preparing sweeps; a later start goes on."""
        await self._preparing.close()

    async def _planned(
        self, work: Callable[PlanP, PlanT], *args: PlanP.args, **kwargs: PlanP.kwargs
    ) -> PlanT:
        return await answered_in(self._planning, partial(work, *args, **kwargs))

    async def _devices(self) -> tuple[Device, ...]:
        connected = self._fleet.connected()
        return await asyncio.to_thread(devices.list_devices, self._database, connected)

    def _activities(self, sweep_id: str) -> tuple[Activity, ...]:
        converting = self._preparing.activity(sweep_id)
        own = (converting,) if converting else ()
        return (*own, *self._fleet.activities())
