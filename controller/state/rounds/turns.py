"""Turns: in their order, leased, taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Update, and_, exists, func, insert, select, update

from controller.domain.jobs import ENDED, FEWEST_REPETITIONS, JobState, OpenJob, Turn, TurnState
from controller.figures.spread import spread_of
from controller.state.database import Transaction
from controller.state.jobs import OPEN_TURNS, move_jobs
from controller.state.rounds.counts import add_counts, next_taken
from controller.state.rounds.courses import (
    Place,
    add_to_course,
    count_readings,
    find_sentinel,
    take_places,
)
from controller.state.schema import jobs, turns

# Fewer than a database takes in one statement.
_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """One repetition that an attempt was made at."""

    place: Place
    job_id: str
    ordinal: int


def take_turn(
    transaction: Transaction, turn: LeasedTurn, *, median_ms: float | None, spent_ms: int
) -> bool:
    """Remembers that a turn was taken; False when it was before, or is not needed any more.

    Args:
        transaction: the caller's, which writes.
        turn: which one.
        median_ms: of its samples, ms; None for a profile, which has none.
        spent_ms: what it took, ms.
    """
    is_reading = turn.job_id == find_sentinel(transaction, turn.place)
    before = medians_of(transaction, turn.job_id)
    block = None if is_reading else count_readings(transaction, turn.place)
    taken = {
        "state": TurnState.TAKEN,
        "taken_number": next_taken(turn.place.sweep_id),
        "block": block,
        "median_ms": median_ms,
    }
    if not _end_turn(transaction, turn, taken | {"spent_ms": spent_ms}):
        return False
    after = before if median_ms is None else [*before, median_ms]
    more = spread_of(after).without(spread_of(before))
    readings = int(is_reading)
    add_to_course(transaction, turn.place, more=more, spent_ms=spent_ms, readings=readings)
    is_first_figure = len(before) < FEWEST_REPETITIONS <= len(after)
    counted = {"turns_taken": 1, "jobs_with_figures": int(is_first_figure)}
    add_counts(transaction, turn.place.sweep_id, counted)
    return True


def skip_turn(transaction: Transaction, turn: LeasedTurn, *, spent_ms: int) -> bool:
    """Remembers that the device was not ready for a turn; False when it needed none any more."""
    values = {"state": TurnState.NOT_READY, "spent_ms": spent_ms}
    if not _end_turn(transaction, turn, values):
        return False
    add_counts(transaction, turn.place.sweep_id, {"turns": -1})
    return True


def count_others(transaction: Transaction, turn: LeasedTurn) -> int:
    """How many other turns its job has, taken or still to be."""
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(
            turns.c.job_id == turn.job_id,
            turns.c.ordinal != turn.ordinal,
            turns.c.state.in_((*OPEN_TURNS, TurnState.TAKEN)),
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
    move_jobs(transaction, JobState.LEASED, jobs.c.job_id == job_id)
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


def begin_turns(transaction: Transaction, place: Place, order: Sequence[str]) -> None:
    """Adds the first turns of a course that was opened for them, in this order."""
    _insert_turns(transaction, place, order, first_place=0, ordinals={})


def append_turns(transaction: Transaction, place: Place, order: Sequence[str]) -> None:
    """Adds turns after all others, in this order."""
    if not order:
        return
    job_ids = list(dict.fromkeys(order))
    ordinals: dict[str, int] = {}
    for begin in range(0, len(job_ids), _AT_ONCE):
        there = transaction.execute(
            select(turns.c.job_id, func.count().label("turn_count"))
            .where(turns.c.job_id.in_(job_ids[begin : begin + _AT_ONCE]))
            .group_by(turns.c.job_id)
        ).all()
        ordinals |= {row.job_id: row.turn_count for row in there}
    first_place = take_places(transaction, place, len(order))
    _insert_turns(transaction, place, order, first_place=first_place, ordinals=ordinals)


def has_open_turns(transaction: Transaction, place: Place) -> bool:
    """Whether a repetition of a sweep on a device is still to be taken."""
    return any(
        transaction.scalars(select(exists().where(_of(place), turns.c.state == state))).one()
        for state in OPEN_TURNS
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
    if among is not None and not among:
        return []
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


def _insert_turns(
    transaction: Transaction,
    place: Place,
    order: Sequence[str],
    *,
    first_place: int,
    ordinals: Mapping[str, int],
) -> None:
    """Adds queued turns; `ordinals` are those of the jobs that have turns already."""
    following = dict(ordinals)
    rows: list[dict[str, object]] = []
    for job_id in order:
        ordinal = following.get(job_id, 0)
        following[job_id] = ordinal + 1
        rows.append(
            {
                "job_id": job_id,
                "ordinal": ordinal,
                "sweep_id": place.sweep_id,
                "device_id": place.device_id,
                "place": first_place + len(rows),
                "state": TurnState.QUEUED,
                "spent_ms": 0,
            }
        )
    if rows:
        transaction.execute(insert(turns), rows)
        add_counts(transaction, place.sweep_id, {"turns": len(rows)})


def _end_turn(transaction: Transaction, turn: LeasedTurn, values: Mapping[str, object]) -> bool:
    """Ends an open turn so and lets its job be leased again; False when it was not open."""
    is_open = and_(
        turns.c.job_id == turn.job_id,
        turns.c.ordinal == turn.ordinal,
        turns.c.state.in_(OPEN_TURNS),
    )
    ended = transaction.execute(update(turns).where(is_open).values(values))
    _queue_leased_job(transaction, turn.job_id)
    return bool(ended.rowcount)


def _queue_leased_job(transaction: Transaction, job_id: str) -> None:
    is_leased = and_(jobs.c.job_id == job_id, jobs.c.state == JobState.LEASED)
    move_jobs(transaction, JobState.QUEUED, is_leased)


def _move_turn(before: TurnState, after: TurnState, job_id: str, ordinal: int) -> Update:
    return (
        update(turns)
        .where(turns.c.job_id == job_id, turns.c.ordinal == ordinal, turns.c.state == before)
        .values(state=after)
    )


def _of(place: Place) -> ColumnElement[bool]:
    return and_(turns.c.device_id == place.device_id, turns.c.sweep_id == place.sweep_id)
