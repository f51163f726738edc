"""Jobs: waiting for their artifacts, queued, leased, cancelled; counted with each step."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, func, select, update

from controller.domain.jobs import (
    ENDED,
    OPEN,
    OPEN_TURNS,
    JobState,
    TurnState,
    may_come_from,
)
from controller.state.artifacts import is_file_of, variant_of
from controller.state.database import Database, Transaction
from controller.state.rounds.counts import VARIANT_COLUMNS, add_counts
from controller.state.rounds.courses import Place
from controller.state.schema import artifacts, jobs, turns
from controller.state.schema.many_rows import change_rows
from models.catalog.variants import Variant

# What is asked for each lease and report is put together once.
_MOVE_ONE = (
    update(jobs)
    .where(jobs.c.job_id == bindparam("of_job"), jobs.c.state == bindparam("before"))
    .values(state=bindparam("after"))
)
_HAS_OPEN_CANDIDATES = select(
    exists().where(
        jobs.c.sweep_id == bindparam("of_sweep"),
        jobs.c.device_id == bindparam("of_device"),
        jobs.c.is_sentinel.is_(False),
        jobs.c.state.in_(OPEN),
    )
)


@dataclass(frozen=True, kw_only=True)
class Move:
    """A job of which it is known in which state it is, and another one that it is to be in."""

    job_id: str
    sweep_id: str
    before: JobState
    to: JobState


class Role(Enum):
    """What a job is measured for; the artifacts of both come with weights of their own."""

    CANDIDATE = False
    SENTINEL = True


def waiting_variants(database: Database, sweep_id: str, role: Role) -> tuple[Variant, ...]:
    """The variants that jobs of the sweep in a role wait for, in the order of the jobs."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(*VARIANT_COLUMNS)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state == JobState.WAITING,
                jobs.c.is_sentinel.is_(role.value),
            )
            .group_by(*VARIANT_COLUMNS)
            .order_by(func.min(jobs.c.position))
        ).mappings()
        return tuple(map(variant_of, rows))


