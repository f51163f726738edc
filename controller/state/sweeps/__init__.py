"""Sweeps: what was asked for, and how far it is."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    RowMapping,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import OPEN, JobState, PlannedJob
from controller.domain.sweeps import (
    MAX_NAME_LENGTH,
    RUNNING_PHASES,
    Pause,
    SweepPhase,
    SweepSpec,
)
from controller.state.database import Database, Transaction
from controller.state.profiles import expect_profiles
from controller.state.rounds.counts import open_counts
from controller.state.schema import (
    jobs,
    reused_jobs,
    start_requests,
    sweep_counts,
    sweeps,
)
from controller.state.schema.columns import IsJson
from controller.state.schema.many_rows import in_few_lengths, write_rows
from controller.state.schema.unreadable import MAX_WHOLE, readable
from controller.state.sweeps.listing import list_sweeps, pause_of
from models.catalog.variants import Variant
from protos.reasons import Reason

__all__ = [
    "StoredSweep",
    "add_reused",
    "add_sweep",
    "asked_columns",
    "count_open_jobs",
    "end_finished",
    "find_sweep",
    "list_sweeps",
    "resolve_sweep",
    "running_among",
    "running_sweeps",
    "set_phase",
]

SHOWN_CANDIDATES = 8
# An index finds those that have not ended.
_IS_RUNNING = and_(sweeps.c.ended_at_unix_ms.is_(None), sweeps.c.phase.in_(RUNNING_PHASES))

# What is asked every second is put together once.
_HAS_FINISHED = and_(
    _IS_RUNNING,
    sweeps.c.phase == SweepPhase.MEASURING,
    exists()
    .where(
        sweep_counts.c.sweep_id == sweeps.c.sweep_id,
        *(sweep_counts.c[state.value] == 0 for state in OPEN),
    )
    .correlate(sweeps),
)
_ADD_JOBS = insert(jobs)
_RUNNING_AMONG = select(sweeps.c.sweep_id).where(
    _IS_RUNNING, sweeps.c.sweep_id.in_(bindparam("of_sweeps", expanding=True))
)
_FINISHED = select(sweeps.c.sweep_id).where(_HAS_FINISHED)
_IS_FINISHED = _FINISHED.where(sweeps.c.sweep_id == bindparam("of_sweep"))


@dataclass(frozen=True)
class StoredSweep:
    """A sweep as it is remembered."""

    sweep_id: str
    spec: SweepSpec
    phase: SweepPhase
    paused: Pause | None = None
    left_out: tuple[Reason, ...] = ()


def add_sweep(
    transaction: Transaction,
    sweep_id: str,
    spec: SweepSpec,
    planned: Sequence[PlannedJob],
    now_unix_ms: int,
    *,
    started_by: str,
    retry_of: str | None,
    left_out: Sequence[Reason],
) -> tuple[str, ...]:
    """Remembers a sweep with its jobs, which wait for their artifacts; gives the jobs' ids.

    Args:
        transaction: the caller's, which writes.
        sweep_id: a new one.
        spec: what was asked for.
        planned: its jobs.
        now_unix_ms: the time.
        started_by: the name of a token; empty where nobody was asked for one.
        retry_of: the sweep that it retries, which no other one may; None for a new one.
        left_out: what is none of its jobs, since a device cannot do it.
    """
    transaction.execute(
        insert(sweeps).values(
            sweep_id=sweep_id,
            phase=SweepPhase.CONVERTING,
            created_at_unix_ms=now_unix_ms,
            started_by=started_by,
            retry_of=retry_of,
            left_out=tuple(left_out),
            **asked_columns(spec),
        )
    )
    job_ids = _new_ids(planned)
    rows: list[dict[str, Any]] = [
        {
            "job_id": job_id,
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
        for position, (job_id, job) in enumerate(zip(job_ids, planned, strict=True))
    ]
    variants = len(_different(planned))
    open_counts(transaction, sweep_id, job_count=len(rows), variants=variants)
    if rows:
        write_rows(transaction, _ADD_JOBS, sorted(rows, key=itemgetter("job_id")))
        expect_profiles(transaction, rows)
    return job_ids


def _different(planned: Sequence[PlannedJob]) -> frozenset[Variant]:
    """The variants of jobs; many have the very same, and are not compared."""
    return frozenset({id(job.variant): job.variant for job in planned}.values())


def _new_ids(planned: Sequence[PlannedJob]) -> tuple[str, ...]:
    """Ids of jobs, random, those of one device in order: what is written of it lies together."""
    new_ids = sorted(uuid.uuid4().hex for _ in planned)
    by_device = sorted(range(len(planned)), key=lambda number: planned[number].device_id)
    ids = dict(zip(by_device, new_ids, strict=True))
    return tuple(ids[number] for number in range(len(planned)))


def asked_columns(spec: SweepSpec) -> dict[str, object]:
    """What a sweep was asked for, by column."""
    due = spec.deadline_unix_ms
    return {"spec": spec, "rank": -spec.priority, "due_unix_ms": MAX_WHOLE if due is None else due}


def add_reused(transaction: Transaction, sweep_id: str, job_ids: Collection[str]) -> None:
    """Remembers the jobs of earlier sweeps whose figures are a sweep's, too."""
    rows = [{"sweep_id": sweep_id, "job_id": job_id} for job_id in dict.fromkeys(job_ids)]
    if rows:
        transaction.execute(insert(reused_jobs), rows)


