"""What a sweep that is over left undone, and the sweep that does it."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, exists, func, or_, select

from controller.domain.jobs import JobState, PlannedJob
from controller.domain.sweeps import StartedSweep
from controller.state.artifacts import variant_of
from controller.state.database import Database
from controller.state.schema import devices, jobs, profiles, reused_jobs, sweeps
from controller.state.schema.unreadable import readable


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What is left of a sweep.

    Attributes:
        jobs: those without figures on devices that were not removed, and their sentinels, in order.
        measured: ids of the jobs whose figures are the sweep's.
    """

    jobs: tuple[PlannedJob, ...]
    measured: tuple[str, ...]


def find_undone(database: Database, sweep_id: str, *, only_failed: bool) -> Undone:
    """What a sweep left undone; with `only_failed` not what was cancelled."""
    states = (JobState.FAILED,) if only_failed else (JobState.FAILED, JobState.CANCELLED)
    of_sweep = jobs.c.sweep_id == sweep_id
    wanted = (
        select(jobs)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .where(
            of_sweep,
            devices.c.removed_at_unix_ms.is_(None),
            or_(jobs.c.is_sentinel, jobs.c.state.in_(states)),
        )
        .order_by(jobs.c.position)
    )
    done = select(jobs.c.job_id).where(
        of_sweep, jobs.c.state == JobState.DONE, jobs.c.is_sentinel.is_(False)
    )
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == sweep_id)
    with database.transaction() as transaction:
        rows = transaction.execute(wanted).mappings().all()
        measured = transaction.scalars(done.union(reused)).all()
    found = tuple(readable("job", "job_id", rows, _planned))
    devices_with_any = {job.device_id for job in found if not job.is_sentinel}
    return Undone(
        jobs=tuple(job for job in found if job.device_id in devices_with_any),
        measured=tuple(measured),
    )


def is_profile(database: Database, sweep_id: str) -> bool:
    """Whether a sweep is a profile."""
    profiled = exists().where(jobs.c.sweep_id == sweep_id, profiles.c.job_id == jobs.c.job_id)
    with database.transaction() as transaction:
        return transaction.scalars(select(profiled)).one()


def find_retry(database: Database, sweep_id: str) -> StartedSweep | None:
    """The sweep that does what another one left undone; None without any."""
    own = sweeps.c.sweep_id
    job_count = select(func.count()).where(jobs.c.sweep_id == own, jobs.c.is_sentinel.is_(False))
    reused = select(func.count()).where(reused_jobs.c.sweep_id == own)
    with database.transaction() as transaction:
        row = transaction.execute(
            select(
                own,
                job_count.scalar_subquery().label("job_count"),
                reused.scalar_subquery().label("measured_before"),
            ).where(sweeps.c.retry_of == sweep_id)
        ).one_or_none()
    if row is None:
        return None
    return StartedSweep(
        sweep_id=row.sweep_id, job_count=row.job_count, measured_before=row.measured_before
    )


def _planned(row: RowMapping) -> PlannedJob:
    return PlannedJob(row["device_id"], variant_of(row), row["settings"], row["is_sentinel"])
