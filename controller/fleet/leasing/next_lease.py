"""The next leases of devices, whatever became of the jobs before them in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.fleet.leasing.one_each import of_one_each
from controller.fleet.rounds.settling import settle_report
from controller.state.attempts import Ask, JobUnreadable, lease_each
from controller.state.database import Database
from controller.state.jobs.ending import record_failure
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


def next_leases(database: Database, asks: Sequence[Ask]) -> list[NextLease]:
    """Leases devices their next turns; jobs before them that cannot be read end as failures."""
    return of_one_each(asks, lambda ask: ask.device_id, lambda some: _next_leases(database, some))


def _next_leases(database: Database, asks: Sequence[Ask]) -> list[NextLease]:
    with database.writing() as transaction:
        found = lease_each(transaction, asks)
    return [
        _past_unreadable(database, ask, each)
        if isinstance(each, JobUnreadable)
        else NextLease(each)
        for ask, each in zip(asks, found, strict=True)
    ]


def _past_unreadable(database: Database, ask: Ask, first: JobUnreadable) -> NextLease:
    unreadable: list[JobUnreadable] = []
    found: Lease | JobUnreadable | None = first
    while isinstance(found, JobUnreadable):
        why = reason(ReasonCode.JOB_UNREADABLE, {"detail": printable(found.why)})
        # Together: a job that has ended is not come to again, and nobody would settle its end.
        with database.as_one() as whole:
            record_failure(whole, found.turn.job_id, (why,), ask.now_unix_ms)
            settle_report(whole, found.turn, ask.now_unix_ms)
        unreadable.append(found)
        with database.writing() as transaction:
            (found,) = lease_each(transaction, [ask])
    return NextLease(found, tuple(unreadable))
