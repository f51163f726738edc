"""Jobs: waiting for their artifacts, queued, leased, ended."""

from sqlalchemy import ColumnElement, Connection, Engine, Update, and_, func, select, update

from controller.leases import JobState, may_come_from
from controller.state.database import transaction
from controller.state.schema import jobs
from models.variants import Format, Precision, Target, Variant


def waiting_variants(engine: Engine, sweep_id: str) -> tuple[Variant, ...]:
    """The variants that jobs of the sweep wait for, in the order of the jobs."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(jobs)
            .where(jobs.c.sweep_id == sweep_id, jobs.c.state == JobState.WAITING.value)
            .order_by(jobs.c.position)
        ).all()
    return tuple(
        dict.fromkeys(
            Variant(
                row.backbone,
                Format(row.format),
                Precision(row.precision),
                Target(row.target),
                row.input_size,
                row.batch,
            )
            for row in rows
        )
    )


def waiting_jobs(engine: Engine, sweep_id: str, variant: Variant) -> tuple[str, ...]:
    """The ids of the jobs that wait for this variant."""
    with transaction(engine) as connection:
        return tuple(
            connection.scalars(
                select(jobs.c.job_id).where(_waits_for(sweep_id, variant)).order_by(jobs.c.position)
            )
        )


def queue_jobs(engine: Engine, sweep_id: str, variant: Variant, conversion_key: str) -> None:
    """Frees the jobs that waited for this variant."""
    with transaction(engine) as connection:
        connection.execute(
            move_jobs(JobState.QUEUED, _waits_for(sweep_id, variant)).values(
                conversion_key=conversion_key
            )
        )


def cancel_jobs(engine: Engine, sweep_id: str) -> None:
    """Cancels every job of the sweep that has not ended."""
    with transaction(engine) as connection:
        connection.execute(move_jobs(JobState.CANCELLED, jobs.c.sweep_id == sweep_id))


def end_job(connection: Connection, job_id: str, state: JobState) -> bool:
    """Ends a job inside the caller's transaction; False when it had ended before."""
    return connection.execute(move_jobs(state, jobs.c.job_id == job_id)).rowcount == 1


def count_jobs(engine: Engine, sweep_id: str) -> dict[JobState, int]:
    """How many jobs of the sweep are in each state."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(jobs.c.state, func.count())
            .where(jobs.c.sweep_id == sweep_id)
            .group_by(jobs.c.state)
        ).all()
    return {JobState(state): count for state, count in rows}


def count_variants(engine: Engine, sweep_id: str) -> tuple[int, int]:
    """How many variants the sweep needs, and how many of them no job waits for any more."""
    columns = (
        jobs.c.backbone,
        jobs.c.format,
        jobs.c.precision,
        jobs.c.target,
        jobs.c.input_size,
        jobs.c.batch,
    )
    with transaction(engine) as connection:
        needed = connection.execute(
            select(*columns).where(jobs.c.sweep_id == sweep_id).distinct()
        ).all()
        waiting = connection.execute(
            select(*columns)
            .where(jobs.c.sweep_id == sweep_id, jobs.c.state == JobState.WAITING.value)
            .distinct()
        ).all()
    return len(needed), len(needed) - len(waiting)


def move_jobs(to: JobState, *where: ColumnElement[bool]) -> Update:
    """The statement that moves jobs to a state, those that may come to it."""
    allowed = [state.value for state in may_come_from(to)]
    return update(jobs).where(*where, jobs.c.state.in_(allowed)).values(state=to.value)


def _waits_for(sweep_id: str, variant: Variant) -> ColumnElement[bool]:
    return and_(
        jobs.c.sweep_id == sweep_id,
        jobs.c.state == JobState.WAITING.value,
        jobs.c.backbone == variant.backbone,
        jobs.c.format == variant.format.value,
        jobs.c.precision == variant.precision.value,
        jobs.c.target == variant.target.value,
        jobs.c.input_size == variant.input_size,
        jobs.c.batch == variant.batch,
    )
