"""Prepares sweeps: their artifacts are made, then their jobs measured; whatever comes between."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from controller.conversions.converter import Converter
from controller.conversions.need import Urgency
from controller.conversions.requests import Listener
from controller.domain.conversions import ConversionOutcome, is_made, lacks_published_weights
from controller.domain.errors import EdgerankError
from controller.domain.sweeps import Activity, SweepPhase, SweepSpec
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock
from controller.fleet.rounds.settling import settle_and_follow, settle_sweep
from controller.state import devices, jobs, sweeps
from controller.state.artifacts import find_artifact
from controller.state.database import Database
from controller.state.jobs import Role, ending
from controller.state.rounds.counts import has_waiting
from controller.state.rounds.courses import Place
from controller.state.rounds.needs import list_idle, list_needs, wanted_variants
from controller.state.rounds.turns import LeasedTurn
from controller.state.sweeps import StoredSweep
from controller.sweeps.possible.runnable import why_not
from controller.sweeps.preparing.persisting import persistent
from models.catalog.variants import Variant, WeightsKind
from protos.log_lines import about, event_log
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)


class Preparing:
    """Gives the jobs of sweeps their artifacts; each sweep by a task of its own."""

    def __init__(
        self,
        database: Database,
        fleet: Fleet,
        converter: Converter,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._converter = converter
        self._changes = changes
        self._clock = clock
        self._activity: dict[str, Activity] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Sweeps that are prepared, and have jobs that wait once more.
        self._again: set[str] = set()
        # Held while jobs begin to wait, and while those that wait in vain are failed.
        self._moving = asyncio.Lock()

    def activity(self, sweep_id: str) -> Activity | None:
        """What is done for a sweep now; None when nothing is."""
        return self._activity.get(sweep_id)

    def soon(self, sweep: StoredSweep, *, is_again: bool = False) -> None:
        """Prepares a sweep, without being waited for.

        `is_again` tells that it was prepared before, and what was made then is damaged.
        """
        with about(sweep=sweep.sweep_id):
            preparing = self._prepare(sweep, is_again=is_again)
            task = asyncio.get_running_loop().create_task(preparing)
        self._tasks[sweep.sweep_id] = task
        task.add_done_callback(lambda done: self._prepared(sweep.sweep_id, done))

    async def end(self, sweep_id: str) -> None:
        """Stops preparing a sweep, if it is prepared."""
        if sweep_id in self._tasks:
            await ended(self._tasks[sweep_id])

    async def close(self) -> None:
        """Stops preparing sweeps; a later start goes on."""
        for task in tuple(self._tasks.values()):
            await ended(task)

    async def again(self, sha256: str) -> None:
        """Lets the jobs that need an artifact wait until it is made again."""
        async with self._moving:
            touched = await asyncio.to_thread(jobs.wait_again, self._database, sha256)
            for sweep in await asyncio.to_thread(sweeps.running_sweeps, self._database):
                if sweep.sweep_id not in touched:
                    continue
                if sweep.sweep_id in self._tasks and not self._tasks[sweep.sweep_id].done():
                    self._again.add(sweep.sweep_id)
                else:
                    self.soon(sweep, is_again=True)
        self._changes.notify()

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
        # A disk that is full now may have room later, and nothing else can go on before. A defect
        # of ours holds this sweep up, which a person can cancel, and says so again and again.
        async for attempt in persistent("measuring cannot begin; tried again", Exception):
            with attempt:
                await self._let_measure(sweep.sweep_id, why)
        async for attempt in persistent("no leases can be given; tried again", Exception):
            with attempt:
                await self._fleet.dispatch_all()

    async def _convert_variants(self, sweep: StoredSweep, is_again: bool) -> None:
        sweep_id = sweep.sweep_id
        await self._want(sweep_id)
        try:
            # A sentinel has no accuracy to be right about, and synthetic weights are always there.
            await self._convert_role(sweep_id, Role.SENTINEL, WeightsKind.SYNTHETIC, is_again)
            if sweep.spec.race is None:
                await self._convert_role(sweep_id, Role.CANDIDATE, sweep.spec.weights, is_again)
            else:
                await self._convert_as_wanted(sweep, is_again)
        finally:
            self._converter.demand.forget(sweep_id)
            self._activity.pop(sweep_id, None)

    async def _want(self, sweep_id: str) -> None:
        """Tells the converter how urgent what is, by the turns that wait now."""
        places = await asyncio.to_thread(list_needs, self._database, sweep_id)
        waiting = frozenset(chain.from_iterable(places.values()))
        idle = await asyncio.to_thread(list_idle, self._database, waiting)
        # It may have been edited since it began.
        edited = await asyncio.to_thread(sweeps.find_sweep, self._database, sweep_id)
        self._converter.demand.want(sweep_id, urgency_of(edited.spec), places, idle)

    async def _convert_as_wanted(self, sweep: StoredSweep, is_again: bool) -> None:
        """Makes the files that a race wants when it wants them, until it is decided.

        Who loses without a process of its own needs none.
        """
        sweep_id, is_measuring = sweep.sweep_id, False
        while True:
            seen = self._changes.version
            wanted = await asyncio.to_thread(wanted_variants, self._database, sweep_id)
            if wanted:
                await self._want(sweep_id)
                await self._convert(sweep_id, Role.CANDIDATE, wanted, sweep.spec.weights, is_again)
                self._activity.pop(sweep_id, None)
            elif not await asyncio.to_thread(has_waiting, self._database, sweep_id):
                return
            elif is_measuring:
                await self._changes.next_look(seen)
            else:
                # On the controller's own machine nothing is measured before.
                is_measuring = True
                await self._begin_measuring(sweep_id)
                await self._fleet.dispatch_all()

    async def _convert_role(
        self, sweep_id: str, role: Role, weights: WeightsKind, is_again: bool
    ) -> None:
        """Makes what jobs in a role wait for, until nothing of the sweep waits for any."""
        variants = await asyncio.to_thread(jobs.waiting_variants, self._database, sweep_id, role)
        if variants:
            await self._convert(sweep_id, role, variants, weights, is_again)

    async def _convert(
        self,
        sweep_id: str,
        role: Role,
        variants: Sequence[Variant],
        weights: WeightsKind,
        is_again: bool,
    ) -> None:
        left = set(variants)
        is_unwanted = False

        async def on_outcome(variant: Variant, outcome: ConversionOutcome, key: str) -> None:
            nonlocal is_unwanted
            # Else a disk without room for a moment would fail every job that waits.
            async for attempt in persistent("what became of a file cannot be kept; tried again"):
                with attempt:
                    await self._settle(sweep_id, role, variant, outcome, key)
            left.discard(variant)
            if left and not await asyncio.to_thread(has_waiting, self._database, sweep_id):
                # A race was decided without them.
                is_unwanted = True
                making.cancel()

        def on_activity(activity: Activity) -> None:
            self._activity[sweep_id] = replace(activity, is_again=is_again)
            self._changes.notify()

        listener = Listener(on_outcome, on_activity)
        making = asyncio.create_task(self._converter.ensure(variants, weights, listener))
        try:
            await making
        except asyncio.CancelledError:
            if not is_unwanted:
                raise

    async def _let_measure(self, sweep_id: str, why: Reason) -> None:
        async with self._moving:
            if sweep_id not in self._again:
                await self._fail_waiting(sweep_id, why)
        await self._begin_measuring(sweep_id)

    async def _begin_measuring(self, sweep_id: str) -> None:
        """Settles what was taken, and lets a race begin of which enough was measured before."""
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
        waiting = await asyncio.to_thread(
            jobs.waiting_jobs, self._database, sweep_id, role, variant
        )
        if is_made(outcome):
            await asyncio.to_thread(self._fail_unrunnable, sweep_id, role, variant, key)
            served = await asyncio.to_thread(
                jobs.queue_jobs, self._database, sweep_id, role, variant, key
            )
            # Who reads the sentinel alone has nothing of the sweep to measure yet.
            if role is Role.CANDIDATE:
                self._converter.demand.served(served)
        else:
            words = {"detail": outcome.reason}
            words |= {"log_id": outcome.log_id} if outcome.log_id else {}
            is_without = lacks_published_weights(outcome)
            code = ReasonCode.WEIGHTS_UNAVAILABLE if is_without else ReasonCode.NO_ARTIFACT
            why = reason(code, words)
            await self._fail_jobs(sweep_id, role, variant, why)
        # What waits behind a job that failed can be measured, too.
        self._fleet.dispatch_soon(frozenset(waiting.values()))
        self._changes.notify()

    async def _fail_jobs(self, sweep_id: str, role: Role, variant: Variant, why: Reason) -> None:
        waiting = await asyncio.to_thread(
            jobs.waiting_jobs, self._database, sweep_id, role, variant
        )
        for job_id, device_id in waiting.items():
            place = Place(sweep_id=sweep_id, device_id=device_id)
            await asyncio.to_thread(self._fail, place, job_id, why)

    def _fail(self, place: Place, job_id: str, *why: Reason) -> None:
        """Ends a job that waited; what others of its device waited for may follow now."""
        now_unix_ms = self._clock.unix_ms()
        ending.record_failure(self._database, job_id, why, now_unix_ms)
        turn = LeasedTurn(place=place, job_id=job_id, ordinal=0)
        settle_and_follow(self._database, turn, now_unix_ms)

    def _fail_unrunnable(self, sweep_id: str, role: Role, variant: Variant, key: str) -> None:
        """Ends the jobs whose device cannot run the file that was made, before it is pushed."""
        artifact = find_artifact(self._database, key)
        if artifact is None:
            return
        known = devices.list_devices(self._database, frozenset())
        reasons = {
            device.device_id: why
            for device in known
            if (why := why_not(device, variant, artifact.needs))
        }
        for job_id, device_id in jobs.waiting_jobs(self._database, sweep_id, role, variant).items():
            if device_id in reasons:
                place = Place(sweep_id=sweep_id, device_id=device_id)
                self._fail(place, job_id, *reasons[device_id])

    def _prepared(self, sweep_id: str, task: asyncio.Task[None]) -> None:
        # Another one may have begun since it ended.
        if self._tasks.get(sweep_id) is task:
            del self._tasks[sweep_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a sweep is not prepared any more", sweep=sweep_id, exc_info=error)


def urgency_of(spec: SweepSpec) -> Urgency:
    """How urgent it is that a sweep's files are made."""
    return Urgency(priority=spec.priority, deadline_unix_ms=spec.deadline_unix_ms)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancels a task and waits until it has ended, however it does."""
    task.cancel()
    await asyncio.wait([task])
