"""Attempts at turns: leased, lost."""

import uuid

import cattrs
from sqlalchemy import Engine, RowMapping, Select, Update, and_, func, insert, select, update

from controller.domain.jobs import MAX_ATTEMPTS, AttemptState, JobState, TurnState, after_loss
from controller.domain.sweeps import SweepPhase
from controller.state.database import transaction
from controller.state.failures import end_with_failure
from controller.state.jobs import move_jobs
from controller.state.schema import artifacts, attempts, jobs, sweeps, turns
from protos.fleet import Lease
from protos.measuring import MeasureSettings


def lease_next(engine: Engine, device_id: str, now_unix_ms: int) -> Lease | None:
    """Leases the device's next turn, of its oldest measuring sweep first."""
    attempt_id = uuid.uuid4().hex
    with transaction(engine) as connection:
        row = connection.execute(
            _leasable()
            .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
            .where(
                jobs.c.device_id == device_id,
                jobs.c.state == JobState.QUEUED.value,
                turns.c.state == TurnState.QUEUED.value,
                sweeps.c.phase == SweepPhase.MEASURING.value,
            )
            .order_by(sweeps.c.created_at_unix_ms, sweeps.c.sweep_id, turns.c.place)
            .limit(1)
        ).mappings()
        job = row.one_or_none()
        if job is None:
            return None
        connection.execute(move_jobs(JobState.LEASED, jobs.c.job_id == job["job_id"]))
        connection.execute(_move_turn(TurnState.LEASED, job["job_id"], job["ordinal"]))
        connection.execute(
            insert(attempts).values(
                attempt_id=attempt_id,
                job_id=job["job_id"],
                ordinal=job["ordinal"],
                state=AttemptState.LEASED.value,
                leased_at_unix_ms=now_unix_ms,
            )
        )
    return _lease(attempt_id, job)


def leased_attempts(engine: Engine) -> dict[str, str]:
    """Attempts that are out, with their devices' ids."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(attempts.c.attempt_id, jobs.c.device_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(attempts.c.state == AttemptState.LEASED.value)
        ).all()
    return {row.attempt_id: row.device_id for row in rows}


def leases_of_device(engine: Engine, device_id: str) -> dict[str, Lease]:
    """The leases that are out to a device, by attempt."""
    with transaction(engine) as connection:
        rows = connection.execute(
            _leasable()
            .add_columns(attempts.c.attempt_id)
            .join(
                attempts,
                and_(attempts.c.job_id == jobs.c.job_id, attempts.c.ordinal == turns.c.ordinal),
            )
            .where(jobs.c.device_id == device_id, attempts.c.state == AttemptState.LEASED.value)
        ).mappings()
        return {row["attempt_id"]: _lease(row["attempt_id"], row) for row in rows}


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


def lose_attempt(engine: Engine, attempt_id: str, now_unix_ms: int) -> None:
    """Gives an attempt up for lost; its job is queued again, or fails when too many were lost."""
    with transaction(engine) as connection:
        given_up = connection.execute(
            update(attempts)
            .where(
                attempts.c.attempt_id == attempt_id,
                attempts.c.state == AttemptState.LEASED.value,
            )
            .values(state=AttemptState.LOST.value)
        )
        if given_up.rowcount == 0:
            return
        lost = connection.execute(
            select(attempts.c.job_id, attempts.c.ordinal).where(attempts.c.attempt_id == attempt_id)
        ).one()
        times = connection.scalars(
            select(func.count())
            .select_from(attempts)
            .where(
                attempts.c.job_id == lost.job_id,
                attempts.c.ordinal == lost.ordinal,
                attempts.c.state == AttemptState.LOST.value,
            )
        ).one()
        if after_loss(times) is JobState.QUEUED:
            is_leased = and_(jobs.c.job_id == lost.job_id, jobs.c.state == JobState.LEASED.value)
            connection.execute(move_jobs(JobState.QUEUED, is_leased))
            connection.execute(_move_turn(TurnState.QUEUED, lost.job_id, lost.ordinal))
        else:
            reason = f"its agent vanished {MAX_ATTEMPTS} times while it worked on this job"
            end_with_failure(connection, lost.job_id, reason, now_unix_ms)


def _move_turn(to: TurnState, job_id: str, ordinal: int) -> Update:
    """The statement that leases a turn, or takes its lease back."""
    before = {TurnState.LEASED: TurnState.QUEUED, TurnState.QUEUED: TurnState.LEASED}[to]
    return (
        update(turns)
        .where(turns.c.job_id == job_id, turns.c.ordinal == ordinal, turns.c.state == before.value)
        .values(state=to.value)
    )


def _leasable() -> Select[tuple[str, str, object, int, str, int]]:
    return (
        select(
            jobs.c.job_id,
            jobs.c.backbone,
            jobs.c.settings,
            turns.c.ordinal,
            artifacts.c.sha256,
            artifacts.c.size_bytes,
        )
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .join(turns, turns.c.job_id == jobs.c.job_id)
    )


def _lease(attempt_id: str, job: RowMapping) -> Lease:
    return Lease(
        attempt_id=attempt_id,
        job_id=job["job_id"],
        artifact_sha256=job["sha256"],
        artifact_size_bytes=job["size_bytes"],
        backbone=job["backbone"],
        settings=cattrs.structure(job["settings"], MeasureSettings),
        ordinal=job["ordinal"],
    )
