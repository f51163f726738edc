"""Sweeps: what was asked for, and how far it is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState, PlannedJob
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.database import Database, Transaction
from controller.state.profiles import expect_profiles
from controller.state.schema import jobs, sweeps

RUNNING_PHASES = (SweepPhase.CONVERTING, SweepPhase.MEASURING)


@dataclass(frozen=True)
class StoredSweep:
    """A sweep as it is remembered."""

    sweep_id: str
    spec: SweepSpec
    phase: SweepPhase


def add_sweep(
    transaction: Transaction,
    sweep_id: str,
    spec: SweepSpec,
    planned: Sequence[PlannedJob],
    now_unix_ms: int,
) -> tuple[str, ...]:
    """Remembers a sweep with its jobs, which wait for their artifacts; gives the jobs' ids."""
    transaction.execute(
        insert(sweeps).values(
            sweep_id=sweep_id,
            spec=spec,
            phase=SweepPhase.CONVERTING,
            created_at_unix_ms=now_unix_ms,
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "job_id": uuid.uuid4().hex,
            "sweep_id": sweep_id,
            "device_id": job.device_id,
            "position": position,
            "backbone": job.variant.backbone,
            "format": job.variant.format,
            "precision": job.variant.precision,
            "target": job.variant.target,
            "input_size": job.variant.input_size,
            "batch": job.variant.batch,
            "settings": job.settings,
            "is_sentinel": job.is_sentinel,
            "state": JobState.WAITING,
        }
        for position, job in enumerate(planned)
    ]
    transaction.execute(insert(jobs), rows)
    expect_profiles(transaction, rows)
    return tuple(row["job_id"] for row in rows)


def find_sweep(database: Database, sweep_id: str) -> StoredSweep:
    """The sweep of this id.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    with database.transaction() as transaction:
        row = transaction.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id)).one_or_none()
    if row is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no sweep has the id {sweep_id!r}")
    return _stored(row)


def running_sweeps(database: Database) -> tuple[StoredSweep, ...]:
    """Sweeps that have not ended, oldest first: what a restarted controller goes on with."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(sweeps)
            .where(sweeps.c.phase.in_(RUNNING_PHASES))
            .order_by(sweeps.c.created_at_unix_ms)
        ).all()
    return tuple(_stored(row) for row in rows)


def set_phase(database: Database, sweep_id: str, phase: SweepPhase, now_unix_ms: int) -> None:
    """Moves a running sweep to another phase; one that has ended stays so."""
    values: dict[str, object] = {"phase": phase}
    if phase not in RUNNING_PHASES:
        values["ended_at_unix_ms"] = now_unix_ms
    with database.transaction() as transaction:
        transaction.execute(
            update(sweeps)
            .where(
                sweeps.c.sweep_id == sweep_id,
                sweeps.c.phase.in_(RUNNING_PHASES),
            )
            .values(values)
        )


def _stored(row: Row[Any]) -> StoredSweep:
    return StoredSweep(row.sweep_id, row.spec, row.phase)
