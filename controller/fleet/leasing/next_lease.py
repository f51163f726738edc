"""The next lease of a device, whatever became of the jobs before it in the database."""

from collections.abc import Collection

from controller.domain.sweeps import SweepPhase
from controller.fleet.rounds.settling import settle_report
from controller.state.attempts import JobUnreadable, lease_next
from controller.state.database import Database
from controller.state.jobs import record_failure
from protos.fleet import Lease
from protos.log_lines import event_log
from protos.names import printable
from protos.reasons import ReasonCode, reason

log = event_log(__name__)


def next_lease(
    database: Database, device_id: str, now_unix_ms: int, phases: Collection[SweepPhase]
) -> Lease | None:
    """Leases the device's next turn; jobs before it that cannot be read end as failures.

    `phases` are those of the sweeps that it takes turns of.
    """
    while isinstance(found := _found(database, device_id, now_unix_ms, phases), JobUnreadable):
        log.error(
            "a job cannot be read and ends as a failure", job=found.turn.job_id, why=found.why
        )
        why = reason(ReasonCode.JOB_UNREADABLE, {"detail": printable(found.why)})
        record_failure(database, found.turn.job_id, (why,), now_unix_ms)
        settle_report(database, found.turn, now_unix_ms)
    return found


def _found(
    database: Database, device_id: str, now_unix_ms: int, phases: Collection[SweepPhase]
) -> Lease | JobUnreadable | None:
    try:
        return lease_next(database, device_id, now_unix_ms, phases)
    except JobUnreadable as unreadable:
        return unreadable
