"""Sweeps: what was asked for, and how far it is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Row, case, func, insert, select, type_coerce, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import ENDED, JobState, PlannedJob
from controller.domain.sweeps import SweepPhase, SweepSpec, SweepSummary
from controller.state.database import Database, Transaction
from controller.state.profiles import expect_profiles
from controller.state.schema import devices, jobs, profiles, sweeps

RUNNING_PHASES = (SweepPhase.CONVERTING, SweepPhase.MEASURING)
SHOWN_CANDIDATES = 8


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


def resolve_sweep(database: Database, wanted: str) -> str:
    """The id that a person means: an id, the name of a sweep, or a beginning of one id only.

    Of several sweeps of one name it is the newest one's.

    Raises:
        EdgerankError: UNKNOWN_NAME; INVALID_INPUT for a beginning of several, with their ids.
    """
    newest = select(sweeps.c.sweep_id).order_by(sweeps.c.created_at_unix_ms.desc())
    named = type_coerce(sweeps.c.spec, JSON)["name"].as_string() == wanted
    begun = newest.where(sweeps.c.sweep_id.startswith(wanted, autoescape=True))
    with database.transaction() as transaction:
        for exactly in (sweeps.c.sweep_id == wanted, named):
            found: str | None = transaction.execute(newest.where(exactly)).scalars().first()
            if found and wanted:
                return found
        rows = transaction.execute(begun.limit(SHOWN_CANDIDATES + 1)).scalars()
        candidates: list[str] = list(rows)
    if not candidates or not wanted:
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME,
            f"no sweep has the id {wanted!r}, nor is one named so; "
            "the list of sweeps has their ids and names",
        )
    if len(candidates) > 1:
        shown = ", ".join(candidates[:SHOWN_CANDIDATES])
        more = " and others" if len(candidates) > SHOWN_CANDIDATES else ""
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"several sweeps have an id that begins with {wanted!r}: {shown}{more}; "
            "write more of the one that is meant",
        )
    return candidates[0]


def list_sweeps(database: Database) -> tuple[SweepSummary, ...]:
    """Every sweep and profile, the newest first."""
    is_ended = [(jobs.c.state == state, 1) for state in sorted(ENDED, key=lambda each: each.value)]
    counted = (
        select(
            jobs.c.sweep_id,
            devices.c.name.label("device"),
            func.count().label("total"),
            func.sum(case(*is_ended, else_=0)).label("ended"),
            func.sum(case((jobs.c.state == JobState.FAILED, 1), else_=0)).label("failed"),
            func.count(profiles.c.job_id).label("profiles"),
        )
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(profiles, profiles.c.job_id == jobs.c.job_id)
        .where(jobs.c.is_sentinel.is_(False))
        .group_by(jobs.c.sweep_id, devices.c.name)
        .order_by(devices.c.name)
    )
    of_sweep: dict[str, list[Row[Any]]] = {}
    newest = select(sweeps).order_by(sweeps.c.created_at_unix_ms.desc(), sweeps.c.sweep_id)
    with database.transaction() as transaction:
        for row in transaction.execute(counted):
            of_sweep.setdefault(row.sweep_id, []).append(row)
        rows = transaction.execute(newest).all()
    return tuple(_summary(row, of_sweep.get(row.sweep_id, [])) for row in rows)


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


def count_open_jobs(database: Database) -> dict[JobState, int]:
    """How many jobs of running sweeps are in each state; reads as many as have not ended."""
    states = [state for state in JobState if state not in ENDED]
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.state, func.count().label("job_count"))
            .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
            .where(sweeps.c.phase.in_(RUNNING_PHASES), jobs.c.state.in_(states))
            .group_by(jobs.c.state)
        ).all()
    return dict.fromkeys(states, 0) | {row.state: row.job_count for row in rows}


def _summary(row: Row[Any], by_device: Sequence[Row[Any]]) -> SweepSummary:
    spec: SweepSpec = row.spec
    return SweepSummary(
        sweep_id=row.sweep_id,
        name=spec.name,
        phase=row.phase,
        created_at_unix_ms=row.created_at_unix_ms,
        ended_at_unix_ms=row.ended_at_unix_ms,
        devices=tuple(each.device for each in by_device),
        jobs_total=sum(each.total for each in by_device),
        jobs_ended=sum(each.ended for each in by_device),
        jobs_failed=sum(each.failed for each in by_device),
        is_profile=any(each.profiles for each in by_device),
    )


def _stored(row: Row[Any]) -> StoredSweep:
    return StoredSweep(row.sweep_id, row.spec, row.phase)
