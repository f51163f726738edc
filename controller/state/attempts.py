"""Attempts at jobs: leased, lost."""

import uuid
from dataclasses import dataclass

import cattrs
from sqlalchemy import Engine, func, insert, select, update

from controller.domain import MeasureSettings, SweepPhase
from controller.leases import AttemptState, JobState
from controller.state.database import transaction
from controller.state.jobs import move_jobs
from controller.state.schema import artifacts, attempts, jobs, sweeps


@dataclass(frozen=True)
class QueuedJob:
    """A job that can be leased now."""

    job_id: str
    backbone: str
    settings: MeasureSettings
    artifact_sha256: str
    artifact_size_bytes: int


def lease_next(engine: Engine, device_id: str, now_unix_ms: int) -> tuple[str, QueuedJob] | None:
    """Leases the device's oldest queued job of a measuring sweep; gives the attempt's id too."""
    with transaction(engine) as connection:
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
        connection.execute(move_jobs(JobState.LEASED, jobs.c.job_id == row.job_id))
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
    with transaction(engine) as connection:
        rows = connection.execute(
            select(attempts.c.attempt_id, jobs.c.device_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(attempts.c.state == AttemptState.LEASED.value)
        ).all()
    return {row.attempt_id: row.device_id for row in rows}


def attempts_of_sweep(engine: Engine, sweep_id: str) -> dict[str, str]:
    """The sweep's attempts that are out, with their devices' ids."""
    out = leased_attempts(engine)
    with transaction(engine) as connection:
        ids = connection.scalars(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, attempts.c.attempt_id.in_(out))
        ).all()
    return {attempt_id: out[attempt_id] for attempt_id in ids}


def lose_attempt(engine: Engine, attempt_id: str) -> tuple[str, int]:
    """Gives an attempt up for lost; gives its job's id and how many the job has lost now."""
    with transaction(engine) as connection:
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
