"""A device in simulated time: the agent's own session, and a shell around it that waits."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.link.session import (
    CancelJob,
    Disconnected,
    Event,
    ForgetReport,
    HeartbeatDue,
    Instruction,
    JobEnded,
    JobProgressed,
    KeepReport,
    Send,
    SendReport,
    Session,
    SetReportAside,
    StartJob,
    Stopping,
)
from controller.domain.errors import EdgerankError, ErrorCode
from protos.fleet import (
    FEATURES,
    PROTOCOL,
    Hello,
    Lease,
    Progress,
    Ready,
    Report,
    Stage,
    Welcome,
)
from protos.reasons import ReasonCode
from tests.simulation.machine.streams import Response, Stream
from tests.simulation.measuring import PROFILE, device_name, report_of
from tests.simulation.schedules import LONGEST_TURN_S, SHORTEST_TURN_S
from tests.simulation.surroundings import Ether, Ills

# As a dialler has them.
_LONGEST_REST_S: Final = 10.0
_REST_S: Final = 0.2
_PATIENCE_S: Final = 10.0


class Device:
    """One device, whose agent is started again whenever it has ended.

    Attributes:
        number: which one of its fleet.
        name: what it is called, which is also its id.
        ills: what is wrong with it.
        spool: reports that were not committed yet, by attempt; outlives its agent.
        had: attempts whose reports it had, and what they failed for; None of those that measured.
        last_reports: the newest of them.
        clock_ms: by what its clock is off, ms.
        stream: the one that it has; None without any.
        idle_since_s: since when it waits for a lease; None while it does not.
        hung_up_at_s: when its last stream ended.
    """

    def __init__(self, number: int, ether: Ether) -> None:
        self.number = number
        self.name = device_name(number)
        self.ills = Ills()
        self.spool: dict[str, Report] = {}
        self.had: dict[str, ReasonCode | None] = {}
        self.last_reports: deque[Report] = deque(maxlen=4)
        self.clock_ms = 0
        self.stream: Stream | None = None
        self.idle_since_s: float | None = None
        self.hung_up_at_s = 0.0
        self._ether = ether
        self._loop = ether.loop
        self._pace_s = ether.rng.uniform(SHORTEST_TURN_S, LONGEST_TURN_S)
        self._session = Session()
        self._run = 0
        self._is_there = False
        self._dials = 0
        self._stands_until_s = 0.0
        self._deferred: deque[Callable[[], None]] = deque()
        self._ending: asyncio.TimerHandle | None = None

    @property
    def is_there(self) -> bool:
        """Whether its agent runs."""
        return self._is_there

    @property
    def is_settled(self) -> bool:
        """Whether it is connected, measures nothing, and owes no report."""
        return self._session.connected and self._session.running is None and not self.spool

    @property
    def is_standing(self) -> bool:
        """Whether its agent stands still."""
        return self._loop.time() < self._stands_until_s

    def start(self) -> None:
        """Start its agent."""
        self._run += 1
        self._is_there, self._dials = True, 0
        self._session = Session(unsent=list(self.spool))
        self._ether.note("starts", self.name)
        self._dial(self._run)

    def die(self, after_s: float) -> None:
        """Its agent is no more, and another one is started so much later."""
        if not self._is_there:
            return
        self._ether.note("dies", self.name)
        self._end_job()
        self._is_there = False
        self._deferred.clear()
        self._stands_until_s = 0.0
        self._hang_up(up_s=self._ether.rng.choice((0.0, 0.0, 20.0)))
        self._loop.call_later(after_s, self.start)

    def end(self, after_s: float) -> None:
        """Its agent gives back what it measures, ends, and another one is started later."""
        if not self._is_there:
            return
        self._ether.note("ends", self.name)
        self._happen(Stopping())
        self._end_job()
        stream, self.stream = self.stream, None
        self.idle_since_s, self.hung_up_at_s = None, self._loop.time()
        if stream is not None:
            stream.say_up(None)
            # What was said comes first.
            self._loop.call_later(_REST_S, lambda: stream.cut(up_s=0.0, down_s=0.0))
        self._is_there = False
        self._deferred.clear()
        self._stands_until_s = 0.0
        self._loop.call_later(after_s, self.start)

    def hang(self, for_s: float) -> None:
        """Its agent stands still, with all that it measures."""
        if self._loop.time() >= self._stands_until_s:
            self._loop.call_later(for_s, self._go_on, self._run)
            self._stands_until_s = self._loop.time() + for_s

    def lose_link(self, for_s: float, up_s: float, down_s: float) -> None:
        """Cut its stream; for a while nobody can be dialled."""
        self.ills.cut_until_s = max(self.ills.cut_until_s, self._loop.time() + for_s)
        if self.stream is not None:
            self.stream.cut(up_s=up_s, down_s=down_s)

    def repeat_reports(self) -> None:
        """Say again what was reported last, twice and in reversed order."""
        if self.stream is not None:
            for report in (*self.last_reports, *reversed(self.last_reports)):
                self.stream.say_up(report)

    def heal(self) -> None:
        """Nothing is wrong with it any more; what it kept without need is found at a start."""
        self.ills = Ills()
        if self.spool.keys() - set(self._session.unsent):
            self.end(_REST_S)

    def hear(self, stream: Stream, said: Response) -> None:
        """Hear what the controller says on a stream; None is its end."""
        self._when_awake(lambda: self._heard(stream, said))

    def _heard(self, stream: Stream, said: Response) -> None:
        if stream is not self.stream:
            return
        match said:
            case EdgerankError():
                if said.code is not ErrorCode.STORAGE:
                    self._ether.stray(f"{self.name} was told {said}")
                self._closed()
            case None:
                self._closed()
            case Welcome():
                self._dials = 0
                self._happen(said)
                interval_s = said.heartbeat_interval_ms / 1_000
                self._loop.call_later(interval_s, self._beat, stream, interval_s)
            case _:
                self._happen(said)  # type: ignore[arg-type]

    def _closed(self) -> None:
        self._hang_up(up_s=0.0)
        self._happen(Disconnected())
        self._loop.call_later(_REST_S, self._dial, self._run)

    def _hang_up(self, up_s: float) -> None:
        stream, self.stream = self.stream, None
        self.idle_since_s, self.hung_up_at_s = None, self._loop.time()
        if stream is not None:
            stream.cut(up_s=up_s, down_s=0.0)

    def _dial(self, run: int) -> None:
        if run != self._run or not self._is_there:
            return
        if self._loop.time() < self._stands_until_s:
            self._when_awake(lambda: self._dial(run))
            return
        hello = Hello(
            device_id=self.name,
            name=self.name,
            labels={},
            profile=PROFILE,
            held_attempt_ids=self._session.held_attempt_ids,
            protocol=PROTOCOL,
            run_id=f"{self.name}-{run}",
            features=FEATURES,
        )
        is_cut = self._loop.time() < self.ills.cut_until_s
        self.stream = None if is_cut else self._ether.dial(self, hello)
        if self.stream is None:
            self._dials += 1
            most_s = min(_LONGEST_REST_S, 2.0 ** min(self._dials, 10))
            self._loop.call_later(self._ether.rng.uniform(0.0, most_s), self._dial, run)
        else:
            self._loop.call_later(_PATIENCE_S, self._give_up, self.stream)

    def _give_up(self, stream: Stream) -> None:
        """Hang up where nobody says Welcome."""
        if stream is self.stream and not self._session.connected:
            self._when_awake(lambda: self._heard(stream, None))

    def _beat(self, stream: Stream, interval_s: float) -> None:
        if stream is not self.stream:
            return
        self._when_awake(lambda: self._happen(HeartbeatDue()))
        self._loop.call_later(interval_s, self._beat, stream, interval_s)

    def _happen(self, event: Event) -> None:
        for instruction in self._session.handle(event):
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Send(message=message):
                if isinstance(message, Ready):
                    self.idle_since_s = self._loop.time()
                if self.stream is not None:
                    self.stream.say_up(message)
            case SendReport(attempt_id=attempt_id):
                if self.stream is not None and attempt_id in self.spool:
                    self.stream.say_up(self.spool[attempt_id])
            case StartJob(lease=lease):
                self._begin(lease)
            case CancelJob():
                self._cancel()
            case _:
                self._keep(instruction)

    def _keep(self, instruction: KeepReport | ForgetReport | SetReportAside) -> None:
        match instruction:
            case KeepReport(report=report):
                self.spool[report.attempt_id] = report
                self.had[report.attempt_id] = report.failure.code if report.failure else None
                self.last_reports.append(report)
            case ForgetReport(attempt_id=attempt_id):
                self._forget(attempt_id)
            case SetReportAside(attempt_id=attempt_id):
                self.spool.pop(attempt_id, None)
                # As the controller remembers it.
                self.had[attempt_id] = ReasonCode.RUBBISH

    def _forget(self, attempt_id: str) -> None:
        if self.ills.remembers and attempt_id in self.spool:
            self.ills.remembers = False
            return
        self.spool.pop(attempt_id, None)

    def _begin(self, lease: Lease) -> None:
        self._ether.note("begins", self.name, lease.attempt_id)
        self.idle_since_s = None
        ills = self.ills
        if ills.is_deadly:
            ills.is_deadly, ills.deadly_job = False, lease.job_id
        takes_s = self._pace_s * self._ether.rng.uniform(0.7, 1.3)
        if lease.job_id == ills.deadly_job:
            self._ending = self._loop.call_later(takes_s / 2, self.die, _REST_S)
            return
        takes_s, ills.hangs_s = takes_s + ills.hangs_s, 0.0
        self._ending = self._loop.call_later(takes_s, self._finish, lease, takes_s)
        progress = Progress(attempt_id=lease.attempt_id, stage=Stage.MEASURING)
        self._happen(JobProgressed(progress=progress))

    def _finish(self, lease: Lease, takes_s: float) -> None:
        self._when_awake(lambda: self._finished(lease, takes_s, self._failure()))

    def _cancel(self) -> None:
        lease = self._session.running
        # What hangs hears nothing.
        if lease is None or self._ending is None or self._is_hanging():
            return
        self._end_job()
        self._ending = self._loop.call_later(
            _REST_S, self._when_awake, lambda: self._cancelled(lease)
        )

    def _cancelled(self, lease: Lease) -> None:
        self._finished(lease, _REST_S, ReasonCode.ATTEMPT_CANCELLED)

    def _is_hanging(self) -> bool:
        assert self._ending is not None
        return self._ending.when() - self._loop.time() > 2 * LONGEST_TURN_S

    def _finished(self, lease: Lease, takes_s: float, code: ReasonCode | None) -> None:
        if lease is not self._session.running:
            return
        self._ending = None
        ended_ms = self._ether.unix_ms() + self.clock_ms
        report = report_of(lease, ended_ms, round(1_000 * takes_s), code)
        if self.ills.next_absurd and report.measured is not None:
            self.ills.next_absurd = False
            measured = report.measured
            absurd = replace(measured.repetition, latency_ns=(0,))
            report = replace(report, measured=replace(measured, repetition=absurd))
        self._ether.note("has", self.name, lease.attempt_id, code)
        self._happen(JobEnded(report=report))

    def _failure(self) -> ReasonCode | None:
        if self._loop.time() < self.ills.fails_until_s:
            return ReasonCode.RUNTIME_ERROR
        return self.ills.next_fails_for.popleft() if self.ills.next_fails_for else None

    def _end_job(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _when_awake(self, work: Callable[[], None]) -> None:
        """Do it now, or in its turn once the agent goes on."""
        if self._loop.time() < self._stands_until_s or self._deferred:
            self._deferred.append(work)
        elif self._is_there:
            work()

    def _go_on(self, run: int) -> None:
        if run != self._run:
            return
        self._stands_until_s = 0.0
        deferred, self._deferred = self._deferred, deque()
        for work in deferred:
            if self._is_there:
                work()
