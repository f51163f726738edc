"""Attempts at turns: leased, reported, lost."""

import uuid
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, insert, select, update

from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.domain.sweeps import SweepPhase, limited
from controller.state.database import Database, Transaction
from controller.state.schema import artifacts, attempts, jobs, sweeps, turns, waits
from controller.state.turns import LeasedTurn, lease_turn
from protos.fleet import Lease
from protos.measuring import MeasureSettings


@dataclass(frozen=True)
class StoredAttempt:
    """An attempt as it is remembered, with what its job asks for."""

    turn: LeasedTurn
    settings: MeasureSettings
    is_sentinel: bool


@dataclass(frozen=True)
class LostTurn:
    """The turn of an attempt that was lost, and how many attempts at it were, this one included."""

    job_id: str
    ordinal: int
    times: int


def lease_next(database: Database, device_id: str, now_unix_ms: int) -> Lease | None:
    """Leases the device's next turn, of its oldest measuring sweep first.

    Its start may wait as long as those of the sweep on the device still may together.
    """
    attempt_id = uuid.uuid4().hex
    with database.transaction() as transaction:
        job = transaction.execute(_next(device_id)).mappings().one_or_none()
        if job is None:
            return None
        lease_turn(transaction, job["job_id"], job["ordinal"])
        transaction.execute(
            insert(attempts).values(
                attempt_id=attempt_id,
                job_id=job["job_id"],
                ordinal=job["ordinal"],
                state=AttemptState.LEASED,
                leased_at_unix_ms=now_unix_ms,
            )
        )
    return _lease(attempt_id, job)


def has_next(database: Database, device_id: str) -> bool:
    """Whether there is a turn that the device could lease."""
    with database.transaction() as transaction:
        return transaction.execute(_next(device_id)).first() is not None


def leased_attempts(database: Database) -> dict[str, str]:
    """Attempts that are out, with their devices' ids."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(attempts.c.attempt_id, jobs.c.device_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(attempts.c.state == AttemptState.LEASED)
        ).all()
    return {row.attempt_id: row.device_id for row in rows}


def leases_of_device(database: Database, device_id: str) -> dict[str, Lease]:
    """The leases that are out to a device, by attempt."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            _leasable()
            .add_columns(attempts.c.attempt_id)
            .join(
                attempts,
                and_(attempts.c.job_id == jobs.c.job_id, attempts.c.ordinal == turns.c.ordinal),
            )
            .where(jobs.c.device_id == device_id, attempts.c.state == AttemptState.LEASED)
        ).mappings()
        return {row["attempt_id"]: _lease(row["attempt_id"], row) for row in rows}


def attempts_of_sweep(database: Database, sweep_id: str) -> dict[str, str]:
    """The sweep's attempts that are out, with their devices' ids."""
    out = leased_attempts(database)
    with database.transaction() as transaction:
        ids = transaction.scalars(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, attempts.c.attempt_id.in_(out))
        ).all()
    return {attempt_id: out[attempt_id] for attempt_id in ids}


def find_attempt(database: Database, device_id: str, attempt_id: str) -> StoredAttempt | None:
    """The attempt of this id, if it was made on the device."""
    with database.transaction() as transaction:
        row = transaction.execute(
            select(
                jobs.c.job_id,
                jobs.c.sweep_id,
                jobs.c.is_sentinel,
                jobs.c.settings,
                attempts.c.ordinal,
            )
            .join(attempts, attempts.c.job_id == jobs.c.job_id)
            .where(attempts.c.attempt_id == attempt_id, jobs.c.device_id == device_id)
        ).one_or_none()
    if row is None:
        return None
    turn = LeasedTurn(
        sweep_id=row.sweep_id, device_id=device_id, job_id=row.job_id, ordinal=row.ordinal
    )
    return StoredAttempt(turn, row.settings, row.is_sentinel)


def was_leased(database: Database, device_id: str, sha256: str) -> bool:
    """Whether an artifact was ever leased to a device, also with an attempt that was lost since."""
    with database.transaction() as transaction:
        leased = transaction.execute(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
            .where(jobs.c.device_id == device_id, artifacts.c.sha256 == sha256)
            .limit(1)
        )
        return leased.first() is not None


