"""Of which sweep a device takes its next turn: of the most urgent; people take turns among theirs.

What is looked at grows with the sweeps that are measured and with their people, not with jobs.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Row,
    ScalarSelect,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from controller.domain.jobs import JobState, TurnState
from controller.domain.sweeps import SweepPhase
from controller.state.database import Transaction
from controller.state.devices.standings import COLUMNS, standing_of
from controller.state.rounds.courses import Place
from controller.state.schema import device_standings, jobs, servings, sweeps, turns
from controller.state.schema.columns import IsJson
from controller.state.schema.unreadable import MAX_WHOLE

# What is asked for each lease is put together once. Jobs stand beside the turns.
IS_QUEUED = and_(
    turns.c.device_id == bindparam("of_device"),
    turns.c.state == TurnState.QUEUED,
    jobs.c.state == JobState.QUEUED,
)
"""Whether a turn can be leased to a device."""
IS_AHEAD = jobs.c.is_sentinel.is_(False)
"""Whether a turn may be taken before one that waits: a reading lies between others."""


def first_waiting_place(sweep_id: ColumnElement[str]) -> ScalarSelect[int]:
    """The place of the first turn of a sweep on a device whose job waits for its artifact."""
    return _first_waiting(_WAITING.c.place, sweep_id)


_WAITING = turns.alias("waiting")
_WAITING_JOBS = jobs.alias("waiting_jobs")


def _first_waiting(what: ColumnElement[int], sweep_id: ColumnElement[str]) -> ScalarSelect[int]:
    return (
        select(what)
        .where(
            _WAITING.c.device_id == bindparam("of_device"),
            _WAITING.c.sweep_id == sweep_id,
            _WAITING.c.state == TurnState.WAITING,
        )
        .order_by(_WAITING.c.place)
        .limit(1)
        .correlate(sweeps)
        .scalar_subquery()
    )


def _first_queued(column: ColumnElement[int], *which: ColumnElement[bool]) -> ScalarSelect[int]:
    return (
        select(column)
        .where(
            IS_QUEUED,
            turns.c.sweep_id == sweeps.c.sweep_id,
            jobs.c.job_id == turns.c.job_id,
            *which,
        )
        .order_by(turns.c.place)
        .limit(1)
        .correlate(sweeps)
        .scalar_subquery()
    )


_WAITING_PLACE = first_waiting_place(sweeps.c.sweep_id)
# None passes a reading.
_PASSED = case(
    (
        exists()
        .where(_WAITING_JOBS.c.job_id == _WAITING.c.job_id, _WAITING_JOBS.c.is_sentinel)
        .correlate(_WAITING),
        -1,
    ),
    else_=_WAITING.c.ordinal,
)
_IS_NEXT = _first_queued(turns.c.place) < func.coalesce(_WAITING_PLACE, MAX_WHOLE)
# The first that is no reading is of the round of the one that waits, or there is none of it.
_IS_NEXT_OF_ROUND = _first_queued(
    turns.c.ordinal, IS_AHEAD, turns.c.place > _WAITING_PLACE
) <= _first_waiting(_PASSED, sweeps.c.sweep_id)
_IS_RUNNING = sweeps.c.ended_at_unix_ms.is_(None)
_HAS_TURNS = and_(
    _IS_RUNNING,
    or_(
        sweeps.c.phase == SweepPhase.MEASURING,
        and_(
            sweeps.c.phase == SweepPhase.CONVERTING,
            bindparam("while_converting", type_=Boolean),
        ),
    ),
    sweeps.c.paused_at_unix_ms.is_(None),
    # Of one that cannot be read nobody knows what follows, and others would wait behind it.
    IsJson(sweeps.c.spec),
    or_(_IS_NEXT, _IS_NEXT_OF_ROUND),
)
_others = sweeps.alias()
_HAS_OTHERS = exists().where(
    _others.c.ended_at_unix_ms.is_(None),
    _others.c.rank == sweeps.c.rank,
    _others.c.started_by != sweeps.c.started_by,
)
# How the device stands comes with it.
_FIRST = (
    select(sweeps.c.sweep_id, sweeps.c.rank, _HAS_OTHERS.label("has_others"), *COLUMNS)
    .select_from(
        sweeps.outerjoin(device_standings, device_standings.c.device_id == bindparam("of_device"))
    )
    .where(_HAS_TURNS)
    .order_by(
        sweeps.c.rank,
        sweeps.c.started_by,
        sweeps.c.due_unix_ms,
        sweeps.c.created_at_unix_ms,
        sweeps.c.sweep_id,
    )
    .limit(1)
)
_FIRST_OF_PERSON = (
    select(sweeps.c.sweep_id)
    .where(
        _HAS_TURNS,
        sweeps.c.rank == bindparam("of_rank"),
        sweeps.c.started_by == bindparam("of_person"),
    )
    .order_by(sweeps.c.due_unix_ms, sweeps.c.created_at_unix_ms, sweeps.c.sweep_id)
    .limit(1)
)
_PEOPLE = (
    select(sweeps.c.started_by).where(_IS_RUNNING, sweeps.c.rank == bindparam("of_rank")).distinct()
)
_SERVED = select(servings.c.person, servings.c.number).where(
    servings.c.device_id == bindparam("of_device")
)
_SERVE = (
    update(servings)
    .where(
        servings.c.device_id == bindparam("of_device"), servings.c.person == bindparam("of_person")
    )
    .values(number=bindparam("served_as"))
)
_SERVE_FIRST = insert(servings)


def next_place(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> Place | None:
    """The sweep in one of these phases whose turn it is on a device; None without any.

    It is None, too, when the device takes no jobs.

    It is one of the highest priority. Where several people have such sweeps, it is of the one who
    was served there longest ago, which is remembered; of a person's sweeps it is the one with the
    earliest deadline, then the oldest.

    The transaction is the caller's, which writes.
    """
    here = _here(device_id, phases)
    first = _first(transaction, here)
    if first is None:
        return None
    if not first.has_others:
        return Place(sweep_id=first.sweep_id, device_id=device_id)
    people = transaction.scalars(_PEOPLE, {"of_rank": first.rank}).all()
    served = dict(transaction.execute(_SERVED, {"of_device": device_id}).tuples().all())
    for person in sorted(people, key=lambda person: (served.get(person, 0), person)):
        asked = here | {"of_rank": first.rank, "of_person": person}
        sweep_id = transaction.scalars(_FIRST_OF_PERSON, asked).one_or_none()
        if sweep_id is not None:
            _serve(transaction, device_id, person, max(served.values(), default=0) + 1)
            return Place(sweep_id=sweep_id, device_id=device_id)
    return None


def has_next_place(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> bool:
    """Whether any sweep in one of these phases has a turn for a device that takes jobs."""
    return _first(transaction, _here(device_id, phases)) is not None


def _here(device_id: str, phases: Collection[SweepPhase]) -> dict[str, object]:
    return {"of_device": device_id, "while_converting": SweepPhase.CONVERTING in phases}


def _first(transaction: Transaction, here: Mapping[str, object]) -> Row[Any] | None:
    """The most urgent sweep with a turn, whoever started it."""
    first = transaction.execute(_FIRST, here).one_or_none()
    takes_jobs = first is not None and standing_of(first._mapping).takes_jobs
    return first if takes_jobs else None


def _serve(transaction: Transaction, device_id: str, person: str, number: int) -> None:
    """Remembers that it was a person's turn on a device, the newest there by its number."""
    asked = {"of_device": device_id, "of_person": person, "served_as": number}
    if transaction.execute(_SERVE, asked).rowcount == 0:
        first = {"device_id": device_id, "person": person, "number": number}
        transaction.execute(_SERVE_FIRST, first)