def waiting_jobs(
    database: Database, sweep_id: str, role: Role, variant: Variant
) -> Mapping[str, str]:
    """The ids of the jobs in a role that wait for this variant, each with its device's."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.job_id, jobs.c.device_id)
            .where(_waits_for(sweep_id, role, variant))
            .order_by(jobs.c.position)
        ).all()
    return {row.job_id: row.device_id for row in rows}


def queue_jobs(
    database: Database, sweep_id: str, role: Role, variant: Variant, conversion_key: str
) -> frozenset[str]:
    """Frees the jobs in a role that waited for this variant; gives the ids of their devices."""
    waiting = _waits_for(sweep_id, role, variant)
    with database.writing() as transaction:
        device_ids = transaction.scalars(select(jobs.c.device_id).where(waiting).distinct()).all()
        _move_turns(transaction, waiting, TurnState.WAITING, TurnState.QUEUED)
        move_jobs(transaction, JobState.QUEUED, waiting, conversion_key=conversion_key)
    return frozenset(device_ids)


def wait_again(database: Database, sha256: str) -> frozenset[str]:
    """Lets the jobs that have not ended wait for a file anew; gives the ids of their sweeps.

    An attempt that is out goes on, since its device may have the bytes.
    """
    keys = select(artifacts.c.conversion_key).where(is_file_of(sha256))
    of_artifact = and_(jobs.c.conversion_key.in_(keys), jobs.c.state.not_in(ENDED))
    with database.writing() as transaction:
        touched = transaction.scalars(select(jobs.c.sweep_id).where(of_artifact).distinct()).all()
        _move_turns(transaction, of_artifact, TurnState.QUEUED, TurnState.WAITING)
        move_jobs(transaction, JobState.WAITING, of_artifact)
    return frozenset(touched)


def cancel_jobs(database: Database, sweep_id: str) -> None:
    """Cancels every job of the sweep that has not ended."""
    with database.writing() as transaction:
        move_jobs(transaction, JobState.CANCELLED, jobs.c.sweep_id == sweep_id)
        of_sweep = select(jobs.c.job_id).where(jobs.c.sweep_id == sweep_id)
        drop_turns(transaction, turns.c.job_id.in_(of_sweep))


def cancel_jobs_of_device(database: Database, device_id: str) -> None:
    """Cancels every job on the device that has not ended."""
    with database.writing() as transaction:
        move_jobs(transaction, JobState.CANCELLED, jobs.c.device_id == device_id)
        drop_turns(transaction, turns.c.device_id == device_id)


def read_backbone(transaction: Transaction, job_id: str) -> str:
    """The name of what a job measures."""
    name: str = transaction.scalars(select(jobs.c.backbone).where(jobs.c.job_id == job_id)).one()
    return name


def has_open_candidates(transaction: Transaction, place: Place) -> bool:
    """Whether a job of a sweep on a device has not ended, the sentinel not counted."""
    of_place = {"of_sweep": place.sweep_id, "of_device": place.device_id}
    return transaction.scalars(_HAS_OPEN_CANDIDATES, of_place).one()


def list_open_places(database: Database, sweep_id: str) -> list[Place]:
    """A sweep on the devices that have jobs of it that have not ended.

    Of a race these may all wait for their files until a round wants them.
    """
    with database.transaction() as transaction:
        device_ids = transaction.scalars(
            select(jobs.c.device_id)
            .where(
                jobs.c.sweep_id == sweep_id,
                jobs.c.state.not_in(ENDED),
            )
            .distinct()
        ).all()
    return [Place(sweep_id=sweep_id, device_id=device_id) for device_id in device_ids]


def move_job(
    transaction: Transaction,
    job_id: str,
    sweep_id: str,
    before: JobState,
    to: JobState,
    *,
    also: Mapping[str, int] = MappingProxyType({}),
) -> bool:
    """Moves one job of which the caller knows what it is, as `move_jobs` does several.

    Args:
        transaction: the caller's, which writes.
        job_id: which one.
        sweep_id: its sweep's.
        before: the state that it is moved from, if it is in it.
        to: the state, which a job may come to from there.
        also: what else of its sweep is counted with it, moved or not, by the columns' names.

    Returns:
        Whether it was in the state before.
    """
    if JobState.WAITING in (before, to):
        # What else waits for the same artifact has to be looked at.
        is_before = and_(jobs.c.job_id == job_id, jobs.c.state == before)
        count = move_jobs(transaction, to, is_before)
        add_counts(transaction, sweep_id, also)
        return bool(count)
    given = {"of_job": job_id, "before": before, "after": to}
    is_moved = bool(transaction.execute(_MOVE_ONE, given).rowcount)
    moved = Counter(also)
    if is_moved:
        moved.update({before.value: -1, to.value: 1})
    add_counts(transaction, sweep_id, moved)
    return is_moved


def move_each(
    transaction: Transaction,
    moves: Sequence[Move],
    also: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> None:
    """Moves jobs that wait for no artifact, before or after it, and counts them together.

    Args:
        transaction: the caller's, which writes.
        moves: of different jobs, each in the state that is known of it.
        also: what else is counted with them, by sweep and column.
    """
    more: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sweep_id, counted in also.items():
        more[sweep_id].update(counted)
    for move in moves:
        counts = more[move.sweep_id]
        counts[move.before.value] -= 1
        counts[move.to.value] += 1
    if moves:
        given = [{"of_job": move.job_id, "before": move.before, "after": move.to} for move in moves]
        change_rows(transaction, _MOVE_ONE, given)
    for sweep_id, counted_there in more.items():
        add_counts(transaction, sweep_id, counted_there)


def move_jobs(
    transaction: Transaction, to: JobState, which: ColumnElement[bool], **values: object
) -> int:
    """Moves jobs to a state, those that may come to it.

    Args:
        transaction: the caller's, which writes.
        to: the state.
        which: the jobs.
        **values: what else becomes of them, by column.

    Returns:
        How many there were.
    """
    movable = and_(which, jobs.c.state.in_(may_come_from(to)))
    found = transaction.execute(
        select(jobs.c.sweep_id, jobs.c.state, func.count().label("job_count"))
        .where(movable)
        .group_by(jobs.c.sweep_id, jobs.c.state)
    ).all()
    if not found:
        return 0
    is_waiting_changed = JobState.WAITING in (to, *(row.state for row in found))
    variants = _variants_of(transaction, movable) if is_waiting_changed else ()
    waited = [_is_waited_for(transaction, row) for row in variants]
    transaction.execute(update(jobs).where(movable).values(state=to, **values))
    more: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in found:
        more[row.sweep_id][row.state.value] -= row.job_count
        more[row.sweep_id][to.value] += row.job_count
    for row, was_waited in zip(variants, waited, strict=True):
        more[row.sweep_id]["variants_waiting"] += _is_waited_for(transaction, row) - was_waited
    for sweep_id, counts in more.items():
        add_counts(transaction, sweep_id, counts)
    return sum(row.job_count for row in found)


def drop_turns(transaction: Transaction, which: ColumnElement[bool]) -> None:
    """Lets turns go which nobody has taken; the transaction is the caller's, which writes."""
    droppable = and_(which, turns.c.state.in_(OPEN_TURNS))
    found = transaction.execute(
        select(turns.c.sweep_id, func.count().label("turn_count"))
        .where(droppable)
        .group_by(turns.c.sweep_id)
    ).all()
    if found:
        transaction.execute(update(turns).where(droppable).values(state=TurnState.DROPPED))
    for row in found:
        add_counts(transaction, row.sweep_id, {"turns": -row.turn_count})


def _move_turns(
    transaction: Transaction, of_jobs: ColumnElement[bool], before: TurnState, to: TurnState
) -> None:
    """Moves those turns of jobs that are in a state, so that they wait as their jobs do."""
    of_these = turns.c.job_id.in_(select(jobs.c.job_id).where(of_jobs))
    transaction.execute(update(turns).where(of_these, turns.c.state == before).values(state=to))


def _variants_of(transaction: Transaction, which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    return transaction.execute(
        select(jobs.c.sweep_id, *VARIANT_COLUMNS).where(which).distinct()
    ).all()


def _is_waited_for(transaction: Transaction, variant: Row[Any]) -> bool:
    waits = exists().where(
        jobs.c.sweep_id == variant.sweep_id,
        jobs.c.state == JobState.WAITING,
        *(column == getattr(variant, column.name) for column in VARIANT_COLUMNS),
    )
    return transaction.scalars(select(waits)).one()


def _waits_for(sweep_id: str, role: Role, variant: Variant) -> ColumnElement[bool]:
    return and_(
        jobs.c.sweep_id == sweep_id,
        jobs.c.is_sentinel.is_(role.value),
        jobs.c.state == JobState.WAITING,
        jobs.c.backbone == variant.backbone,
        jobs.c.format == variant.format,
        jobs.c.precision == variant.precision,
        jobs.c.target == variant.target,
        jobs.c.input_size == variant.input_size,
        jobs.c.batch == variant.batch,
    )