def find_sweep(database: Database, sweep_id: str) -> StoredSweep:
    """The sweep of this id.

    Raises:
        EdgerankError: UNKNOWN_NAME; DAMAGED when it cannot be read.
    """
    with database.transaction() as transaction:
        rows = transaction.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id))
        row = rows.mappings().one_or_none()
    if row is None:
        raise EdgerankError(ErrorCode.UNKNOWN_NAME, f"no sweep has the id {sweep_id!r}")
    stored = next(readable("sweep", "sweep_id", [row], _stored), None)
    if stored is None:
        raise EdgerankError(
            ErrorCode.DAMAGED,
            f"the sweep {sweep_id!r} is stored and cannot be read; bring the state's database back "
            "from a backup, or start another sweep",
        )
    return stored


def resolve_sweep(database: Database, wanted: str) -> str:
    """The id that a person means: an id, the name of a sweep, or a beginning of one id only.

    The id of the request that started it will do, too. Of several sweeps of one name it is the
    newest one's.

    Raises:
        EdgerankError: UNKNOWN_NAME; INVALID_INPUT for a beginning of several, with their ids.
    """
    newest = select(sweeps.c.sweep_id).order_by(sweeps.c.created_at_unix_ms.desc())
    name = type_coerce(sweeps.c.spec, JSON)["name"].as_string()
    named = case((IsJson(sweeps.c.spec), name)) == wanted
    requested = select(start_requests.c.sweep_id).where(start_requests.c.request_id == wanted)
    begun = newest.where(sweeps.c.sweep_id.startswith(wanted, autoescape=True))
    candidates: list[str] = []
    with database.transaction() as transaction:
        for exactly in (sweeps.c.sweep_id == wanted, sweeps.c.sweep_id.in_(requested), named):
            found: str | None = transaction.execute(newest.where(exactly)).scalars().first()
            if found and wanted:
                return found
        # What is longer begins no id, and a database takes no pattern of any length.
        if len(wanted) <= MAX_NAME_LENGTH:
            candidates += transaction.execute(begun.limit(SHOWN_CANDIDATES + 1)).scalars()
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


def running_sweeps(database: Database) -> tuple[StoredSweep, ...]:
    """Sweeps that have not ended, oldest first: what a restarted controller goes on with."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(sweeps).where(_IS_RUNNING).order_by(sweeps.c.created_at_unix_ms)
        )
        return tuple(readable("sweep", "sweep_id", rows.mappings(), _stored))


def running_among(database: Database, sweep_ids: Collection[str]) -> frozenset[str]:
    """Those of some sweeps, by their ids, that have not ended."""
    if not sweep_ids:
        return frozenset()
    with database.transaction() as transaction:
        asked = {"of_sweeps": in_few_lengths(sorted(sweep_ids))}
        return frozenset(transaction.scalars(_RUNNING_AMONG, asked))


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


def end_finished(database: Database, now_unix_ms: int, sweep_id: str | None = None) -> bool:
    """Ends measuring sweeps whose jobs have all ended; whether there was any.

    Args:
        database: where they are remembered.
        now_unix_ms: the time.
        sweep_id: the one to look at; None is all.
    """
    ended = {"phase": SweepPhase.ENDED, "ended_at_unix_ms": now_unix_ms}
    with database.transaction() as transaction:
        asked = (_FINISHED, {}) if sweep_id is None else (_IS_FINISHED, {"of_sweep": sweep_id})
        found = transaction.scalars(*asked).all()
        if found:
            transaction.execute(
                update(sweeps).where(sweeps.c.sweep_id.in_(found), _HAS_FINISHED).values(ended)
            )
    return bool(found)


def count_open_jobs(database: Database) -> dict[JobState, int]:
    """How many jobs of running sweeps have not ended, by state."""
    running = (
        select(*(func.sum(sweep_counts.c[state.value]) for state in OPEN))
        .join(sweeps, sweeps.c.sweep_id == sweep_counts.c.sweep_id)
        .where(_IS_RUNNING)
    )
    with database.transaction() as transaction:
        totals = transaction.execute(running).one()
    return {state: total or 0 for state, total in zip(OPEN, totals, strict=True)}


def _stored(row: RowMapping) -> StoredSweep:
    left_out = row["left_out"]
    # What cannot be read of it takes no sweep away.
    told = left_out if isinstance(left_out, tuple) else ()
    return StoredSweep(row["sweep_id"], row["spec"], row["phase"], pause_of(row), told)
