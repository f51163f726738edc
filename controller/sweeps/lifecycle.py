"""Runs sweeps: artifacts first, then jobs, then the end; a restarted controller goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from controller.conversions.converter import Converter, Listener
from controller.domain.conversions import (
    ConversionOutcome,
    ConversionSnapshot,
    ConversionSpec,
    is_made,
    lacks_published_weights,
)
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError
from controller.domain.jobs import PlannedJob, SweepPlan
from controller.domain.sweeps import Activity, StartedSweep, SweepPhase, SweepSnapshot, SweepSpec
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.rounds.settling import settle_sweep
from controller.state import attempts, devices, jobs, sweeps
from controller.state.artifacts import find_artifact
from controller.state.database import Database
from controller.state.jobs import Role
from controller.state.sweeps import StoredSweep
from controller.sweeps.persisting import persistent
from controller.sweeps.planning import plan_conversion
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.readable import too_new
from controller.sweeps.starting import NOTHING_BEFORE, Before, create_sweep
from controller.sweeps.watching import Watching
from models.catalog.catalog import Catalog
from models.catalog.variants import Variant, WeightsKind
from protos.log_lines import about, event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)


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
        self._activity: dict[str, Activity] = {}
        self._preparing: dict[str, asyncio.Task[None]] = {}
        # Sweeps that are prepared, and have jobs that wait once more.
        self._again: set[str] = set()
        # Held while jobs begin to wait, and while those that wait in vain are failed.
        self._moving = asyncio.Lock()
        self._watching = Watching(database, changes, self._activities)

    async def recover(self) -> None:
        """Goes on with the sweeps that had not ended when the controller stopped."""
        for sweep in await asyncio.to_thread(sweeps.running_sweeps, self._database):
            self._prepare_soon(sweep)

    async def start(self, spec: SweepSpec, started_by: str = "") -> StartedSweep:
        """Plans and starts a sweep of what was not measured alike before.

        `started_by` is as in `Before`.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        # Of many jobs it takes seconds, in which others are to be answered.
        prospect = await asyncio.to_thread(self._planner.prospect, spec, await self._devices())
        before = Before(
            expected_ms=await asyncio.to_thread(self._planner.expected_ms, spec, prospect),
            reused=[figure.job_id for figure in prospect.reused],
            started_by=started_by,
        )
        return StartedSweep(
            sweep_id=await self.begin(spec, prospect.to_measure, before),
            job_count=sum(map(len, prospect.by_device.values())),
            left_out=prospect.plan.left_out,
            measured_before=len(prospect.reused),
        )

    async def preview(self, spec: SweepSpec, *, with_jobs: bool) -> SweepPlan:
        """What a sweep would measure, and how long that would take; starts nothing.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        known = await self._devices()
        return await asyncio.to_thread(self._planner.preview, spec, known, with_jobs=with_jobs)

    async def begin(
        self, spec: SweepSpec, planned: Sequence[PlannedJob], before: Before = NOTHING_BEFORE
    ) -> str:
        """Starts a sweep of these jobs; gives its id."""
        sweep_id = await asyncio.to_thread(
            create_sweep, self._database, spec, planned, self._clock.unix_ms(), before
        )
        self._prepare_soon(StoredSweep(sweep_id, spec, SweepPhase.CONVERTING))
        return sweep_id

    def watch(self, sweep_id: str) -> AsyncIterator[SweepSnapshot]:
        """A snapshot now and after changes, until the sweep has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        return self._watching.watch(sweep_id)

    async def cancel(self, sweep_id: str) -> SweepPhase:
        """Ends a sweep that runs, with its conversions; gives the phase that it is in then.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        await asyncio.to_thread(sweeps.find_sweep, self._database, sweep_id)
        if sweep_id in self._preparing:
            await _ended(self._preparing[sweep_id])
        await asyncio.to_thread(jobs.cancel_jobs, self._database, sweep_id)
        await asyncio.to_thread(
            sweeps.set_phase, self._database, sweep_id, SweepPhase.CANCELLED, self._clock.unix_ms()
        )
        # Asked for last: no job of the sweep can be leased any more.
        running = await asyncio.to_thread(attempts.attempts_of_sweep, self._database, sweep_id)
        await self._fleet.cancel(running)
        self._changes.notify()
        return (await asyncio.to_thread(sweeps.find_sweep, self._database, sweep_id)).phase

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
                ended = () if isinstance(item, Activity) else (item,)
                done += len(ended)
                yield ConversionSnapshot(
                    artifacts_total=len(plan.variants),
                    artifacts_done=done,
                    ended=ended,
                    activity=item if isinstance(item, Activity) else None,
                )
            await work
        finally:
            await _ended(work)

    async def convert_again(self, sha256: str) -> None:
        """Lets the jobs that need an artifact wait until it is made again."""
        async with self._moving:
            touched = await asyncio.to_thread(jobs.wait_again, self._database, sha256)
            for sweep in await asyncio.to_thread(sweeps.running_sweeps, self._database):
                if sweep.sweep_id not in touched:
                    continue
                if sweep.sweep_id in self._preparing and not self._preparing[sweep.sweep_id].done():
                    self._again.add(sweep.sweep_id)
                else:
                    self._prepare_soon(sweep, is_again=True)
        self._changes.notify()

    async def close(self) -> None:
        """Stops preparing sweeps; a later start goes on."""
        for task in tuple(self._preparing.values()):
            await _ended(task)

    async def _devices(self) -> tuple[Device, ...]:
        connected = self._fleet.connected()
        return await asyncio.to_thread(devices.list_devices, self._database, connected)

    async def _prepare(self, sweep: StoredSweep, *, is_again: bool) -> None:
        """Prepares a sweep, once more when jobs began to wait meanwhile.

        `is_again` tells that it was prepared before, and what was made then is damaged.
        """
        await self._prepare_once(sweep, is_again)
        while sweep.sweep_id in self._again:
            await self._prepare_once(sweep, is_again=True)

    async def _prepare_once(self, sweep: StoredSweep, is_again: bool) -> None:
        """Gives every job its artifact or its failure, then lets the agents measure.

        However converting ends, the sweep goes on: one that stayed in this phase would keep those
        who follow it waiting forever.
        """
        self._again.discard(sweep.sweep_id)
        try:
            await self._convert_variants(sweep, is_again)
            # Of the jobs that nothing was told of: there are none, unless converting broke off.
            why = reason(ReasonCode.CONTROLLER_DEFECT)
        except EdgerankError as error:
            why = reason(ReasonCode.NO_ARTIFACT, {"detail": str(error)})
        except Exception:
            # The edge where a defect of ours becomes the reason of failed jobs.
            log.exception("converting failed")
            why = reason(ReasonCode.CONTROLLER_DEFECT)
        # A disk that is full now may have room later, and nothing else can go on before.
        async for attempt in persistent("measuring cannot begin; tried again"):
            with attempt:
                await self._let_measure(sweep.sweep_id, why)
        await self._fleet.dispatch_all()

    async def _convert_variants(self, sweep: StoredSweep, is_again: bool) -> None:
        try:
            # A sentinel has no accuracy to be right about, and synthetic weights are always there.
            await self._convert_role(sweep.sweep_id, Role.SENTINEL, WeightsKind.SYNTHETIC, is_again)
            await self._convert_role(sweep.sweep_id, Role.CANDIDATE, sweep.spec.weights, is_again)
        finally:
            self._activity.pop(sweep.sweep_id, None)

    async def _convert_role(
        self, sweep_id: str, role: Role, weights: WeightsKind, is_again: bool
    ) -> None:
        variants = await asyncio.to_thread(jobs.waiting_variants, self._database, sweep_id, role)
        if not variants:
            return

        async def on_outcome(variant: Variant, outcome: ConversionOutcome, key: str) -> None:
            await self._settle(sweep_id, role, variant, outcome, key)

        def on_activity(activity: Activity) -> None:
            self._activity[sweep_id] = replace(activity, is_again=is_again)
            self._changes.notify()

        await self._converter.ensure(variants, weights, Listener(on_outcome, on_activity))

    async def _let_measure(self, sweep_id: str, why: Reason) -> None:
        async with self._moving:
            if sweep_id not in self._again:
                await self._fail_waiting(sweep_id, why)
        await asyncio.to_thread(
            sweeps.set_phase, self._database, sweep_id, SweepPhase.MEASURING, self._clock.unix_ms()
        )
        await asyncio.to_thread(settle_sweep, self._database, sweep_id, self._clock.unix_ms())
        await self._fleet.end_finished_sweeps()
        self._changes.notify()

    async def _fail_waiting(self, sweep_id: str, why: Reason) -> None:
        for role in Role:
            for variant in await asyncio.to_thread(
                jobs.waiting_variants, self._database, sweep_id, role
            ):
                await self._fail_jobs(sweep_id, role, variant, why)

    async def _settle(
        self, sweep_id: str, role: Role, variant: Variant, outcome: ConversionOutcome, key: str
    ) -> None:
        if is_made(outcome):
            await asyncio.to_thread(self._fail_unreadable, sweep_id, role, variant, key)
            await asyncio.to_thread(jobs.queue_jobs, self._database, sweep_id, role, variant, key)
        else:
            words = {"detail": outcome.reason}
            words |= {"log_id": outcome.log_id} if outcome.log_id else {}
            is_without = lacks_published_weights(outcome)
            code = ReasonCode.WEIGHTS_UNAVAILABLE if is_without else ReasonCode.NO_ARTIFACT
            why = reason(code, words)
            await self._fail_jobs(sweep_id, role, variant, why)
        self._changes.notify()

    async def _fail_jobs(self, sweep_id: str, role: Role, variant: Variant, why: Reason) -> None:
        for job_id in await asyncio.to_thread(
            jobs.waiting_jobs, self._database, sweep_id, role, variant
        ):
            await asyncio.to_thread(
                jobs.record_failure, self._database, job_id, (why,), self._clock.unix_ms()
            )

    def _fail_unreadable(self, sweep_id: str, role: Role, variant: Variant, key: str) -> None:
        """Ends the jobs whose device cannot read the file that was made, before it is pushed."""
        artifact = find_artifact(self._database, key)
        if artifact is None or artifact.versions is None:
            return
        known = devices.list_devices(self._database, frozenset())
        reasons = {
            device.device_id: why
            for device in known
            if (why := too_new(device, variant, artifact.versions))
        }
        for job_id, device_id in jobs.waiting_jobs(self._database, sweep_id, role, variant).items():
            if device_id in reasons:
                told = (reasons[device_id],)
                jobs.record_failure(self._database, job_id, told, self._clock.unix_ms())

    def _activities(self, sweep_id: str) -> tuple[Activity, ...]:
        converting = self._activity.get(sweep_id)
        return (converting,) if converting else self._fleet.activities()

    def _prepare_soon(self, sweep: StoredSweep, *, is_again: bool = False) -> None:
        with about(sweep=sweep.sweep_id):
            preparing = self._prepare(sweep, is_again=is_again)
            task = asyncio.get_running_loop().create_task(preparing)
        self._preparing[sweep.sweep_id] = task
        task.add_done_callback(lambda ended: self._prepared(sweep.sweep_id, ended))

    def _prepared(self, sweep_id: str, task: asyncio.Task[None]) -> None:
        # Another one may have begun since it ended.
        if self._preparing.get(sweep_id) is task:
            del self._preparing[sweep_id]


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended, however it does."""
    task.cancel()
    await asyncio.wait([task])
