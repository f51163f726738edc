"""Of which sweep a device takes its next turn: of the most urgent; people take turns among theirs.

What is looked at grows with the sweeps that are measured and with their people, not with jobs.
"""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, exists, func, insert, select, update

from controller.domain.jobs import JobState, TurnState
from controller.domain.sweeps import SweepPhase
from controller.state.database import Transaction
from controller.state.rounds.courses import Place
from controller.state.schema import jobs, servings, sweeps, turns
from controller.state.schema.columns import IsJson

# What is asked for each lease is put together once. Jobs stand beside the turns.
IS_QUEUED = and_(
    turns.c.device_id == bindparam("of_device"),
    turns.c.state == TurnState.QUEUED,
    jobs.c.state == JobState.QUEUED,
)
"""Whether a turn can be leased to a device."""

_WITH_TURNS = select(sweeps.c.sweep_id, sweeps.c.rank).where(
    sweeps.c.phase == SweepPhase.MEASURING,
    sweeps.c.paused_at_unix_ms.is_(None),
    # Of one that cannot be read nobody knows what follows, and others would wait behind it.
    IsJson(sweeps.c.spec),
    exists()
    .where(IS_QUEUED, turns.c.sweep_id == sweeps.c.sweep_id)
    .where(jobs.c.job_id == turns.c.job_id),
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
    select(sweeps.c.started_by)
    .where(sweeps.c.phase == SweepPhase.MEASURING, sweeps.c.rank == bindparam("of_rank"))
    .distinct()
)


def next_place(transaction: Transaction, device_id: str) -> Place | None:
    """The sweep whose turn it is on a device; None when none has a turn for it.

    It is one of the highest priority. Where several people have such sweeps, it is of the one who
    was served there longest ago, which is remembered; of a person's sweeps it is the one with the
    earliest deadline, then the oldest.

    The transaction is the caller's, which writes.
    """
    first = transaction.execute(_FIRST, {"of_device": device_id}).one_or_none()
    if first is None:
        return None
    people = transaction.scalars(_PEOPLE, {"of_rank": first.rank}).all()
    if len(people) == 1:
        return Place(sweep_id=first.sweep_id, device_id=device_id)
    for person in _longest_ago_first(transaction, device_id, people):
        asked = {"of_device": device_id, "of_rank": first.rank, "of_person": person}
        sweep_id = transaction.scalars(_FIRST_OF_PERSON, asked).one_or_none()
        if sweep_id is not None:
            _serve(transaction, device_id, person)
            return Place(sweep_id=sweep_id, device_id=device_id)
    return None


def has_next_place(transaction: Transaction, device_id: str) -> bool:
    """Whether any sweep has a turn for a device."""
    return transaction.execute(_FIRST, {"of_device": device_id}).one_or_none() is not None


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
