"""Of which sweep a device takes its next turn: of the most urgent; people take turns among theirs.

What is looked at grows with the sweeps that are measured and with their people, not with jobs.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import (
    Boolean,
    ColumnElement,
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
from controller.state.rounds.courses import Place
from controller.state.schema import jobs, servings, sweeps, turns
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
_WITH_TURNS = select(sweeps.c.sweep_id, sweeps.c.rank).where(
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
_FIRST = _WITH_TURNS.order_by(
    sweeps.c.rank,
    sweeps.c.started_by,
    sweeps.c.due_unix_ms,
    sweeps.c.created_at_unix_ms,
    sweeps.c.sweep_id,
).limit(1)
_FIRST_OF_PERSON = (
    _WITH_TURNS.where(
        sweeps.c.rank == bindparam("of_rank"), sweeps.c.started_by == bindparam("of_person")
    )
    .order_by(sweeps.c.due_unix_ms, sweeps.c.created_at_unix_ms, sweeps.c.sweep_id)
    .limit(1)
)
_PEOPLE = (
    select(sweeps.c.started_by).where(_IS_RUNNING, sweeps.c.rank == bindparam("of_rank")).distinct()
)


def next_place(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> Place | None:
    """The sweep in one of these phases whose turn it is on a device; None without any.

    It is one of the highest priority. Where several people have such sweeps, it is of the one who
    was served there longest ago, which is remembered; of a person's sweeps it is the one with the
    earliest deadline, then the oldest.

    The transaction is the caller's, which writes.
    """
    here = _here(device_id, phases)
    first = transaction.execute(_FIRST, here).one_or_none()
    if first is None:
        return None
    people = transaction.scalars(_PEOPLE, {"of_rank": first.rank}).all()
    if len(people) == 1:
        return Place(sweep_id=first.sweep_id, device_id=device_id)
    for person in _longest_ago_first(transaction, device_id, people):
        asked = here | {"of_rank": first.rank, "of_person": person}
        sweep_id = transaction.scalars(_FIRST_OF_PERSON, asked).one_or_none()
        if sweep_id is not None:
            _serve(transaction, device_id, person)
            return Place(sweep_id=sweep_id, device_id=device_id)
    return None


def has_next_place(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> bool:
    """Whether any sweep in one of these phases has a turn for a device."""
    return transaction.execute(_FIRST, _here(device_id, phases)).one_or_none() is not None


def _here(device_id: str, phases: Collection[SweepPhase]) -> dict[str, object]:
    return {"of_device": device_id, "while_converting": SweepPhase.CONVERTING in phases}


def _longest_ago_first(
    transaction: Transaction, device_id: str, people: Sequence[str]
) -> Sequence[str]:
    served = transaction.execute(
        select(servings.c.person, servings.c.number).where(servings.c.device_id == device_id)
    ).all()
    numbers = {row.person: row.number for row in served}
    return sorted(people, key=lambda person: (numbers.get(person, 0), person))


def _serve(transaction: Transaction, device_id: str, person: str) -> None:
    """Remembers that it was a person's turn on a device."""
    last = transaction.scalars(
        select(func.max(servings.c.number)).where(servings.c.device_id == device_id)
    ).one()
    number = (last or 0) + 1
    of_person = and_(servings.c.device_id == device_id, servings.c.person == person)
    served = update(servings).where(of_person).values(number=number)
    if transaction.execute(served).rowcount == 0:
        first = {"device_id": device_id, "person": person, "number": number}
        transaction.execute(insert(servings).values(first))
