"""How a fleet ended, as its database, its spools and its agents tell it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, create_engine, select

from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase
from controller.state.database import Database
from controller.state.schema import attempts, jobs, measurements, repetitions, sweeps, turns
from protos.reasons import ReasonCode
from tests.faults.judging.causes import May


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A job, and the verdicts of the measurements that are stored of it."""

    job_id: str
    sweep_id: str
    device: str
    state: JobState
    is_sentinel: bool
    verdicts: tuple[Verdict, ...]
    reasons: tuple[ReasonCode, ...]


@dataclass(frozen=True, kw_only=True)
class StoredTurn:
    """A turn, and the samples of the repetition that is stored of it; None without any, ns."""

    job_id: str
    ordinal: int
    state: TurnState
    latency_ns: tuple[int, ...] | None


@dataclass(frozen=True, kw_only=True)
class StoredAttempt:
    """An attempt as the controller remembers it."""

    attempt_id: str
    job_id: str
    ordinal: int
    device: str
    state: AttemptState


@dataclass(frozen=True, kw_only=True)
class HadReport:
    """A report that an agent had.

    Attributes:
        attempt_id: of what.
        latency_ns: its samples, ns; None of a failure.
        is_kept: whether it was in a spool.
        code: what it failed for; None where agents do not tell.
    """

    attempt_id: str
    latency_ns: tuple[int, ...] | None
    is_kept: bool
    code: ReasonCode | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that the checker judges.

    Attributes:
        integrity: what SQLite finds wrong with the file; empty is nothing.
        phases: of the sweeps.
        jobs: of them.
        turns: of them.
        attempts: at them.
        reports: that agents had; None where agents do not tell.
        spooled: attempts whose reports are in spools still, by device.
        strayed: what nothing explains, in words.
        causes: what faults may have caused, by device.
        cancelled: ids of the sweeps that people cancelled.
        stalls: how often the machine stood still.
    """

    integrity: tuple[str, ...] = ()
    phases: tuple[SweepPhase, ...] = ()
    jobs: tuple[StoredJob, ...] = ()
    turns: tuple[StoredTurn, ...] = ()
    attempts: tuple[StoredAttempt, ...] = ()
    reports: tuple[HadReport, ...] | None = None
    spooled: Mapping[str, tuple[str, ...]]
    strayed: tuple[str, ...] = ()
    causes: Mapping[str, tuple[May, ...]]
    stalls: int = 0
    cancelled: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What a controller's database holds; as in `Outcome`."""

    integrity: tuple[str, ...]
    phases: tuple[SweepPhase, ...]
    jobs: tuple[StoredJob, ...]
    turns: tuple[StoredTurn, ...]
    attempts: tuple[StoredAttempt, ...]


def read_database(path: Path) -> Remembered:
    """What a controller that has ended remembers."""
    integrity = _damage(path)
    # Without a migration: what is judged is what was left.
    engine = create_engine(f"sqlite:///{path}")
    database = Database(engine)
    try:
        return Remembered(
            integrity=integrity,
            phases=_phases(database),
            jobs=_jobs(database),
            turns=_turns(database),
            attempts=_attempts(database),
        )
    finally:
        database.close()


def _damage(path: Path) -> tuple[str, ...]:
    with closing(sqlite3.connect(path)) as database:
        found = [row[0] for row in database.execute("PRAGMA integrity_check")]
        dangling = [f"dangling: {row}" for row in database.execute("PRAGMA foreign_key_check")]
    return (*(each for each in found if each != "ok"), *dangling)


def _phases(database: Database) -> tuple[SweepPhase, ...]:
    with database.transaction() as transaction:
        return tuple(transaction.scalars(select(sweeps.c.phase)))


def _jobs(database: Database) -> tuple[StoredJob, ...]:
    with database.transaction() as transaction:
        columns = (jobs.c.job_id, jobs.c.sweep_id, jobs.c.device_id, jobs.c.state)
        rows = transaction.execute(select(*columns, jobs.c.is_sentinel)).all()
        judged: dict[str, list[Row[Any]]] = {}
        for each in transaction.execute(
            select(measurements.c.job_id, measurements.c.verdict, measurements.c.reasons)
        ):
            judged.setdefault(each.job_id, []).append(each)
    return tuple(
        StoredJob(
            job_id=row.job_id,
            sweep_id=row.sweep_id,
            device=row.device_id,
            state=row.state,
            is_sentinel=row.is_sentinel,
            verdicts=tuple(each.verdict for each in judged.get(row.job_id, ())),
            reasons=tuple(why.code for each in judged.get(row.job_id, ()) for why in each.reasons),
        )
        for row in rows
    )


def _turns(database: Database) -> tuple[StoredTurn, ...]:
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(turns.c.job_id, turns.c.ordinal, turns.c.state, repetitions.c.latency_ns)
            .outerjoin(
                repetitions,
                (repetitions.c.job_id == turns.c.job_id)
                & (repetitions.c.ordinal == turns.c.ordinal),
            )
            .order_by(turns.c.job_id, turns.c.ordinal)
        ).all()
    return tuple(
        StoredTurn(
            job_id=row.job_id,
            ordinal=row.ordinal,
            state=row.state,
            latency_ns=None if row.latency_ns is None else tuple(map(int, row.latency_ns)),
        )
        for row in rows
    )


def _attempts(database: Database) -> tuple[StoredAttempt, ...]:
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(attempts, jobs.c.device_id).join(jobs, jobs.c.job_id == attempts.c.job_id)
        ).all()
    return tuple(
        StoredAttempt(
            attempt_id=row.attempt_id,
            job_id=row.job_id,
            ordinal=row.ordinal,
            device=row.device_id,
            state=row.state,
        )
        for row in rows
    )
