"""How attempts end: reported, given back, lost, or without their artifact."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from controller.domain.jobs import AttemptState
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.rounds.turns import LeasedTurn
from controller.state.schema import attempts, jobs

# What is asked for each report is put together once.
_SET_REPORTED = (
    update(attempts)
    .where(
        attempts.c.attempt_id == bindparam("of_attempt"),
        attempts.c.state != AttemptState.REPORTED,
    )
    .values(state=AttemptState.REPORTED)
)


@dataclass(frozen=True)
class LostTurn:
    """The turn of an attempt that came to nothing, and how many at it did so, this one included."""

    turn: LeasedTurn
    times: int


def set_reported(transaction: Transaction, attempt_id: str) -> bool:
    """Remembers that an attempt was reported, also one that was given up for lost before.

    Returns:
        Whether it had not been reported before.
    """
    return bool(transaction.execute(_SET_REPORTED, {"of_attempt": attempt_id}).rowcount)


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