def set_reported(transaction: Transaction, attempt_id: str) -> bool:
    """Remembers that an attempt was reported, also one that was given up for lost before.

    Returns:
        Whether it had not been reported before.
    """
    reported = transaction.execute(
        update(attempts)
        .where(
            attempts.c.attempt_id == attempt_id,
            attempts.c.state != AttemptState.REPORTED,
        )
        .values(state=AttemptState.REPORTED)
    )
    return bool(reported.rowcount)


def allow_waiting(transaction: Transaction, sweep_id: str, device_id: str, allowed_ms: int) -> None:
    """Remembers how long the starts of a sweep on a device may wait together, ms."""
    transaction.execute(
        insert(waits).values(
            sweep_id=sweep_id, device_id=device_id, allowed_ms=allowed_ms, waited_ms=0
        )
    )


def add_waiting(transaction: Transaction, turn: LeasedTurn, waited_ms: int) -> None:
    """Counts how long a start waited, ms, among those of its sweep on its device."""
    transaction.execute(
        update(waits)
        .where(waits.c.sweep_id == turn.sweep_id, waits.c.device_id == turn.device_id)
        .values(waited_ms=waits.c.waited_ms + waited_ms)
    )


def set_given_back(transaction: Transaction, attempt_id: str) -> tuple[str, int] | None:
    """Remembers that an attempt was given back; its job and ordinal, None when it is not out."""
    return _end_lease(transaction, attempt_id, AttemptState.GIVEN_BACK)


def set_lost(transaction: Transaction, attempt_id: str) -> LostTurn | None:
    """Remembers that an attempt is lost; None when it is not out any more."""
    turn = _end_lease(transaction, attempt_id, AttemptState.LOST)
    if turn is None:
        return None
    job_id, ordinal = turn
    times = transaction.scalars(
        select(func.count())
        .select_from(attempts)
        .where(
            attempts.c.job_id == job_id,
            attempts.c.ordinal == ordinal,
            attempts.c.state == AttemptState.LOST,
        )
    ).one()
    return LostTurn(job_id, ordinal, times)


def _end_lease(
    transaction: Transaction, attempt_id: str, state: AttemptState
) -> tuple[str, int] | None:
    ended = transaction.execute(
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.state == AttemptState.LEASED)
        .values(state=state)
    )
    if ended.rowcount == 0:
        return None
    turn = transaction.execute(
        select(attempts.c.job_id, attempts.c.ordinal).where(attempts.c.attempt_id == attempt_id)
    ).one()
    return turn.job_id, turn.ordinal


def _next(device_id: str) -> Select[tuple[str, str, object, int, str, int, int]]:
    return (
        _leasable()
        .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
        .where(
            jobs.c.device_id == device_id,
            jobs.c.state == JobState.QUEUED,
            turns.c.state == TurnState.QUEUED,
            sweeps.c.phase == SweepPhase.MEASURING,
        )
        .order_by(sweeps.c.created_at_unix_ms, sweeps.c.sweep_id, turns.c.place)
        .limit(1)
    )


def _leasable() -> Select[tuple[str, str, object, int, str, int, int]]:
    left_ms: ColumnElement[int] = waits.c.allowed_ms - waits.c.waited_ms
    return (
        select(
            jobs.c.job_id,
            jobs.c.backbone,
            jobs.c.settings,
            turns.c.ordinal,
            artifacts.c.sha256,
            artifacts.c.size_bytes,
            left_ms.label("left_ms"),
        )
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .join(turns, turns.c.job_id == jobs.c.job_id)
        .join(
            waits,
            and_(waits.c.sweep_id == jobs.c.sweep_id, waits.c.device_id == jobs.c.device_id),
        )
    )


def _lease(attempt_id: str, job: RowMapping) -> Lease:
    settings: MeasureSettings = job["settings"]
    return Lease(
        attempt_id=attempt_id,
        job_id=job["job_id"],
        artifact_sha256=job["sha256"],
        artifact_size_bytes=job["size_bytes"],
        backbone=job["backbone"],
        settings=replace(settings, gate=limited(settings.gate, job["left_ms"])),
        ordinal=job["ordinal"],
    )
