"""How attempts end: reported, given back, lost, or without their artifact; and turns by them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from controller.domain.jobs import OPEN_TURNS, AttemptState, JobState, TurnState
from controller.figures.spread import spread_of
from controller.state.database import Transaction
from controller.state.jobs import Move, move_each
from controller.state.rounds.courses import Place, Told, add_to_courses
from controller.state.rounds.turns import ENDING, LeasedTurn, turn_key
from controller.state.schema import attempts, jobs, sweep_counts, turns
from controller.state.schema.many_rows import change_rows, in_few_lengths

# What is asked for each report is put together once.
_SET_REPORTED = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("of_attempt"))
    .values(state=AttemptState.REPORTED)
)
_OF_JOBS = (
    select(
        turns.c.job_id, turns.c.ordinal, turns.c.state, turns.c.median_ms, sweep_counts.c.takings
    )
    .join(sweep_counts, sweep_counts.c.sweep_id == turns.c.sweep_id)
    .where(turns.c.job_id.in_(bindparam("of_jobs", expanding=True)))
    .order_by(turns.c.job_id, turns.c.ordinal)
)
_TAKE = ENDING.values(
    state=TurnState.TAKEN,
    taken_number=bindparam("taken_as"),
    block=bindparam("taken_in"),
    median_ms=bindparam("taken_ms"),
    spent_ms=bindparam("took_ms"),
)


@dataclass(frozen=True, kw_only=True)
class Taking:
    """What a report gives of its turn.

    Attributes:
        turn: which one.
        job_state: that of its job.
        block: how many readings of the sentinel were taken before it; None of a reading.
        median_ms: of its samples, ms; None for a profile, which has none.
        spent_ms: what it took, ms.
    """

    turn: LeasedTurn
    job_state: JobState
    block: int | None
    median_ms: float | None
    spent_ms: int


@dataclass(frozen=True)
class Taken:
    """That a turn was taken, and whether others of its job are still to be."""

    has_more: bool


@dataclass(frozen=True)
class LostTurn:
    """The turn of an attempt that came to nothing, and how many at it did so, this one included."""

    turn: LeasedTurn
    times: int


def set_reported(transaction: Transaction, attempt_ids: Sequence[str]) -> None:
    """Remembers that attempts were reported, also those that were given up for lost before."""
    if attempt_ids:
        given = [{"of_attempt": attempt_id} for attempt_id in attempt_ids]
        change_rows(transaction, _SET_REPORTED, given)


def take_turns(transaction: Transaction, takings: Sequence[Taking]) -> list[Taken | None]:
    """Remembers that turns were taken, and lets their jobs be leased again.

    Args:
        transaction: the caller's, which writes.
        takings: of different devices.

    Returns:
        For each what became of it; None when it was taken before, or is not needed any more.
    """
    if not takings:
        return []
    there = _turns_of(transaction, [each.turn.job_id for each in takings])
    are_open = [_is_open(each.turn, there[each.turn.job_id]) for each in takings]
    taking = [each for each, is_open in zip(takings, are_open, strict=True) if is_open]
    if taking:
        _take(transaction, taking, there)
    moves = [
        Move(
            job_id=each.turn.job_id,
            sweep_id=each.turn.place.sweep_id,
            before=JobState.LEASED,
            to=JobState.QUEUED,
        )
        for each in takings
        if each.job_state is JobState.LEASED
    ]
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in taking:
        is_first = each.median_ms is not None and not _medians(there[each.turn.job_id])
        more = counted[each.turn.place.sweep_id]
        more["turns_taken"] += 1
        more["takings"] += 1
        more["jobs_with_figures"] += is_first
    move_each(transaction, moves, counted)
    add_to_courses(transaction, [_told(each, there[each.turn.job_id]) for each in taking])
    return [
        Taken(_has_others(each.turn, there[each.turn.job_id])) if is_open else None
        for each, is_open in zip(takings, are_open, strict=True)
    ]


def _turns_of(transaction: Transaction, job_ids: Sequence[str]) -> defaultdict[str, list[Row[Any]]]:
    rows = transaction.execute(_OF_JOBS, {"of_jobs": in_few_lengths(job_ids)}).all()
    grouped = groupby(rows, key=attrgetter("job_id"))
    return defaultdict(list, {job_id: list(of_job) for job_id, of_job in grouped})


def _take(
    transaction: Transaction, taking: Sequence[Taking], there: Mapping[str, Sequence[Row[Any]]]
) -> None:
    taken, of_sweeps = [], Counter[str]()
    for each in taking:
        sweep_id, job_id = each.turn.place.sweep_id, each.turn.job_id
        of_sweeps[sweep_id] += 1
        taken.append(
            {
                **turn_key(each.turn),
                "taken_as": there[job_id][0].takings + of_sweeps[sweep_id],
                "taken_in": each.block,
                "taken_ms": each.median_ms,
                "took_ms": each.spent_ms,
            }
        )
    change_rows(transaction, _TAKE, taken)


def _is_open(turn: LeasedTurn, of_job: Sequence[Row[Any]]) -> bool:
    return any(row.ordinal == turn.ordinal and row.state in OPEN_TURNS for row in of_job)


def _has_others(turn: LeasedTurn, of_job: Sequence[Row[Any]]) -> bool:
    return any(row.ordinal != turn.ordinal and row.state in OPEN_TURNS for row in of_job)


def _medians(of_job: Sequence[Row[Any]]) -> list[float]:
    return [row.median_ms for row in of_job if row.median_ms is not None]


def _told(taking: Taking, of_job: Sequence[Row[Any]]) -> Told:
    before = _medians(of_job)
    after = before if taking.median_ms is None else [*before, taking.median_ms]
    return Told(
        place=taking.turn.place,
        more=spread_of(after).without(spread_of(before)),
        spent_ms=taking.spent_ms,
        readings=int(taking.block is None),
    )


def set_given_back(transaction: Transaction, attempt_id: str) -> LeasedTurn | None:
    """Remembers that this side took an attempt back; its turn, None when it is not out."""
    return _end_lease(transaction, attempt_id, AttemptState.GIVEN_BACK)


def give_back(transaction: Transaction, attempt_id: str) -> LostTurn | None:
    """Remembers that an agent gave an attempt back; None when it is not out any more."""
    return _end_vainly(transaction, attempt_id, AttemptState.GIVEN_BACK)


def set_lost(transaction: Transaction, attempt_id: str) -> LostTurn | None:
    """Remembers that an attempt is lost; None when it is not out any more."""
    return _end_vainly(transaction, attempt_id, AttemptState.LOST)


def set_undelivered(transaction: Transaction, attempt_id: str) -> LostTurn | None:
    """Remembers that an attempt's artifact did not come whole; None when it is not out any more."""
    return _end_vainly(transaction, attempt_id, AttemptState.UNDELIVERED)


def _end_vainly(transaction: Transaction, attempt_id: str, state: AttemptState) -> LostTurn | None:
    turn = _end_lease(transaction, attempt_id, state)
    if turn is None:
        return None
    times = transaction.scalars(
        select(func.count())
        .select_from(attempts)
        .where(
            attempts.c.job_id == turn.job_id,
            attempts.c.ordinal == turn.ordinal,
            attempts.c.state == state,
        )
    ).one()
    return LostTurn(turn, times)


def _end_lease(transaction: Transaction, attempt_id: str, state: AttemptState) -> LeasedTurn | None:
    ended = transaction.execute(
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.state == AttemptState.LEASED)
        .values(state=state)
    )
    if ended.rowcount == 0:
        return None
    row = transaction.execute(
        select(attempts.c.ordinal, jobs.c.job_id, jobs.c.sweep_id, jobs.c.device_id)
        .join(jobs, jobs.c.job_id == attempts.c.job_id)
        .where(attempts.c.attempt_id == attempt_id)
    ).one()
    place = Place(sweep_id=row.sweep_id, device_id=row.device_id)
    return LeasedTurn(place=place, job_id=row.job_id, ordinal=row.ordinal)
