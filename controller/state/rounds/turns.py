"""Turns: in their order, leased, taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Update, and_, case, exists, func, insert, select, update

from controller.domain.jobs import ENDED, FEWEST_REPETITIONS, JobState, OpenJob, Turn, TurnState
from controller.figures.spread import spread_of
from controller.state.database import Database, Transaction
from controller.state.jobs import move_jobs
from controller.state.rounds.courses import Place, add_to_course, find_sentinel
from controller.state.schema import jobs, turns

_OPEN = (TurnState.QUEUED, TurnState.LEASED)


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """One repetition that an attempt was made at."""

    place: Place
    job_id: str
    ordinal: int


@dataclass(frozen=True, kw_only=True)
class TurnCounts:
    """How far the turns of a sweep are.

    Attributes:
        total: those that were taken or will be.
        taken: of those, taken.
        jobs_with_figures: jobs, and sentinels, of which at least two were taken.
    """

    total: int
    taken: int
    jobs_with_figures: int


def take_turn(
    transaction: Transaction, turn: LeasedTurn, *, median_ms: float | None, spent_ms: int
) -> bool:
    """Remembers that a turn was taken; False when it was before, or is not needed any more.

    Args:
        transaction: the caller's.
        turn: which one.
        median_ms: of its samples, ms; None for a profile, which has none.
        spent_ms: what it took, ms.
    """
    sentinel_id = find_sentinel(transaction, turn.place)
    is_reading = turn.job_id == sentinel_id
    before = medians_of(transaction, turn.job_id)
    block = None if is_reading else _count_taken(transaction, sentinel_id)
    taken = {"state": TurnState.TAKEN, "block": block, "median_ms": median_ms}
    if not _end_turn(transaction, turn, taken | {"spent_ms": spent_ms}):
        return False
    after = before if median_ms is None else [*before, median_ms]
    more = spread_of(after).without(spread_of(before))
    add_to_course(transaction, turn.place, more=more, spent_ms=spent_ms)
    return True


def skip_turn(transaction: Transaction, turn: LeasedTurn, *, spent_ms: int) -> bool:
    """Remembers that the device was not ready for a turn; False when it needed none any more."""
    values = {"state": TurnState.NOT_READY, "spent_ms": spent_ms}
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


def count_turns(database: Database, sweep_id: str) -> TurnCounts:
    """How far the turns of a sweep are."""
    taken = func.sum(case((turns.c.state == TurnState.TAKEN, 1), else_=0))
    by_job = (
        select(func.count().label("there"), taken.label("taken"))
        .where(
            turns.c.sweep_id == sweep_id,
            turns.c.state.not_in([TurnState.DROPPED, TurnState.NOT_READY]),
        )
        .group_by(turns.c.job_id)
        .subquery()
    )
    has_figure = case((by_job.c.taken >= FEWEST_REPETITIONS, 1), else_=0)
    with database.transaction() as transaction:
        row = transaction.execute(
            select(
                func.sum(by_job.c.there).label("there"),
                func.sum(by_job.c.taken).label("taken"),
                func.sum(has_figure).label("with_figures"),
            )
        ).one()
    return TurnCounts(
        total=row.there or 0, taken=row.taken or 0, jobs_with_figures=row.with_figures or 0
    )


def append_turns(transaction: Transaction, place: Place, order: Sequence[str]) -> None:
    """Adds turns after all others, in this order."""
    if not order:
        return
    last = transaction.scalars(select(func.max(turns.c.place)).where(_of(place))).one()
    next_place = 0 if last is None else last + 1
    there = transaction.execute(
        select(turns.c.job_id, func.count().label("turn_count"))
        .where(_of(place))
        .group_by(turns.c.job_id)
    ).all()
    ordinals = {row.job_id: row.turn_count for row in there}
    rows: list[dict[str, object]] = []
    for job_id in order:
        ordinal = ordinals.get(job_id, 0)
        ordinals[job_id] = ordinal + 1
        rows.append(
            {
                "job_id": job_id,
                "ordinal": ordinal,
                "sweep_id": place.sweep_id,
                "device_id": place.device_id,
                "place": next_place + len(rows),
                "state": TurnState.QUEUED,
                "spent_ms": 0,
            }
        )
    transaction.execute(insert(turns), rows)


def has_open_turns(transaction: Transaction, place: Place) -> bool:
    """Whether a repetition of a sweep on a device is still to be taken."""
    return any(
        transaction.scalars(select(exists().where(_of(place), turns.c.state == state))).one()
        for state in _OPEN
    )


def list_open_jobs(
    transaction: Transaction, place: Place, among: Sequence[str] | None = None
) -> list[OpenJob]:
    """The jobs of a sweep on a device that have not ended, the sentinel not counted, in order.

    Args:
        transaction: the caller's.
        place: sweep and device.
        among: only these; None is all.
    """
    rows = transaction.execute(
        select(turns)
        .join(jobs, jobs.c.job_id == turns.c.job_id)
        .where(
            jobs.c.is_sentinel.is_(False),
            jobs.c.state.not_in(ENDED),
            _of(place) if among is None else jobs.c.job_id.in_(among),
        )
        .order_by(jobs.c.position, turns.c.ordinal)
    ).all()
    return [
        OpenJob(
            job_id=job_id,
            turns=tuple(
                Turn(
                    state=row.state,
                    block=row.block,
                    median_ms=row.median_ms,
                    spent_ms=row.spent_ms,
                )
                for row in of_job
            ),
        )
        for job_id, of_job in groupby(rows, key=attrgetter("job_id"))
    ]


def medians_of(transaction: Transaction, job_id: str) -> list[float]:
    """The medians of a job's repetitions that were taken, in order, ms."""
    rows = transaction.scalars(
        select(turns.c.median_ms)
        .where(turns.c.job_id == job_id, turns.c.median_ms.is_not(None))
        .order_by(turns.c.ordinal)
    )
    return [median_ms for median_ms in rows if median_ms is not None]


def list_readings(transaction: Transaction, sentinel_id: str | None) -> tuple[float, ...]:
    """What the sentinel read, in order, ms; nothing without one."""
    if sentinel_id is None:
        return ()
    return tuple(medians_of(transaction, sentinel_id))


def jobs_before(transaction: Transaction, reading: LeasedTurn, count: int) -> list[str]:
    """The jobs of the last turns that were taken before this reading, at most so many."""
    own_place = (
        select(turns.c.place)
        .where(turns.c.job_id == reading.job_id, turns.c.ordinal == reading.ordinal)
        .scalar_subquery()
    )
    rows = transaction.scalars(
        select(turns.c.job_id)
        .where(_of(reading.place), turns.c.state == TurnState.TAKEN, turns.c.place < own_place)
        .order_by(turns.c.place.desc())
        .limit(count)
    )
    return sorted(set(rows) - {reading.job_id})


def count_since_reading(transaction: Transaction, place: Place, sentinel_id: str) -> int:
    """How many turns were taken since the sentinel was last read."""
    last = (
        select(func.max(turns.c.place))
        .where(turns.c.job_id == sentinel_id, turns.c.state == TurnState.TAKEN)
        .scalar_subquery()
    )
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(_of(place), turns.c.state == TurnState.TAKEN, turns.c.place > last)
    ).one()


def _count_taken(transaction: Transaction, job_id: str | None) -> int:
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(turns.c.job_id == job_id, turns.c.state == TurnState.TAKEN)
    ).one()


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


def _of(place: Place) -> ColumnElement[bool]:
    return and_(turns.c.device_id == place.device_id, turns.c.sweep_id == place.sweep_id)
