"""How attempts end: reported, given back, lost, or without their artifact; and turns by them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.figures.spread import spread_of
from controller.state.database import Transaction
from controller.state.jobs import Move, move_each
from controller.state.rounds.courses import Place, Told, add_to_courses
from controller.state.rounds.turns import ENDING, LeasedTurn, medians_of, turn_key
from controller.state.schema import attempts, jobs
from controller.state.schema.many_rows import change_rows

# What is asked for each report is put together once.
_SET_REPORTED = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("of_attempt"))
    .values(state=AttemptState.REPORTED)
)
_TAKE = ENDING.values(
    state=TurnState.TAKEN,
    taken_number=bindparam("taken_as"),
    block=bindparam("taken_in"),
    median_ms=bindparam("taken_ms"),
    spent_ms=bindparam("took_ms"),
)


@dataclass(frozen=True, kw_only=True)
class TurnStanding:
    """How a turn stands, and what of its job and its sweep there is beside it.

    Attributes:
        is_open: whether it is still to be taken.
        has_others: whether others of its job are still to be.
        has_medians: whether any of its job was taken that has a median.
        takings: number of the last turn of its sweep that was taken.
    """

    is_open: bool
    has_others: bool
    has_medians: bool
    takings: int


@dataclass(frozen=True, kw_only=True)
class Taking:
    """What a report gives of its turn.

    Attributes:
        turn: which one.
        standing: how it stands, read in the transaction in which it is taken.
        job_state: that of its job.
        block: how many readings of the sentinel were taken before it; None of a reading.
        median_ms: of its samples, ms; None for a profile, which has none.
        spent_ms: what it took, ms.
    """

    turn: LeasedTurn
    standing: TurnStanding
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
    taking = [each for each in takings if each.standing.is_open]
    later = [each.turn.job_id for each in taking if each.standing.has_medians]
    before_ms = medians_of(transaction, later)
    if taking:
        _take(transaction, taking)
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
        is_first = each.median_ms is not None and not each.standing.has_medians
        more = counted[each.turn.place.sweep_id]
        more["turns_taken"] += 1
        more["takings"] += 1
        more["jobs_with_figures"] += is_first
    move_each(transaction, moves, counted)
    told = [_told(each, before_ms.get(each.turn.job_id, ())) for each in taking]
    add_to_courses(transaction, told)
    return [Taken(each.standing.has_others) if each.standing.is_open else None for each in takings]


def _take(transaction: Transaction, taking: Sequence[Taking]) -> None:
    taken, of_sweeps = [], Counter[str]()
    for each in taking:
        sweep_id = each.turn.place.sweep_id
        of_sweeps[sweep_id] += 1
        taken.append(
            {
                **turn_key(each.turn),
                "taken_as": each.standing.takings + of_sweeps[sweep_id],
                "taken_in": each.block,
                "taken_ms": each.median_ms,
                "took_ms": each.spent_ms,
            }
        )
    change_rows(transaction, _TAKE, taken)


def _told(taking: Taking, before_ms: Sequence[float]) -> Told:
    after_ms = before_ms if taking.median_ms is None else [*before_ms, taking.median_ms]
    return Told(
        place=taking.turn.place,
        more=spread_of(after_ms).without(spread_of(before_ms)),
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
