"""Runs sweeps: artifacts first, then jobs, then the end; a restarted controller goes on."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential,
)

from controller.conversions.converter import Converter, Listener
from controller.domain.conversions import (
    ConversionOutcome,
    ConversionSnapshot,
    ConversionSpec,
    is_made,
    lacks_published_weights,
)
from controller.domain.errors import EdgerankError
from controller.domain.jobs import ENDED, JobState, PlannedJob
from controller.domain.sweeps import Activity, SweepPhase, SweepSnapshot, SweepSpec
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.settling import settle_all
from controller.state import attempts, devices, jobs, measurements, sweeps
from controller.state.artifacts import find_artifact, made_versions
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.jobs import Role
from controller.state.rounds import turns
from controller.state.sweeps import RUNNING_PHASES, StoredSweep
from controller.sweeps.planning import Plan, plan_conversion, plan_sweep
from controller.sweeps.readable import KnownVersions, too_new
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import Catalog
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.variants import Variant, WeightsKind
from protos.log_lines import about, event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)

MAX_RETRY_WAIT_S = 30.0


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
        clock: Clock,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._fleet = fleet
        self._converter = converter
        self._changes = changes
        self._clock = clock
        self._activity: dict[str, Activity] = {}
        self._preparing: dict[str, asyncio.Task[None]] = {}

    async def recover(self) -> None:
        """Goes on with the sweeps that had not ended when the controller stopped."""
        for sweep in await asyncio.to_thread(sweeps.running_sweeps, self._database):
            self._prepare_soon(sweep)

    async def start(self, spec: SweepSpec) -> tuple[str, Plan]:
        """Plans and starts a sweep; gives its id and its plan.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        known = await asyncio.to_thread(
            devices.list_devices, self._database, self._fleet.connected()
        )
        versions = await asyncio.to_thread(known_versions, self._database, spec.backbones)
        # Of many jobs it takes seconds, in which others are to be answered.
        plan = await asyncio.to_thread(plan_sweep, spec, known, self._catalog, versions)
        return await self.begin(spec, plan.jobs), plan

    async def begin(self, spec: SweepSpec, planned: Sequence[PlannedJob]) -> str:
        """Starts a sweep of these jobs; gives its id."""
        sweep_id = await asyncio.to_thread(
            create_sweep, self._database, spec, planned, self._clock.unix_ms()
        )
        self._prepare_soon(StoredSweep(sweep_id, spec, SweepPhase.CONVERTING))
        return sweep_id

    async def watch(self, sweep_id: str) -> AsyncIterator[SweepSnapshot]:
        """A snapshot now and at each change, until the sweep has ended.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        seen: set[str] = set()
        while True:
            version = self._changes.version
            snapshot = await asyncio.to_thread(self._snapshot, sweep_id, seen)
            seen.update(outcome.job_id for outcome in snapshot.ended)
            yield snapshot
            if snapshot.phase not in RUNNING_PHASES:
                return
            await self._changes.after(version)

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

    async def close(self) -> None:
        """Stops preparing sweeps; a later start goes on."""
        for task in tuple(self._preparing.values()):
            await _ended(task)

    async def _prepare(self, sweep: StoredSweep) -> None:
        """Gives every job its artifact or its failure, then lets the agents measure.

        However converting ends, the sweep goes on: one that stayed in this phase would keep those
        who follow it waiting forever.
        """
        try:
            await self._convert_variants(sweep)
            # Of the jobs that nothing was told of: there are none, unless converting broke off.
            why = reason(ReasonCode.CONTROLLER_DEFECT)
        except EdgerankError as error:
            why = reason(ReasonCode.NO_ARTIFACT, {"detail": str(error)})
        except Exception:
            # The edge where a defect of ours becomes the reason of failed jobs.
            log.exception("converting failed")
            why = reason(ReasonCode.CONTROLLER_DEFECT)
        async for attempt in AsyncRetrying(
            # A disk that is full now may have room later, and nothing else can go on before.
            retry=retry_if_exception_type(EdgerankError),
            wait=wait_exponential(max=MAX_RETRY_WAIT_S),
            before_sleep=_tell_retry,
        ):
            with attempt:
                await self._let_measure(sweep.sweep_id, why)
        await self._fleet.dispatch_all()

    async def _convert_variants(self, sweep: StoredSweep) -> None:
        try:
            # A sentinel has no accuracy to be right about, and synthetic weights are always there.
            await self._convert_role(sweep.sweep_id, Role.SENTINEL, WeightsKind.SYNTHETIC)
            await self._convert_role(sweep.sweep_id, Role.CANDIDATE, sweep.spec.weights)
        finally:
            self._activity.pop(sweep.sweep_id, None)

    async def _convert_role(self, sweep_id: str, role: Role, weights: WeightsKind) -> None:
        variants = await asyncio.to_thread(jobs.waiting_variants, self._database, sweep_id, role)
        if not variants:
            return

        async def on_outcome(variant: Variant, outcome: ConversionOutcome, key: str) -> None:
            await self._settle(sweep_id, role, variant, outcome, key)

        def on_activity(activity: Activity) -> None:
            self._activity[sweep_id] = activity
            self._changes.notify()

        await self._converter.ensure(variants, weights, Listener(on_outcome, on_activity))

    async def _let_measure(self, sweep_id: str, why: Reason) -> None:
        for role in Role:
            for variant in await asyncio.to_thread(
                jobs.waiting_variants, self._database, sweep_id, role
            ):
                await self._fail_jobs(sweep_id, role, variant, why)
        await asyncio.to_thread(
            sweeps.set_phase, self._database, sweep_id, SweepPhase.MEASURING, self._clock.unix_ms()
        )
        await asyncio.to_thread(settle_all, self._database, self._clock.unix_ms())
        await self._fleet.end_finished_sweeps()
        self._changes.notify()

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

    def _snapshot(self, sweep_id: str, seen: set[str]) -> SweepSnapshot:
        sweep = sweeps.find_sweep(self._database, sweep_id)
        counts = jobs.count_jobs(self._database, sweep_id)
        artifacts_total, artifacts_done = jobs.count_variants(self._database, sweep_id)
        far = turns.count_turns(self._database, sweep_id)
        ended = sum(count for state, count in counts.items() if state in ENDED)
        running = counts.get(JobState.LEASED, 0)
        converting = self._activity.get(sweep_id)
        return SweepSnapshot(
            sweep_id=sweep_id,
            phase=sweep.phase,
            artifacts_total=artifacts_total,
            artifacts_done=artifacts_done,
            jobs_total=sum(counts.values()),
            jobs_queued=sum(counts.values()) - ended - running,
            jobs_running=running,
            ended=tuple(
                outcome
                for outcome in measurements.list_outcomes(self._database, sweep_id)
                if outcome.job_id not in seen
            ),
            activities=(converting,) if converting else self._fleet.activities(),
            repetitions_total=far.total,
            repetitions_done=far.taken,
            jobs_with_figures=far.jobs_with_figures,
        )

    def _prepare_soon(self, sweep: StoredSweep) -> None:
        with about(sweep=sweep.sweep_id):
            task = asyncio.get_running_loop().create_task(self._prepare(sweep))
        self._preparing[sweep.sweep_id] = task
        task.add_done_callback(lambda _task: self._preparing.pop(sweep.sweep_id, None))


def known_versions(database: Database, backbones: Collection[str]) -> KnownVersions:
    """What the ONNX files of backbones need, as far as that is stored."""
    return KnownVersions(
        made=made_versions(database, backbones),
        own={
            model.name: OnnxVersions(model.ir_version, model.opset)
            for model in list_own_models(database)
            if model.ir_version is not None and model.opset is not None
        },
    )


def _tell_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    wait_s = state.next_action.sleep if state.next_action else 0.0
    log.error("measuring cannot begin; tried again", error=error, wait_s=round(wait_s, 1))


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended, however it does."""
    task.cancel()
    await asyncio.wait([task])
