"""Which turn a device takes next: the first in order whose job has its artifact.

A turn whose job waits for its artifact changes places with the next of its round that does not. So
rounds stay rounds: no job is measured once more before one that waits was measured as often, and
between two readings of the sentinel lie as many turns as ever.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, Select, and_, bindparam, select, update

from controller.domain.jobs import TurnState
from controller.domain.sweeps import SweepPhase
from controller.state.database import Transaction
from controller.state.rounds.courses import Place, with_spreads
from controller.state.rounds.next_places import (
    IS_AHEAD,
    IS_QUEUED,
    first_queued,
    first_waiting,
    next_places,
)
from controller.state.rounds.turns import LeasedTurn
from controller.state.schema import artifacts, courses, jobs, turns
from controller.state.schema.many_rows import in_few_lengths

_OF_LEASE = (
    jobs.c.job_id,
    jobs.c.sweep_id,
    jobs.c.backbone,
    jobs.c.settings,
    artifacts.c.sha256,
    artifacts.c.size_bytes,
    artifacts.c.reference_sha256,
    artifacts.c.reference_size_bytes,
    courses.c.planned_ms,
    courses.c.waited_ms,
)
_HAS_ARTIFACT = artifacts.c.conversion_key == jobs.c.conversion_key


def leasable() -> Select[Any]:
    """Jobs whose artifact is there, with all that their leases are made of but the turn."""
    return with_spreads(
        select(*_OF_LEASE)
        .join(artifacts, _HAS_ARTIFACT)
        .join(
            courses,
            and_(courses.c.sweep_id == jobs.c.sweep_id, courses.c.device_id == jobs.c.device_id),
        )
    )


@dataclass(frozen=True)
class NextTurn:
    """A turn that a device takes next, and what its lease is made of, as `leasable` asks for it."""

    turn: LeasedTurn
    job: Row[Any]


_OF_SWEEP: BindParameter[str] = bindparam("of_sweep")
_COURSE = (courses.c.device_id, courses.c.sweep_id)
# What is asked for each lease is put together once.
_LEASABLE = leasable().where(jobs.c.job_id == bindparam("of_job"))
# The turn and its job come together, since each row is a step of the database. Whose job it is, the
# turn tells alone: else all jobs of the sweep on the device may be looked at.
_FIRST = with_spreads(
    select(
        *_OF_LEASE,
        courses.c.device_id,
        turns.c.ordinal,
        turns.c.place,
        first_waiting(*_COURSE).label("waiting_place"),
    )
    .select_from(courses)
    .join(
        turns,
        and_(turns.c.device_id == courses.c.device_id, turns.c.sweep_id == courses.c.sweep_id),
    )
    .join(jobs, jobs.c.job_id == turns.c.job_id)
    .join(artifacts, _HAS_ARTIFACT)
).where(
    courses.c.sweep_id == _OF_SWEEP,
    courses.c.device_id.in_(bindparam("of_devices", expanding=True)),
    turns.c.state == TurnState.QUEUED,
    turns.c.place == first_queued(*_COURSE),
)
_AHEAD = (
    select(turns.c.device_id, turns.c.sweep_id, turns.c.job_id, turns.c.ordinal, turns.c.place)
    .join(jobs, jobs.c.job_id == turns.c.job_id)
    .where(
        IS_QUEUED,
        IS_AHEAD,
        turns.c.device_id == bindparam("of_device"),
        turns.c.sweep_id == _OF_SWEEP,
        turns.c.place > bindparam("after"),
    )
    .order_by(turns.c.place)
    .limit(1)
)
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


def find_next_turns(
    transaction: Transaction, device_ids: Collection[str], phases: Collection[SweepPhase]
) -> list[NextTurn]:
    """The next turns of devices, of those that have any.

    Args:
        transaction: the caller's, which writes.
        device_ids: whose turns.
        phases: of the sweeps that they take turns of.
    """
    of_sweeps: defaultdict[str, list[str]] = defaultdict(list)
    for place in next_places(transaction, device_ids, phases):
        of_sweeps[place.sweep_id].append(place.device_id)
    first: list[Row[Any]] = []
    for sweep_id, devices in of_sweeps.items():
        given = {"of_sweep": sweep_id, "of_devices": in_few_lengths(devices)}
        first += transaction.execute(_FIRST, given).all()
    return [_before_waiting(transaction, row) for row in first]


def _turn(row: Row[Any]) -> LeasedTurn:
    place = Place(sweep_id=row.sweep_id, device_id=row.device_id)
    return LeasedTurn(place=place, job_id=row.job_id, ordinal=row.ordinal)


def _before_waiting(transaction: Transaction, first: Row[Any]) -> NextTurn:
    """The turn itself, or the one that changes places with one that comes before it and waits."""
    if first.waiting_place is None or first.place < first.waiting_place:
        return NextTurn(_turn(first), first)
    given = {"of_device": first.device_id, "of_sweep": first.sweep_id}
    ahead = transaction.execute(_AHEAD, given | {"after": first.waiting_place}).one()
    # What waits goes back first: it is found by its place.
    back = {"before": first.waiting_place, "after": ahead.place}
    transaction.execute(_SET_WAITING_PLACE, given | back)
    of_turn = {"of_job": ahead.job_id, "of_ordinal": ahead.ordinal}
    transaction.execute(_SET_PLACE, of_turn | {"after": first.waiting_place})
    job = transaction.execute(_LEASABLE, {"of_job": ahead.job_id}).one()
    return NextTurn(_turn(ahead), job)
