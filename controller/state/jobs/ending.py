"""How jobs end: many together, each with what is kept of it and counted with it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, or_, select, update

from controller.domain.jobs import ENDED, OPEN_TURNS, JobState, TurnState, may_come_from
from controller.domain.measurements import Verdict
from controller.state.database import Database, Transaction
from controller.state.jobs import Move, move_each, move_job
from controller.state.measurements import Conclusion, record_conclusion
from controller.state.profiles import fail_profile
from controller.state.schema import jobs, turns
from controller.state.schema.columns import Unreadable
from controller.state.schema.many_rows import write_rows
from protos.measuring import MeasureSettings
from protos.reasons import Reason

# What is asked for each job that ends is put together once.
_STANDING = select(jobs.c.job_id, jobs.c.sweep_id, jobs.c.state).where(
    jobs.c.job_id.in_(bindparam("of_jobs", expanding=True))
)
_NOT_READY = (
    select(func.count())
    .select_from(turns)
    .where(turns.c.job_id == jobs.c.job_id, turns.c.state == TurnState.NOT_READY)
    .scalar_subquery()
)
_TOLD = select(jobs.c.job_id, jobs.c.settings, jobs.c.state, _NOT_READY.label("not_ready")).where(
    jobs.c.job_id.in_(bindparam("of_jobs", expanding=True))
)
_DROP = (
    update(turns)
    .where(
        turns.c.job_id == bindparam("of_job"), or_(*(turns.c.state == each for each in OPEN_TURNS))
    )
    .values(state=TurnState.DROPPED)
)


@dataclass(frozen=True, kw_only=True)
class ToldJob:
    """How a job is to be measured, and how far it is.

    Attributes:
        settings: what its repetitions are told.
        not_ready: for how many of its turns the device was not ready.
        has_ended: whether nothing more becomes of it.
    """

    settings: MeasureSettings | Unreadable
    not_ready: int
    has_ended: bool


def read_told(transaction: Transaction, job_ids: Collection[str]) -> Mapping[str, ToldJob]:
    """What jobs were told, by their ids; of those that are there."""
    rows = transaction.execute(_TOLD, {"of_jobs": list(job_ids)})
    return {
        row.job_id: ToldJob(
            settings=row.settings, not_ready=row.not_ready, has_ended=row.state in ENDED
        )
        for row in rows
    }


def end_jobs(transaction: Transaction, job_ids: Sequence[str], state: JobState) -> frozenset[str]:
    """Ends jobs; gives those that had not ended before.

    Args:
        transaction: the caller's, which writes.
        job_ids: each once.
        state: that they come to.
    """
    if not job_ids:
        return frozenset()
    rows = transaction.execute(_STANDING, {"of_jobs": job_ids}).all()
    ending = [row for row in rows if row.state in may_come_from(state)]
    of_sweeps: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for row in ending:
        of_sweeps[row.sweep_id].append({"of_job": row.job_id})
    dropped = {sweep_id: write_rows(transaction, _DROP, its) for sweep_id, its in of_sweeps.items()}
    moves = []
    for row in ending:
        if row.state is JobState.WAITING:
            move_job(transaction, row.job_id, row.sweep_id, row.state, state)
        else:
            moves.append(Move(job_id=row.job_id, sweep_id=row.sweep_id, before=row.state, to=state))
    move_each(transaction, moves, {each: Counter(turns=-count) for each, count in dropped.items()})
    return frozenset(row.job_id for row in ending)


def end_job(transaction: Transaction, job_id: str, state: JobState) -> bool:
    """Ends a job; False when it had ended before."""
    return bool(end_jobs(transaction, [job_id], state))


def fail_job(
    transaction: Transaction, job_id: str, reasons: tuple[Reason, ...], now_unix_ms: int
) -> bool:
    """Ends a job without figures; False when it had ended before."""
    if not end_job(transaction, job_id, JobState.FAILED):
        return False
    if not fail_profile(transaction, job_id, reasons, now_unix_ms):
        failed = Conclusion(
            verdict=Verdict.FAILED, reasons=reasons, measured_at_unix_ms=now_unix_ms
        )
        record_conclusion(transaction, job_id, failed, now_unix_ms)
    return True


def record_failure(
    database: Database, job_id: str, reasons: tuple[Reason, ...], now_unix_ms: int
) -> None:
    """Ends a job that no attempt can be made at; one that has ended stays as it is."""
    with database.writing() as transaction:
        fail_job(transaction, job_id, reasons, now_unix_ms)
