"""Sweeps, their jobs and the attempts at them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import cattrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Update,
    and_,
    func,
    insert,
    select,
    update,
)

from controller.domain import MeasureSettings, SweepPhase, SweepSpec
from controller.errors import EdgerankError, ErrorCode
from controller.leases import ENDED, AttemptState, JobState, may_come_from
from controller.planning import PlannedJob
from controller.state.database import writing
from controller.state.schema import artifacts, attempts, jobs, sweeps
from models.variants import Format, Precision, Target, Variant

RUNNING_PHASES = (SweepPhase.CONVERTING, SweepPhase.MEASURING)


@dataclass(frozen=True)
class StoredSweep:
    """A sweep as it is remembered."""

    sweep_id: str
    spec: SweepSpec
    phase: SweepPhase


@dataclass(frozen=True)
class QueuedJob:
    """A job that can be leased now."""

    job_id: str
    backbone: str
    settings: MeasureSettings
    artifact_sha256: str
    artifact_size_bytes: int


def create_sweep(
    engine: Engine, spec: SweepSpec, planned: Sequence[PlannedJob], now_unix_ms: int
) -> str:
    """Remembers a sweep with its jobs, which wait for their artifacts; gives its id."""
    sweep_id = uuid.uuid4().hex[:12]
    rows = [
        {
            "job_id": uuid.uuid4().hex,
            "sweep_id": sweep_id,
            "device_id": job.device_id,
            "position": position,
            "backbone": job.variant.backbone,
            "format": job.variant.format.value,
            "precision": job.variant.precision.value,
            "target": job.variant.target.value,
            "input_size": job.variant.input_size,
            "batch": job.variant.batch,
            "settings": cattrs.unstructure(job.settings),
            "state": JobState.WAITING.value,
        }
        for position, job in enumerate(planned)
    ]
    with writing(engine) as connection:
        connection.execute(
            insert(sweeps).values(
                sweep_id=sweep_id,
                spec=cattrs.unstructure(spec),
                phase=SweepPhase.CONVERTING.value,
                created_at_unix_ms=now_unix_ms,
            )
        )
        connection.execute(insert(jobs), rows)
    return sweep_id


def find_sweep(engine: Engine, sweep_id: str) -> StoredSweep:
    """The sweep of this id.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    with writing(engine) as connection:
        row = connection.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id)).one_or_none()
    if row is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no sweep has the id {sweep_id!r}")
    return StoredSweep(row.sweep_id, cattrs.structure(row.spec, SweepSpec), SweepPhase(row.phase))


def running_sweeps(engine: Engine) -> tuple[StoredSweep, ...]:
    """Sweeps that have not ended, oldest first: what a restarted controller goes on with."""
    with writing(engine) as connection:
        rows = connection.execute(
            select(sweeps)
            .where(sweeps.c.phase.in_([phase.value for phase in RUNNING_PHASES]))
            .order_by(sweeps.c.created_at_unix_ms)
        ).all()
    return tuple(
        StoredSweep(row.sweep_id, cattrs.structure(row.spec, SweepSpec), SweepPhase(row.phase))
        for row in rows
    )


def set_phase(engine: Engine, sweep_id: str, phase: SweepPhase, now_unix_ms: int) -> None:
    """Moves a running sweep to another phase; one that has ended stays so."""
    values: dict[str, object] = {"phase": phase.value}
    if phase not in RUNNING_PHASES:
        values["ended_at_unix_ms"] = now_unix_ms
    with writing(engine) as connection:
        connection.execute(
            update(sweeps)
            .where(
                sweeps.c.sweep_id == sweep_id,
                sweeps.c.phase.in_([running.value for running in RUNNING_PHASES]),
            )
            .values(values)
        )


def end_finished_sweeps(engine: Engine, now_unix_ms: int) -> None:
    """Ends every measuring sweep whose jobs have all ended."""
    for sweep in running_sweeps(engine):
        finished = all(state in ENDED for state in count_jobs(engine, sweep.sweep_id))
        if sweep.phase is SweepPhase.MEASURING and finished:
            set_phase(engine, sweep.sweep_id, SweepPhase.ENDED, now_unix_ms)


def waiting_variants(engine: Engine, sweep_id: str) -> tuple[Variant, ...]:
    """The variants that jobs of the sweep wait for, in the order of the jobs."""
    with writing(engine) as connection:
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


def queue_jobs(engine: Engine, sweep_id: str, variant: Variant, conversion_key: str) -> None:
    """Frees the jobs that waited for this variant."""
    with writing(engine) as connection:
        connection.execute(
            _transition(JobState.QUEUED, _waits_for(sweep_id, variant)).values(
                conversion_key=conversion_key
            )
        )


