"""Which turn a device takes next: the first in order whose job has its artifact.

A turn whose job waits for its artifact changes places with the next of its round that does not. So
rounds stay rounds: no job is measured once more before one that waits was measured as often, and
between two readings of the sentinel lie as many turns as ever.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Row, Select, and_, bindparam, select, update

from controller.domain.jobs import TurnState
from controller.domain.sweeps import SweepPhase
from controller.state.database import Transaction
from controller.state.rounds.courses import with_spreads
from controller.state.rounds.next_places import (
    IS_AHEAD,
    IS_QUEUED,
    first_waiting_place,
    next_place,
)
from controller.state.schema import artifacts, courses, jobs, turns


def leasable() -> Select[Any]:
    """Turns of jobs whose artifact is there, with all that a lease is made of."""
    return (
        select(
            jobs.c.job_id,
            jobs.c.sweep_id,
            jobs.c.backbone,
            jobs.c.settings,
            turns.c.ordinal,
            artifacts.c.sha256,
            artifacts.c.size_bytes,
            artifacts.c.reference_sha256,
            artifacts.c.reference_size_bytes,
            courses.c.planned_ms,
            courses.c.waited_ms,
        )
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .join(turns, turns.c.job_id == jobs.c.job_id)
        .join(
            courses,
            and_(courses.c.sweep_id == jobs.c.sweep_id, courses.c.device_id == jobs.c.device_id),
        )
    )


_OF_SWEEP: BindParameter[str] = bindparam("of_sweep")
# What is asked for each lease is put together once.
_QUEUED = (
    with_spreads(leasable())
    .where(IS_QUEUED, turns.c.sweep_id == _OF_SWEEP)
    .order_by(turns.c.place)
    .limit(1)
)
_FIRST = _QUEUED.add_columns(turns.c.place, first_waiting_place(_OF_SWEEP).label("waiting_place"))
_AHEAD = _QUEUED.add_columns(turns.c.place).where(IS_AHEAD, turns.c.place > bindparam("after"))
_SET_WAITING_PLACE = (
    update(turns)
    .where(
        turns.c.device_id == bindparam("of_device"),
        turns.c.sweep_id == _OF_SWEEP,
        turns.c.state == TurnState.WAITING,
        turns.c.place == bindparam("before"),
    )
    .values(place=bindparam("after"))
)
_SET_PLACE = (
    update(turns)
    .where(turns.c.job_id == bindparam("of_job"), turns.c.ordinal == bindparam("of_ordinal"))
    .values(place=bindparam("after"))
)


def find_next_turn(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> Row[Any] | None:
    """The next turn of a device with what its lease is made of; None when there is none.

    Args:
        transaction: the caller's, which writes.
        device_id: whose turn it is.
        phases: of the sweeps that it takes turns of.
    """
    place = next_place(transaction, device_id, phases)
    if place is None:
        return None
    given = {"of_device": device_id, "of_sweep": place.sweep_id}
    first = transaction.execute(_FIRST, given).one()
    if first.waiting_place is None or first.place < first.waiting_place:
        return first
    ahead = transaction.execute(_AHEAD, given | {"after": first.waiting_place}).one()
    # What waits goes back first: it is found by its place.
    back = {"before": first.waiting_place, "after": ahead.place}
    transaction.execute(_SET_WAITING_PLACE, given | back)
    of_turn = {"of_job": ahead.job_id, "of_ordinal": ahead.ordinal}
    transaction.execute(_SET_PLACE, of_turn | {"after": first.waiting_place})
    return ahead
