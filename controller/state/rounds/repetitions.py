"""Repetitions: kept with every raw sample, and read back."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, func, insert, literal, select, update

from controller.state.database import Transaction
from controller.state.schema import continued_jobs, repetitions, turns
from controller.state.schema.many_rows import write_rows
from protos.fleet import Measured
from protos.measuring import Repetition

# Each has a column of its name.
_FIELDS = tuple(field.name for field in fields(Repetition))

# What is asked for each report is put together once.
_ADD = insert(repetitions)
_OF_ITS_TURN = and_(
    turns.c.job_id == repetitions.c.job_id, turns.c.ordinal == repetitions.c.ordinal
)
_TAKEN = (
    select(repetitions, turns.c.block, repetitions.c.job_id.label("for_job_id"))
    .join(turns, _OF_ITS_TURN)
    .where(repetitions.c.job_id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(repetitions.c.job_id, repetitions.c.ordinal)
)
_COUNTS = (
    select(repetitions.c.job_id, func.count().label("count"))
    .join(turns, _OF_ITS_TURN)
    .where(repetitions.c.job_id.in_(bindparam("of_jobs", expanding=True)))
    .group_by(repetitions.c.job_id)
)
_TAKEN_BEFORE = (
    select(repetitions, literal(None).label("block"), continued_jobs.c.job_id.label("for_job_id"))
    .join(continued_jobs, continued_jobs.c.earlier_job_id == repetitions.c.job_id)
    .where(
        continued_jobs.c.job_id.in_(bindparam("of_jobs", expanding=True)),
        repetitions.c.is_suspect.is_not(True),
    )
    .order_by(repetitions.c.taken_at_unix_ms, repetitions.c.job_id, repetitions.c.ordinal)
)


@dataclass(frozen=True, kw_only=True)
class TakenRepetition:
    """A repetition as it was taken; `block` is its turn's."""

    ordinal: int
    block: int | None
    repetition: Repetition
    runtime_version: str
    runtime_build: str
    affinity: tuple[int, ...]
    taken_at_unix_ms: int


@dataclass(frozen=True, kw_only=True)
class NewRepetition:
    """What was measured at a turn that was taken by it, and how long its start waited, ms."""

    job_id: str
    ordinal: int
    measured: Measured
    waited_ms: int
    taken_at_unix_ms: int


def record_repetitions(transaction: Transaction, new: Sequence[NewRepetition]) -> None:
    """Keeps repetitions with every raw sample."""
    if new:
        write_rows(transaction, _ADD, [_row(each) for each in new])


def list_taken(transaction: Transaction, job_id: str) -> list[TakenRepetition]:
    """The repetitions of a job, in their order."""
    return taken_of(transaction, [job_id])[job_id]


def taken_of(
    transaction: Transaction, job_ids: Collection[str]
) -> defaultdict[str, list[TakenRepetition]]:
    """The repetitions of jobs, by their ids, each job's in their order."""
    return _by_job(transaction, _TAKEN, job_ids)


def count_taken(transaction: Transaction, job_ids: Collection[str]) -> Counter[str]:
    """How many repetitions jobs have, by their ids."""
    rows = transaction.execute(_COUNTS, {"of_jobs": list(job_ids)})
    return Counter({row.job_id: row.count for row in rows})


def taken_before(
    transaction: Transaction, job_ids: Collection[str]
) -> defaultdict[str, list[TakenRepetition]]:
    """Those of earlier races that count on for jobs, oldest first; beside no change of today's."""
    return _by_job(transaction, _TAKEN_BEFORE, job_ids)


def _by_job(
    transaction: Transaction, asked: Select[Any], job_ids: Collection[str]
) -> defaultdict[str, list[TakenRepetition]]:
    taken: defaultdict[str, list[TakenRepetition]] = defaultdict(list)
    for row in transaction.execute(asked, {"of_jobs": list(job_ids)}):
        taken[row.for_job_id].append(_taken(row))
    return taken


def _taken(row: Row[Any]) -> TakenRepetition:
    return TakenRepetition(
        ordinal=row.ordinal,
        block=row.block,
        repetition=stored_repetition(row),
        runtime_version=row.runtime_version,
        runtime_build=row.runtime_build,
        affinity=row.affinity,
        taken_at_unix_ms=row.taken_at_unix_ms,
    )


def mark_suspect(transaction: Transaction, job_id: str, ordinals: Sequence[int]) -> None:
    """Remembers that figures are derived without these repetitions of a job."""
    if not ordinals:
        return
    transaction.execute(
        update(repetitions)
        .where(repetitions.c.job_id == job_id, repetitions.c.ordinal.in_(ordinals))
        .values(is_suspect=True)
    )


def stored_repetition(row: Row[Any]) -> Repetition:
    """The repetition that a row of the table holds."""
    return Repetition(**{name: getattr(row, name) for name in _FIELDS})


def _row(new: NewRepetition) -> dict[str, object]:
    measured, repetition = new.measured, new.measured.repetition
    return {
        "job_id": new.job_id,
        "ordinal": new.ordinal,
        "runtime_version": measured.runtime.version,
        "runtime_build": measured.runtime.build,
        "affinity": measured.affinity,
        "taken_at_unix_ms": new.taken_at_unix_ms,
        # What is suspect, settling says and no agent.
        "is_suspect": False,
        **{name: getattr(repetition, name) for name in _FIELDS},
        # Its report tells, and no repetition by itself.
        "waited_ms": new.waited_ms,
    }
