"""What an agent does about what happens to it: decisions without I/O.

A `Session` outlives connections. The shell around it (agent/link/connection.py) tells it what
happened and carries out what it answers.
"""

from dataclasses import dataclass, field
from typing import Final

from agent.link.incoming import UnreadableLease
from protos.fleet import (
    Cancel,
    GiveBack,
    Heartbeat,
    Lease,
    Progress,
    Ready,
    Report,
    ReportCommitted,
    ReportRefused,
    Welcome,
    failed,
)
from protos.reasons import ReasonCode

MOST_UNSENT: Final = 32
"""Reports that the controller has not committed; with so many, no more work is asked for."""


@dataclass(frozen=True, kw_only=True)
class JobProgressed:
    """The job that runs came further."""

    progress: Progress


@dataclass(frozen=True, kw_only=True)
class JobEnded:
    """The job that ran has its report."""

    report: Report


@dataclass(frozen=True, kw_only=True)
class JobDenied:
    """The job that ran is given back: the device is given nothing of what it needs, or has gone."""


@dataclass(frozen=True, kw_only=True)
class ReportSpoiled:
    """What was kept of an attempt's report is no report any more; `why` is for the log."""

    attempt_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class HeartbeatDue:
    """The heartbeat interval has passed."""


@dataclass(frozen=True, kw_only=True)
class Disconnected:
    """The stream has ended."""


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The agent is about to end."""


OnDevice = (
    JobProgressed | JobEnded | JobDenied | ReportSpoiled | HeartbeatDue | Disconnected | Stopping
)
Event = Welcome | Lease | UnreadableLease | Cancel | ReportCommitted | ReportRefused | OnDevice


@dataclass(frozen=True, kw_only=True)
class Send:
    """Send this on the stream."""

    message: Heartbeat | Ready | Progress | GiveBack


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """Send the kept report of this attempt."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class KeepReport:
    """Put the report into the spool."""

    report: Report


@dataclass(frozen=True, kw_only=True)
class ForgetReport:
    """Take the report out of the spool."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class SetReportAside:
    """Move the report out of the spool into the quarantine; `why` is for the log."""

    attempt_id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class StartJob:
    """Fetch the artifact and measure."""

    lease: Lease


@dataclass(frozen=True, kw_only=True)
class CancelJob:
    """End the job that runs; it still gives a report."""


Instruction = Send | SendReport | KeepReport | ForgetReport | SetReportAside | StartJob | CancelJob


@dataclass(kw_only=True)
class Session:
    """What the agent is at.

    Attributes:
        unsent: attempts whose reports the controller has not committed, oldest first.
        running: the lease that is worked on.
        connected: whether the stream stands, Welcome included.
    """

    unsent: list[str] = field(default_factory=list)
    running: Lease | None = None
    connected: bool = False

    @property
    def held_attempt_ids(self) -> tuple[str, ...]:
        """Attempts whose leases must live on."""
        running = (self.running.attempt_id,) if self.running else ()
        return (*running, *self.unsent)

    def handle(self, event: Event) -> tuple[Instruction, ...]:
        """What to do about an event, in order."""
        instructions: tuple[Instruction, ...]
        match event:
            case Welcome():
                self.connected = True
                instructions = (*map(_send_report, self.unsent), *self._ready_if_free())
            case Lease():
                instructions = self._leased(event)
            case UnreadableLease():
                instructions = self._unreadable(event)
            case Cancel(attempt_id=attempt_id):
                instructions = self._cancelled(attempt_id)
            case ReportCommitted(attempt_id=attempt_id):
                forget = ForgetReport(attempt_id=attempt_id)
                instructions = (forget, *self._send_no_more(attempt_id))
            case ReportRefused(attempt_id=attempt_id, why=why):
                aside = SetReportAside(attempt_id=attempt_id, why=why)
                instructions = (aside, *self._send_no_more(attempt_id))
            case _:
                instructions = self._happened(event)
        return instructions

    def _happened(self, event: OnDevice) -> tuple[Instruction, ...]:
        instructions: tuple[Instruction, ...] = ()
        match event:
            case JobProgressed(progress=progress):
                instructions = (Send(message=progress),) if self.connected else ()
            case JobEnded(report=report):
                self.running = None
                instructions = self._ended(report)
            case ReportSpoiled(attempt_id=attempt_id, why=why):
                instructions = self._spoiled(attempt_id, why)
            case HeartbeatDue():
                instructions = (Send(message=Heartbeat(held_attempt_ids=self.held_attempt_ids)),)
            case Disconnected():
                self.connected = False
            case JobDenied() | Stopping():
                instructions = self._give_back()
        return instructions

    def _leased(self, lease: Lease) -> tuple[Instruction, ...]:
        if lease.attempt_id in self.unsent:
            return (_send_report(lease.attempt_id),)
        if self.running is not None:
            # Ours already, or one that nobody asked for: no heartbeat holds it, so it goes back.
            return ()
        self.running = lease
        return (StartJob(lease=lease),)

    def _unreadable(self, lease: UnreadableLease) -> tuple[Instruction, ...]:
        if lease.attempt_id in self.unsent:
            return (_send_report(lease.attempt_id),)
        return self._ended(_refusal(lease))

    def _cancelled(self, attempt_id: str) -> tuple[Instruction, ...]:
        if self.running is not None and self.running.attempt_id == attempt_id:
            return (CancelJob(),)
        return (_send_report(attempt_id),) if attempt_id in self.unsent else ()

    def _spoiled(self, attempt_id: str, why: str) -> tuple[Instruction, ...]:
        """Another attempt need not wait until this one's lease has run out, either."""
        if attempt_id not in self.unsent:
            return ()
        ready = self._send_no_more(attempt_id)
        aside = SetReportAside(attempt_id=attempt_id, why=why)
        if not self.connected:
            return (aside,)
        return (aside, Send(message=GiveBack(attempt_id=attempt_id)), *ready)

    def _send_no_more(self, attempt_id: str) -> tuple[Instruction, ...]:
        """Asks for work again, where so many were unsent that none was asked for."""
        was_full = len(self.unsent) >= MOST_UNSENT
        self.unsent = [each for each in self.unsent if each != attempt_id]
        return self._ready_if_free() if was_full and self.connected else ()

    def _give_back(self) -> tuple[Instruction, ...]:
        """Another attempt need not wait until this one's lease has run out."""
        running, self.running = self.running, None
        if running is None or not self.connected:
            return ()
        return (Send(message=GiveBack(attempt_id=running.attempt_id)),)

    def _ended(self, report: Report) -> tuple[Instruction, ...]:
        self.unsent.append(report.attempt_id)
        keep = KeepReport(report=report)
        if not self.connected:
            return (keep,)
        return (keep, _send_report(report.attempt_id), *self._ready_if_free())

    def _ready_if_free(self) -> tuple[Instruction, ...]:
        is_free = self.running is None and len(self.unsent) < MOST_UNSENT
        return (Send(message=Ready()),) if is_free else ()


def _send_report(attempt_id: str) -> SendReport:
    return SendReport(attempt_id=attempt_id)


def _refusal(lease: UnreadableLease) -> Report:
    return Report(
        attempt_id=lease.attempt_id,
        job_id=lease.job_id,
        started_at_unix_ms=lease.received_at_unix_ms,
        ended_at_unix_ms=lease.received_at_unix_ms,
        failure=failed(ReasonCode.RUNTIME_ERROR, lease.detail),
    )
