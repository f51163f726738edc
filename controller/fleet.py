"""The agents that are connected, and the leases that they hold.

What can be broken between a job, its attempt and its agent, and what repairs it:

- the agent's stream broke, the agent lives: it dials again and names the attempts that it still
  holds, whose leases live on;
- the agent restarted: it names none, so its attempts are lost at once and their jobs queued again;
- the agent is gone: its heartbeats end and its leases expire, with the same end;
- the controller restarted: attempts that were out get a fresh lease, and one of the above follows;
- a report comes of an attempt given up for lost: it is committed all the same if its job has not
  ended, and acknowledged in any case.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from controller.changes import Changes
from controller.conversation import (
    Cancel,
    Heartbeat,
    Hello,
    Lease,
    Progress,
    Report,
    ReportCommitted,
    Stage,
    ToAgent,
    Welcome,
)
from controller.host_gate import HostGate
from controller.leases import (
    HEARTBEAT_INTERVAL_MS,
    MAX_ATTEMPTS,
    JobState,
    LeaseBook,
    after_loss,
)
from controller.state import attempts, devices, jobs, reports, sweeps

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Session:
    """One agent's open stream. None in the outbox ends it."""

    hello: Hello
    outbox: asyncio.Queue[ToAgent | None] = field(default_factory=asyncio.Queue)
    ready: bool = False
    leases: dict[str, Lease] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)

    @property
    def device_id(self) -> str:
        """The device at the other end."""
        return self.hello.device_id

    def forget(self, attempt_id: str) -> None:
        """The attempt is not this agent's any more."""
        self.leases.pop(attempt_id, None)
        self.progress.pop(attempt_id, None)


