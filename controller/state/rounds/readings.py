"""Readings of the sentinel: what they told, and the turns around them."""

from sqlalchemy import ColumnElement, and_, func, select

from controller.domain.jobs import TurnState
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.rounds.turns import LeasedTurn, medians_of
from controller.state.schema import turns


def list_readings(transaction: Transaction, sentinel_id: str | None) -> tuple[float, ...]:
    """What the sentinel read, in order, ms; nothing without one."""
    if sentinel_id is None:
        return ()
    return tuple(medians_of(transaction, [sentinel_id]).get(sentinel_id, ()))


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


def _of(place: Place) -> ColumnElement[bool]:
    return and_(turns.c.device_id == place.device_id, turns.c.sweep_id == place.sweep_id)
