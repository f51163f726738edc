"""The next lease of a device, whatever became of the jobs before it in the database."""

from collections.abc import Collection
from dataclasses import dataclass

from controller.domain.sweeps import SweepPhase
from controller.fleet.rounds.settling import settle_report
from controller.state.attempts import JobUnreadable, lease_next
from controller.state.database import Database
from controller.state.jobs import record_failure
from protos.fleet import Lease
from protos.names import printable
from protos.reasons import ReasonCode, reason


@dataclass(frozen=True)
class NextLease:
    """What a device is leased next.

    Attributes:
        lease: None where there is nothing for it.
        unreadable: the jobs before it that cannot be read and ended as failures.
    """

    lease: Lease | None
    unreadable: tuple[JobUnreadable, ...] = ()


def next_lease(
    database: Database, device_id: str, now_unix_ms: int, phases: Collection[SweepPhase]
) -> NextLease:
    """Leases the device's next turn; jobs before it that cannot be read end as failures.

    `phases` are those of the sweeps that it takes turns of.
    """
    unreadable: list[JobUnreadable] = []
    while isinstance(found := _found(database, device_id, now_unix_ms, phases), JobUnreadable):
        why = reason(ReasonCode.JOB_UNREADABLE, {"detail": printable(found.why)})
        # Together: a job that has ended is not come to again, and nobody would settle its end.
        with database.as_one() as whole:
            record_failure(whole, found.turn.job_id, (why,), now_unix_ms)
            settle_report(whole, found.turn, now_unix_ms)
        unreadable.append(found)
    return NextLease(found, tuple(unreadable))


def _found(
    database: Database, device_id: str, now_unix_ms: int, phases: Collection[SweepPhase]
) -> Lease | JobUnreadable | None:
    try:
        return lease_next(database, device_id, now_unix_ms, phases)
    except JobUnreadable as unreadable:
        return unreadable