class Fleet:
    """Hears what agents say and gives them leases."""

    def __init__(
        self, engine: Engine, changes: Changes, monotonic_ms: Callable[[], int], hostname: str
    ) -> None:
        """Measures leases on a clock that never goes back; `hostname` is this machine's."""
        self._engine = engine
        self._changes = changes
        self._now_ms = monotonic_ms
        self._hostname = hostname
        self._sessions: dict[str, Session] = {}
        self._leases = LeaseBook()
        self._dispatching = asyncio.Lock()
        self._later: set[asyncio.Task[None]] = set()
        self.gate = HostGate(self._dispatch_soon)

    def connected(self) -> frozenset[str]:
        """The ids of the devices that are connected now."""
        return frozenset(self._sessions)

    def activities(self) -> tuple[str, ...]:
        """What the agents do now, for people."""
        return tuple(
            f"{session.hello.name}: {_activity(lease, session.progress.get(attempt_id))}"
            for session in self._sessions.values()
            for attempt_id, lease in session.leases.items()
        )

    async def recover(self) -> None:
        """Gives attempts that were out when the controller stopped a fresh lease."""
        for attempt_id in await asyncio.to_thread(attempts.leased_attempts, self._engine):
            self._leases.grant(attempt_id, self._now_ms())

    async def connect(self, hello: Hello) -> Session:
        """Enrols an agent and opens its session; an older session of the device is ended.

        Raises:
            EdgerankError: NAME_TAKEN when another device has the name.
        """
        await asyncio.to_thread(devices.enrol, self._engine, hello, _unix_ms())
        older = self._sessions.pop(hello.device_id, None)
        if older is not None:
            older.outbox.put_nowait(None)
        session = Session(hello)
        self._sessions[hello.device_id] = session
        session.outbox.put_nowait(Welcome(heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS))
        await self._lose_what_is_not_held(hello)
        log.info("%s connected", hello.name)
        self._changes.notify()
        return session

    async def disconnect(self, session: Session) -> None:
        """Closes a session; its leases go on until they expire."""
        if self._sessions.get(session.device_id) is session:
            del self._sessions[session.device_id]
            log.info("%s disconnected", session.hello.name)
        await asyncio.to_thread(devices.touch, self._engine, session.device_id, _unix_ms())
        self._changes.notify()

    async def heartbeat(self, session: Session, beat: Heartbeat) -> None:
        """Renews the leases that the agent holds."""
        self._leases.renew(beat.held_attempt_ids, self._now_ms())
        await asyncio.to_thread(devices.touch, self._engine, session.device_id, _unix_ms())

    async def ready(self, session: Session) -> None:
        """The agent is free: it gets a lease now, or when there is one."""
        session.ready = True
        await self._dispatch(session)

    def progress(self, session: Session, progress: Progress) -> None:
        """Remembers what the agent does, for those who watch."""
        session.progress[progress.attempt_id] = progress
        self._changes.notify()

    async def report(self, session: Session, report: Report) -> None:
        """Commits a report, then tells the agent that it may forget it.

        Raises:
            EdgerankError: STORAGE; the agent keeps its report and sends it again.
        """
        await asyncio.to_thread(reports.record_report, self._engine, report)
        self._leases.end(report.attempt_id)
        session.forget(report.attempt_id)
        session.outbox.put_nowait(ReportCommitted(attempt_id=report.attempt_id))
        await self.gate.attempt_ended(report.attempt_id)
        await asyncio.to_thread(sweeps.end_finished_sweeps, self._engine, _unix_ms())
        self._changes.notify()

    async def dispatch_all(self) -> None:
        """Gives every agent that is free a lease, if there is one for it."""
        for session in tuple(self._sessions.values()):
            await self._dispatch(session)

    async def cancel(self, running: dict[str, str]) -> None:
        """Tells the agents of these attempts to stop; `running` maps them to devices' ids."""
        for attempt_id, device_id in running.items():
            session = self._sessions.get(device_id)
            if session is not None:
                session.outbox.put_nowait(Cancel(attempt_id=attempt_id))

    async def expire_leases(self) -> None:
        """Gives the attempts up whose agents fell silent."""
        for attempt_id in self._leases.expired(self._now_ms()):
            await self._lose(attempt_id)

    def end_sessions(self) -> None:
        """Ends every stream, so that the agents dial again later."""
        for session in self._sessions.values():
            session.outbox.put_nowait(None)

    async def _lose_what_is_not_held(self, hello: Hello) -> None:
        out = await asyncio.to_thread(attempts.leased_attempts, self._engine)
        for attempt_id, device_id in out.items():
            if device_id != hello.device_id:
                continue
            if attempt_id in hello.held_attempt_ids:
                self._leases.grant(attempt_id, self._now_ms())
            else:
                await self._lose(attempt_id)

    async def _lose(self, attempt_id: str) -> None:
        self._leases.end(attempt_id)
        for session in self._sessions.values():
            session.forget(attempt_id)
        job_id, lost = await asyncio.to_thread(attempts.lose_attempt, self._engine, attempt_id)
        await self.gate.attempt_ended(attempt_id)
        if after_loss(lost) is JobState.QUEUED:
            await asyncio.to_thread(jobs.requeue_job, self._engine, job_id)
            await self.dispatch_all()
        else:
            reason = f"its agent vanished {MAX_ATTEMPTS} times while it worked on this job"
            await asyncio.to_thread(
                reports.record_failure, self._engine, job_id, reason, _unix_ms()
            )
            await asyncio.to_thread(sweeps.end_finished_sweeps, self._engine, _unix_ms())
        self._changes.notify()

    async def _dispatch(self, session: Session) -> None:
        async with self._dispatching:
            local = session.hello.profile.hostname == self._hostname
            if not session.ready or (local and not self.gate.may_measure()):
                return
            leased = await asyncio.to_thread(
                attempts.lease_next, self._engine, session.device_id, _unix_ms()
            )
            if leased is None:
                return
            attempt_id, job = leased
            session.ready = False
            self._leases.grant(attempt_id, self._now_ms())
            if local:
                self.gate.attempt_started(attempt_id)
            lease = Lease(
                attempt_id=attempt_id,
                job_id=job.job_id,
                artifact_sha256=job.artifact_sha256,
                artifact_size_bytes=job.artifact_size_bytes,
                backbone=job.backbone,
                settings=job.settings,
            )
            session.leases[attempt_id] = lease
            session.outbox.put_nowait(lease)
        self._changes.notify()

    def _dispatch_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self.dispatch_all())
        self._later.add(task)
        task.add_done_callback(self._later.discard)


def _activity(lease: Lease, progress: Progress | None) -> str:
    what = f"{lease.backbone} with {lease.settings.runtime.value}"
    if progress is None:
        return f"about to measure {what}"
    if progress.stage is Stage.FETCHING:
        return f"fetching {what}"
    repetition = min(progress.repetitions_done + 1, lease.settings.repetitions)
    return f"measuring {what}, repetition {repetition} of {lease.settings.repetitions}"


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
