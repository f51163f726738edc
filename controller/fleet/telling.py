"""What the log is told of attempts, once what became of them is committed.

Not before: work that is committed as a group is undone and done again where anything of it fails.
"""

from controller.fleet.leasing.losing import LostAttempt
from controller.fleet.reports import Recorded, SaidReport
from controller.fleet.sessions import AgentSession
from controller.state.attempts import JobUnreadable
from protos.log_lines import event_log
from protos.reasons import Reason

log = event_log(__name__)


def tell_lost(lost: LostAttempt) -> None:
    """Of an attempt that was given up."""
    _tell_in_vain("an attempt is lost", lost)
    _tell_quarantine(lost.turn.place.device_id, lost.quarantined)


def tell_recorded(session: AgentSession, said: SaidReport, recorded: Recorded) -> None:
    """Of a report: what it failed for, and the first of a session that is refused, or was known."""
    if recorded.in_vain is not None:
        _tell_in_vain("an artifact did not come whole", recorded.in_vain)
    _tell_quarantine(session.device_id, recorded.quarantined)
    if session.repeats or (recorded.is_new and not recorded.refusal):
        return
    session.repeats = True
    facts = {"device": session.hello.name, "job": said.job_id, "attempt": said.attempt_id}
    if recorded.refusal:
        log.warning("a report is refused", **facts, why=recorded.refusal)
    else:
        log.info("a report came again", **facts)


def tell_unreadable(job: JobUnreadable) -> None:
    """Of a job of which no lease could be made."""
    log.error("a job cannot be read and ends as a failure", job=job.turn.job_id, why=job.why)


def _tell_in_vain(event: str, lost: LostAttempt) -> None:
    log.warning(
        event,
        sweep=lost.turn.place.sweep_id,
        device_id=lost.turn.place.device_id,
        job=lost.turn.job_id,
        attempt=lost.attempt_id,
        why=lost.why,
    )


def _tell_quarantine(device_id: str, why: tuple[Reason, ...]) -> None:
    if why:
        log.warning("a device is in quarantine", device_id=device_id, why=why[0])
