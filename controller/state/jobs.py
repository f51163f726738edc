"""Jobs: waiting for their artifacts, queued, leased, ended."""

from collections.abc import Mapping
from enum import Enum

from sqlalchemy import ColumnElement, Update, and_, exists, func, select, update

from controller.domain.jobs import ENDED, JobState, TurnState, may_come_from
from controller.domain.measurements import Verdict
from controller.state.database import Database, Transaction
from controller.state.measurements import Conclusion, record_conclusion
from controller.state.profiles import fail_profile
from controller.state.rounds.courses import Place
from controller.state.schema import artifacts, jobs, turns
from models.catalog.variants import Variant
from protos.measuring import MeasureSettings
from protos.reasons import Reason


class Role(Enum):
    """What a job is measured for; the artifacts of both come with weights of their own."""

    CANDIDATE = False
    SENTINEL = True


def waiting_variants(database: Database, sweep_id: str, role: Role) -> tuple[Variant, ...]:
    """The variants that jobs of the sweep in a role wait for, in the order of the jobs."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state == JobState.WAITING,
                jobs.c.is_sentinel.is_(role.value),
            )
            .order_by(jobs.c.position)
        ).all()
    return tuple(
        dict.fromkeys(
            Variant(
                row.backbone,
                row.format,
                row.precision,
                row.target,
                row.input_size,
                row.batch,
            )
            for row in rows
        )
    )


def waiting_jobs(
    database: Database, sweep_id: str, role: Role, variant: Variant
) -> Mapping[str, str]:
    """The ids of the jobs in a role that wait for this variant, each with its device's."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.job_id, jobs.c.device_id)
            .where(_waits_for(sweep_id, role, variant))
            .order_by(jobs.c.position)
        ).all()
    return {row.job_id: row.device_id for row in rows}


def queue_jobs(
    database: Database, sweep_id: str, role: Role, variant: Variant, conversion_key: str
) -> None:
    """Frees the jobs in a role that waited for this variant."""
    with database.transaction() as transaction:
        transaction.execute(
            move_jobs(JobState.QUEUED, _waits_for(sweep_id, role, variant)).values(
                conversion_key=conversion_key
            )
        )


def wait_again(database: Database, sha256: str) -> frozenset[str]:
    """Lets the jobs that have not ended wait for an artifact anew; gives the ids of their sweeps.

    An attempt that is out goes on, since its device may have the bytes.
    """
    keys = select(artifacts.c.conversion_key).where(artifacts.c.sha256 == sha256)
    of_artifact = and_(jobs.c.conversion_key.in_(keys), jobs.c.state.not_in(ENDED))
    with database.transaction() as transaction:
        touched = transaction.scalars(select(jobs.c.sweep_id).where(of_artifact).distinct()).all()
        transaction.execute(move_jobs(JobState.WAITING, of_artifact))
    return frozenset(touched)


def cancel_jobs(database: Database, sweep_id: str) -> None:
    """Cancels every job of the sweep that has not ended."""
    with database.transaction() as transaction:
        transaction.execute(move_jobs(JobState.CANCELLED, jobs.c.sweep_id == sweep_id))
        of_sweep = select(jobs.c.job_id).where(jobs.c.sweep_id == sweep_id)
        transaction.execute(drop_turns(turns.c.job_id.in_(of_sweep)))


def cancel_jobs_of_device(database: Database, device_id: str) -> None:
    """Cancels every job on the device that has not ended."""
    with database.transaction() as transaction:
        transaction.execute(move_jobs(JobState.CANCELLED, jobs.c.device_id == device_id))
        of_device = select(jobs.c.job_id).where(jobs.c.device_id == device_id)
        transaction.execute(drop_turns(turns.c.job_id.in_(of_device)))


def read_settings(transaction: Transaction, job_id: str) -> MeasureSettings:
    """How a job is to be measured."""
    settings: MeasureSettings = transaction.scalars(
        select(jobs.c.settings).where(jobs.c.job_id == job_id)
    ).one()
    return settings


def has_sentinel(transaction: Transaction, job_id: str) -> bool:
    """Whether a sentinel, failed or not, was to watch a job's sweep on its device."""
    place = select(jobs.c.sweep_id, jobs.c.device_id).where(jobs.c.job_id == job_id).subquery()
    same = and_(jobs.c.sweep_id == place.c.sweep_id, jobs.c.device_id == place.c.device_id)
    sentinels = select(jobs.c.job_id).join(place, same).where(jobs.c.is_sentinel)
    return transaction.scalars(sentinels.limit(1)).one_or_none() is not None


def has_open_candidates(transaction: Transaction, place: Place) -> bool:
    """Whether a job of a sweep on a device has not ended, the sentinel not counted."""
    still_open = exists().where(
        jobs.c.sweep_id == place.sweep_id,
        jobs.c.device_id == place.device_id,
        jobs.c.is_sentinel.is_(False),
        jobs.c.state.not_in(ENDED),
    )
    return transaction.scalars(select(still_open)).one()


def end_job(transaction: Transaction, job_id: str, state: JobState) -> bool:
    """Ends a job; False when it had ended before."""
    if transaction.execute(move_jobs(state, jobs.c.job_id == job_id)).rowcount == 0:
        return False
    transaction.execute(drop_turns(turns.c.job_id == job_id))
    return True


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
    with database.transaction() as transaction:
        fail_job(transaction, job_id, reasons, now_unix_ms)


def count_jobs(database: Database, sweep_id: str) -> dict[JobState, int]:
    """How many jobs of the sweep are in each state."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.state, func.count().label("job_count"))
            .where(jobs.c.sweep_id == sweep_id)
            .group_by(jobs.c.state)
        ).all()
    return {row.state: row.job_count for row in rows}


def count_variants(database: Database, sweep_id: str) -> tuple[int, int]:
    """How many variants the sweep needs, and how many of them no job waits for any more."""
    columns = (
        jobs.c.backbone,
        jobs.c.format,
        jobs.c.precision,
        jobs.c.target,
        jobs.c.input_size,
        jobs.c.batch,
    )
    with database.transaction() as transaction:
        needed = transaction.execute(
            select(*columns).where(jobs.c.sweep_id == sweep_id).distinct()
        ).all()
        waiting = transaction.execute(
            select(*columns)
            .where(jobs.c.sweep_id == sweep_id, jobs.c.state == JobState.WAITING)
            .distinct()
        ).all()
    return len(needed), len(needed) - len(waiting)


def move_jobs(to: JobState, *where: ColumnElement[bool]) -> Update:
    """The statement that moves jobs to a state, those that may come to it."""
    return update(jobs).where(*where, jobs.c.state.in_(may_come_from(to))).values(state=to)


def drop_turns(*where: ColumnElement[bool]) -> Update:
    """The statement that lets turns go which nobody has taken."""
    still_open = [TurnState.QUEUED, TurnState.LEASED]
    return (
        update(turns).where(*where, turns.c.state.in_(still_open)).values(state=TurnState.DROPPED)
    )


def _waits_for(sweep_id: str, role: Role, variant: Variant) -> ColumnElement[bool]:
    return and_(
        jobs.c.sweep_id == sweep_id,
        jobs.c.is_sentinel.is_(role.value),
        jobs.c.state == JobState.WAITING,
        jobs.c.backbone == variant.backbone,
        jobs.c.format == variant.format,
        jobs.c.precision == variant.precision,
        jobs.c.target == variant.target,
        jobs.c.input_size == variant.input_size,
        jobs.c.batch == variant.batch,
    )
