"""Turns: in their order, leased, taken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Update, and_, func, insert, select, update

from controller.domain.jobs import ENDED, JobState, OpenJob, Reading, Turn, TurnState
from controller.domain.sweeps import SweepSpec
from controller.state.database import Database, Transaction
from controller.state.jobs import move_jobs
from controller.state.schema import jobs, sweeps, turns

_OPEN = (TurnState.QUEUED, TurnState.LEASED)


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """One repetition that an attempt was made at."""

    sweep_id: str
    device_id: str
    job_id: str
    ordinal: int


def take_turn(transaction: Transaction, turn: LeasedTurn, reading: Reading | None) -> bool:
    """Remembers that a turn was taken; False when it was before, or is not needed any more.

    Args:
        transaction: the caller's.
        turn: which one.
        reading: what a sentinel read.
    """
    values: dict[str, object] = {"state": TurnState.TAKEN}
    if reading is None:
        values["block"] = len(list_readings(transaction, turn.sweep_id, turn.device_id))
    else:
        values |= asdict(reading)
    return _end_turn(transaction, turn, values)


def count_others(transaction: Transaction, turn: LeasedTurn) -> int:
    """How many other turns its job has, taken or still to be."""
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(
            turns.c.job_id == turn.job_id,
            turns.c.ordinal != turn.ordinal,
            turns.c.state.in_((*_OPEN, TurnState.TAKEN)),
        )
    ).one()


def state_before(transaction: Transaction, turn: LeasedTurn) -> TurnState | None:
    """The state of the turn of the same job right before this one; None for its first."""
    return transaction.scalars(
        select(turns.c.state).where(
            turns.c.job_id == turn.job_id, turns.c.ordinal == turn.ordinal - 1
        )
    ).one_or_none()


def skip_turn(transaction: Transaction, turn: LeasedTurn) -> bool:
    """Remembers that the device was not ready for a turn; False when it needed none any more."""
    return _end_turn(transaction, turn, {"state": TurnState.NOT_READY})


def lease_turn(transaction: Transaction, job_id: str, ordinal: int) -> None:
    """Leases a turn that is queued, and with it its job."""
    transaction.execute(move_jobs(JobState.LEASED, jobs.c.job_id == job_id))
    transaction.execute(_move_turn(TurnState.QUEUED, TurnState.LEASED, job_id, ordinal))


def queue_turn_again(transaction: Transaction, job_id: str, ordinal: int) -> None:
    """Takes the lease of a turn back, and with it its job's."""
    _queue_leased_job(transaction, job_id)
    transaction.execute(_move_turn(TurnState.LEASED, TurnState.QUEUED, job_id, ordinal))


def count_not_ready(transaction: Transaction, job_id: str) -> int:
    """How many turns of a job the device was not ready for."""
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(turns.c.job_id == job_id, turns.c.state == TurnState.NOT_READY)
    ).one()


def list_open_places(database: Database) -> list[tuple[str, str]]:
    """The sweeps and devices that have jobs to be leased, or leased: ids, in pairs."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(jobs.c.sweep_id, jobs.c.device_id)
            .where(jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]))
            .distinct()
        ).all()
    return [(row.sweep_id, row.device_id) for row in rows]


def count_turns(database: Database, sweep_id: str) -> tuple[int, int]:
    """How many turns the sweep has that were or will be taken, and how many of them were."""
    without = [TurnState.DROPPED, TurnState.NOT_READY]
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(turns.c.state, func.count().label("turn_count"))
            .join(jobs, jobs.c.job_id == turns.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, turns.c.state.not_in(without))
            .group_by(turns.c.state)
        ).all()
    counts = {row.state: row.turn_count for row in rows}
    return sum(counts.values()), counts.get(TurnState.TAKEN, 0)


def append_turns(
    transaction: Transaction, sweep_id: str, device_id: str, order: Sequence[str]
) -> None:
    """Adds turns after all others, in this order."""
    if not order:
        return
    there = transaction.execute(
        select(turns.c.job_id, turns.c.place)
        .join(jobs, jobs.c.job_id == turns.c.job_id)
        .where(_of_device(sweep_id, device_id))
    ).all()
    ordinals = Counter(turn.job_id for turn in there)
    place = max((turn.place for turn in there), default=-1)
    rows = []
    for job_id in order:
        place += 1
        rows.append(
            {
                "job_id": job_id,
                "ordinal": ordinals[job_id],
                "place": place,
                "state": TurnState.QUEUED,
            }
        )
        ordinals[job_id] += 1
    transaction.execute(insert(turns), rows)


def list_open_jobs(transaction: Transaction, sweep_id: str, device_id: str) -> list[OpenJob]:
    """The jobs of a sweep on a device that have not ended, in their order."""
    spec: SweepSpec = transaction.scalars(
        select(sweeps.c.spec).where(sweeps.c.sweep_id == sweep_id)
    ).one()
    rows = transaction.execute(
        select(jobs.c.job_id, jobs.c.is_sentinel, turns.c.state, turns.c.block)
        .join(turns, turns.c.job_id == jobs.c.job_id)
        .where(
            _of_device(sweep_id, device_id),
            jobs.c.state.not_in(ENDED),
        )
        .order_by(jobs.c.position, turns.c.ordinal)
    ).all()
    return [
        OpenJob(
            job_id=job_id,
            is_sentinel=of_job[0].is_sentinel,
            repetitions=spec.repetitions,
            turns=tuple(Turn(state=row.state, block=row.block) for row in of_job),
        )
        for job_id, group in groupby(rows, key=attrgetter("job_id"))
        for of_job in [list(group)]
    ]


def list_readings(transaction: Transaction, sweep_id: str, device_id: str) -> tuple[Reading, ...]:
    """What the sentinel read, in order."""
    rows = transaction.execute(
        select(turns.c.low_ms, turns.c.high_ms)
        .join(jobs, jobs.c.job_id == turns.c.job_id)
        .where(
            _of_device(sweep_id, device_id),
            jobs.c.is_sentinel,
            turns.c.state == TurnState.TAKEN,
        )
        .order_by(turns.c.place)
    ).all()
    return tuple(Reading(low_ms=row.low_ms, high_ms=row.high_ms) for row in rows)


def _end_turn(transaction: Transaction, turn: LeasedTurn, values: Mapping[str, object]) -> bool:
    """Ends an open turn so and lets its job be leased again; False when it was not open."""
    is_open = and_(
        turns.c.job_id == turn.job_id,
        turns.c.ordinal == turn.ordinal,
        turns.c.state.in_(_OPEN),
    )
    ended = transaction.execute(update(turns).where(is_open).values(values))
    _queue_leased_job(transaction, turn.job_id)
    return bool(ended.rowcount)


def _queue_leased_job(transaction: Transaction, job_id: str) -> None:
    is_leased = and_(jobs.c.job_id == job_id, jobs.c.state == JobState.LEASED)
    transaction.execute(move_jobs(JobState.QUEUED, is_leased))


def _move_turn(before: TurnState, after: TurnState, job_id: str, ordinal: int) -> Update:
    return (
        update(turns)
        .where(turns.c.job_id == job_id, turns.c.ordinal == ordinal, turns.c.state == before)
        .values(state=after)
    )


def _of_device(sweep_id: str, device_id: str) -> ColumnElement[bool]:
    return and_(jobs.c.sweep_id == sweep_id, jobs.c.device_id == device_id)
