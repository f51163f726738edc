"""Of which sweep a device takes its next turn: of the most urgent; people take turns among theirs.

What is looked at grows with the sweeps that are measured and with their people, not with jobs.
"""

from collections.abc import Collection

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
from controller.state.devices.standings import COLUMNS, standing_of
from controller.state.rounds.courses import Place
from controller.state.schema import (
    device_standings,
    devices,
    jobs,
    servings,
    sweeps,
    turns,
)
from controller.state.schema.columns import IsJson
from controller.state.schema.many_rows import in_few_lengths
from controller.state.schema.unreadable import MAX_WHOLE

# What is asked for each lease is put together once. Jobs stand beside the turns.
IS_QUEUED = and_(turns.c.state == TurnState.QUEUED, jobs.c.state == JobState.QUEUED)
"""Whether a turn can be leased."""
IS_AHEAD = jobs.c.is_sentinel.is_(False)
"""Whether a turn may be taken before one that waits: a reading lies between others."""

_WAITING = turns.alias("waiting")
_WAITING_JOBS = jobs.alias("waiting_jobs")


def first_waiting(
    device_id: ColumnElement[str],
    sweep_id: ColumnElement[str],
    what: ColumnElement[int] = _WAITING.c.place,
) -> ScalarSelect[int]:
    """The place of the first turn of a sweep on a device whose job waits for its artifact."""
    return (
        select(what)
        .where(
            _WAITING.c.device_id == device_id,
            _WAITING.c.sweep_id == sweep_id,
            _WAITING.c.state == TurnState.WAITING,
        )
        .order_by(_WAITING.c.place)
        .limit(1)
        .correlate_except(_WAITING)
        .scalar_subquery()
    )


def first_queued(
    device_id: ColumnElement[str],
    sweep_id: ColumnElement[str],
    column: ColumnElement[int] = turns.c.place,
    *which: ColumnElement[bool],
) -> ScalarSelect[int]:
    """The place of the first turn of a sweep on a device that can be leased."""
    return (
        select(column)
        .where(
            turns.c.device_id == device_id,
            turns.c.sweep_id == sweep_id,
            jobs.c.job_id == turns.c.job_id,
            IS_QUEUED,
            *which,
        )
        .order_by(turns.c.place)
        .limit(1)
        .correlate_except(turns, jobs)
        .scalar_subquery()
    )


_HERE = (devices.c.device_id, sweeps.c.sweep_id)
_WAITING_PLACE = first_waiting(*_HERE)
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
_IS_NEXT = first_queued(*_HERE) < func.coalesce(_WAITING_PLACE, MAX_WHOLE)
# The first that is no reading is of the round of the one that waits, or there is none of it.
_IS_NEXT_OF_ROUND = first_queued(
    *_HERE, turns.c.ordinal, IS_AHEAD, turns.c.place > _WAITING_PLACE
) <= first_waiting(*_HERE, _PASSED)
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
_URGENCY = (
    sweeps.c.rank,
    sweeps.c.started_by,
    sweeps.c.due_unix_ms,
    sweeps.c.created_at_unix_ms,
    sweeps.c.sweep_id,
)


def _most_urgent(*which: ColumnElement[bool]) -> ScalarSelect[str]:
    """The most urgent sweep with a turn for a device."""
    return (
        select(sweeps.c.sweep_id)
        .where(_HAS_TURNS, *which)
        .order_by(*_URGENCY)
        .limit(1)
        .correlate(devices)
        .scalar_subquery()
    )


# How each device stands comes with it.
_FIRST = (
    select(devices.c.device_id, _most_urgent().label("sweep_id"), *COLUMNS)
    .select_from(
        devices.outerjoin(device_standings, device_standings.c.device_id == devices.c.device_id)
    )
    .where(devices.c.device_id.in_(bindparam("of_devices", expanding=True)))
)
_FIRST_OF_PERSON = select(
    _most_urgent(
        sweeps.c.rank == bindparam("of_rank"), sweeps.c.started_by == bindparam("of_person")
    )
).where(devices.c.device_id == bindparam("of_device"))
_SHARED = select(sweeps.c.sweep_id, sweeps.c.rank).where(
    sweeps.c.sweep_id.in_(bindparam("of_sweeps", expanding=True)), _HAS_OTHERS
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


def next_places(
    transaction: Transaction, device_ids: Collection[str], phases: Collection[SweepPhase]
) -> list[Place]:
    """The sweeps in one of these phases whose turn it is on devices, one for each that has any.

    There is none, too, for a device that takes no jobs.

    Each is one of the highest priority. Where several people have such sweeps, it is of the one who
    was served there longest ago, which is remembered; of a person's sweeps it is the one with the
    earliest deadline, then the oldest.

    The transaction is the caller's, which writes.
    """
    first = _first(transaction, device_ids, phases)
    if not first:
        return []
    sweep_ids = sorted({place.sweep_id for place in first})
    shared = dict(transaction.execute(_SHARED, {"of_sweeps": sweep_ids}).tuples().all())
    return [
        _in_turn(transaction, place, shared[place.sweep_id], phases)
        if place.sweep_id in shared
        else place
        for place in first
    ]


def has_next_place(
    transaction: Transaction, device_id: str, phases: Collection[SweepPhase]
) -> bool:
    """Whether any sweep in one of these phases has a turn for a device that takes jobs."""
    return bool(_first(transaction, [device_id], phases))


def _first(
    transaction: Transaction, device_ids: Collection[str], phases: Collection[SweepPhase]
) -> list[Place]:
    """The most urgent sweeps with turns, whoever started them."""
    given = {
        "of_devices": in_few_lengths(list(device_ids)),
        "while_converting": SweepPhase.CONVERTING in phases,
    }
    return [
        Place(sweep_id=row.sweep_id, device_id=row.device_id)
        for row in transaction.execute(_FIRST, given).all()
        if row.sweep_id is not None and standing_of(row._mapping).takes_jobs
    ]


def _in_turn(
    transaction: Transaction, first: Place, rank: int, phases: Collection[SweepPhase]
) -> Place:
    """The sweep of the person whose turn it is, where several have sweeps as urgent."""
    device_id = first.device_id
    here = {"of_device": device_id, "while_converting": SweepPhase.CONVERTING in phases}
    people = transaction.scalars(_PEOPLE, {"of_rank": rank}).all()
    served = dict(transaction.execute(_SERVED, {"of_device": device_id}).tuples().all())
    for person in sorted(people, key=lambda person: (served.get(person, 0), person)):
        asked = here | {"of_rank": rank, "of_person": person}
        sweep_id = transaction.scalars(_FIRST_OF_PERSON, asked).one_or_none()
        if sweep_id is not None:
            _serve(transaction, device_id, person, max(served.values(), default=0) + 1)
            return Place(sweep_id=sweep_id, device_id=device_id)
    return first


def _serve(transaction: Transaction, device_id: str, person: str, number: int) -> None:
    """Remembers that it was a person's turn on a device, the newest there by its number."""
    asked = {"of_device": device_id, "of_person": person, "served_as": number}
    if transaction.execute(_SERVE, asked).rowcount == 0:
        first = {"device_id": device_id, "person": person, "number": number}
        transaction.execute(_SERVE_FIRST, first)