def waiting_jobs(engine: Engine, sweep_id: str, variant: Variant) -> tuple[str, ...]:
    """The ids of the jobs that wait for this variant."""
    with writing(engine) as connection:
        return tuple(
            connection.scalars(
                select(jobs.c.job_id).where(_waits_for(sweep_id, variant)).order_by(jobs.c.position)
            )
        )


def lease_next(engine: Engine, device_id: str, now_unix_ms: int) -> tuple[str, QueuedJob] | None:
    """Leases the device's oldest queued job of a measuring sweep; gives the attempt's id too."""
    with writing(engine) as connection:
        row = connection.execute(
            select(
                jobs.c.job_id,
                jobs.c.backbone,
                jobs.c.settings,
                artifacts.c.sha256,
                artifacts.c.size_bytes,
            )
            .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
            .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
            .where(
                jobs.c.device_id == device_id,
                jobs.c.state == JobState.QUEUED.value,
                sweeps.c.phase == SweepPhase.MEASURING.value,
            )
            .order_by(sweeps.c.created_at_unix_ms, jobs.c.position)
            .limit(1)
        ).one_or_none()
        if row is None:
            return None
        attempt_id = uuid.uuid4().hex
        connection.execute(_transition(JobState.LEASED, jobs.c.job_id == row.job_id))
        connection.execute(
            insert(attempts).values(
                attempt_id=attempt_id,
                job_id=row.job_id,
                state=AttemptState.LEASED.value,
                leased_at_unix_ms=now_unix_ms,
            )
        )
    settings = cattrs.structure(row.settings, MeasureSettings)
    return attempt_id, QueuedJob(row.job_id, row.backbone, settings, row.sha256, row.size_bytes)


def leased_attempts(engine: Engine) -> dict[str, str]:
    """Attempts that are out, with their devices' ids."""
    with writing(engine) as connection:
        rows = connection.execute(
            select(attempts.c.attempt_id, jobs.c.device_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(attempts.c.state == AttemptState.LEASED.value)
        ).all()
    return {row.attempt_id: row.device_id for row in rows}


def attempts_of_sweep(engine: Engine, sweep_id: str) -> dict[str, str]:
    """The sweep's attempts that are out, with their devices' ids."""
    out = leased_attempts(engine)
    with writing(engine) as connection:
        ids = connection.scalars(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, attempts.c.attempt_id.in_(out))
        ).all()
    return {attempt_id: out[attempt_id] for attempt_id in ids}


def lose_attempt(engine: Engine, attempt_id: str) -> tuple[str, int]:
    """Gives an attempt up for lost; gives its job's id and how many the job has lost now."""
    with writing(engine) as connection:
        connection.execute(
            update(attempts)
            .where(
                attempts.c.attempt_id == attempt_id,
                attempts.c.state == AttemptState.LEASED.value,
            )
            .values(state=AttemptState.LOST.value)
        )
        job_id = connection.scalars(
            select(attempts.c.job_id).where(attempts.c.attempt_id == attempt_id)
        ).one()
        lost = connection.scalars(
            select(func.count())
            .select_from(attempts)
            .where(attempts.c.job_id == job_id, attempts.c.state == AttemptState.LOST.value)
        ).one()
    return job_id, lost


def requeue_job(engine: Engine, job_id: str) -> None:
    """Lets another attempt be made at a leased job."""
    with writing(engine) as connection:
        connection.execute(
            _transition(
                JobState.QUEUED,
                and_(jobs.c.job_id == job_id, jobs.c.state == JobState.LEASED.value),
            )
        )


def end_job(connection: Connection, job_id: str, state: JobState) -> bool:
    """Ends a job inside the caller's transaction; False when it had ended before."""
    return connection.execute(_transition(state, jobs.c.job_id == job_id)).rowcount == 1


def cancel_jobs(engine: Engine, sweep_id: str) -> None:
    """Cancels every job of the sweep that has not ended."""
    with writing(engine) as connection:
        connection.execute(_transition(JobState.CANCELLED, jobs.c.sweep_id == sweep_id))


def count_jobs(engine: Engine, sweep_id: str) -> dict[JobState, int]:
    """How many jobs of the sweep are in each state."""
    with writing(engine) as connection:
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
    with writing(engine) as connection:
        needed = connection.execute(
            select(*columns).where(jobs.c.sweep_id == sweep_id).distinct()
        ).all()
        waiting = connection.execute(
            select(*columns)
            .where(jobs.c.sweep_id == sweep_id, jobs.c.state == JobState.WAITING.value)
            .distinct()
        ).all()
    return len(needed), len(needed) - len(waiting)


def _transition(to: JobState, where: ColumnElement[bool]) -> Update:
    allowed = [state.value for state in may_come_from(to)]
    return update(jobs).where(where, jobs.c.state.in_(allowed)).values(state=to.value)


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
