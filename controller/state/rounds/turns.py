"""Turns: in their order, leased, taken."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, or_, select, update

from controller.domain.jobs import (
    ENDED,
    OPEN_TURNS,
    JobState,
    OpenJob,
    Turn,
    TurnState,
)
from controller.state.database import Transaction
from controller.state.jobs import Move, move_each, move_job
from controller.state.rounds.counts import add_counts
from controller.state.rounds.courses import Place, take_places
from controller.state.schema import jobs, turns
from controller.state.schema.many_rows import change_rows, in_few_lengths, write_rows

# Fewer than a database takes in one statement.
_AT_ONCE = 5_000

# What is asked for each lease and report is put together once.
IS_ONE = and_(turns.c.job_id == bindparam("of_job"), turns.c.ordinal == bindparam("of_ordinal"))
_MOVE = (
    update(turns)
    .where(IS_ONE, turns.c.state == bindparam("before"))
    .values(state=bindparam("after"))
)
_ADD = insert(turns)
_WAITS = select(jobs.c.state == JobState.WAITING).where(jobs.c.job_id == bindparam("of_job"))
ENDING = update(turns).where(IS_ONE, or_(*(turns.c.state == state for state in OPEN_TURNS)))
_SKIP = ENDING.values(state=TurnState.NOT_READY, spent_ms=bindparam("took_ms"))
_MEDIANS = (
    select(turns.c.job_id, turns.c.median_ms)
    .where(turns.c.job_id.in_(bindparam("of_jobs", expanding=True)), turns.c.median_ms.is_not(None))
    .order_by(turns.c.job_id, turns.c.ordinal)
)
_OF_OPEN_JOBS = (
    select(
        turns.c.job_id,
        turns.c.state,
        turns.c.block,
        turns.c.median_ms,
        turns.c.spent_ms,
    )
    .join(jobs, jobs.c.job_id == turns.c.job_id)
    .where(jobs.c.is_sentinel.is_(False), *(jobs.c.state != state for state in ENDED))
    .order_by(jobs.c.position, jobs.c.job_id, turns.c.ordinal)
)
_OF_OPEN_JOBS_OF_PLACE = _OF_OPEN_JOBS.where(
    turns.c.device_id == bindparam("of_device"), turns.c.sweep_id == bindparam("of_sweep")
)
_OF_OPEN_JOBS_AMONG = _OF_OPEN_JOBS.where(jobs.c.job_id.in_(bindparam("among", expanding=True)))


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """One repetition that an attempt was made at."""

    place: Place
    job_id: str
    ordinal: int


def skip_turn(transaction: Transaction, turn: LeasedTurn, *, spent_ms: int) -> bool:
    """Remembers that the device was not ready for a turn; False when it needed none any more."""
    ended = transaction.execute(_SKIP, turn_key(turn) | {"took_ms": spent_ms})
    is_ended = bool(ended.rowcount)
    fewer = {"turns": -1} if is_ended else {}
    _move(transaction, turn, JobState.LEASED, JobState.QUEUED, fewer)
    return is_ended


def count_others(transaction: Transaction, turn: LeasedTurn) -> int:
    """How many other turns its job has, taken or still to be."""
    return transaction.scalars(
        select(func.count())
        .select_from(turns)
        .where(
            turns.c.job_id == turn.job_id,
            turns.c.ordinal != turn.ordinal,
            turns.c.state.in_((*OPEN_TURNS, TurnState.TAKEN)),
        )
    ).one()


def state_before(transaction: Transaction, turn: LeasedTurn) -> TurnState | None:
    """The state of the turn of the same job right before this one; None for its first."""
    return transaction.scalars(
        select(turns.c.state).where(
            turns.c.job_id == turn.job_id, turns.c.ordinal == turn.ordinal - 1
        )
    ).one_or_none()


def lease_turns(transaction: Transaction, leased: Sequence[LeasedTurn]) -> None:
    """Leases turns of different jobs that are queued, and with them their jobs."""
    moves = [
        Move(
            job_id=turn.job_id,
            sweep_id=turn.place.sweep_id,
            before=JobState.QUEUED,
            to=JobState.LEASED,
        )
        for turn in leased
    ]
    move_each(transaction, moves)
    moved = {"before": TurnState.QUEUED, "after": TurnState.LEASED}
    change_rows(transaction, _MOVE, [turn_key(turn) | moved for turn in leased])


def queue_turn_again(transaction: Transaction, turn: LeasedTurn) -> None:
    """Takes the lease of a turn back, and with it its job's."""
    _move(transaction, turn, JobState.LEASED, JobState.QUEUED)
    # Its artifact may be made again meanwhile.
    waits = transaction.scalars(_WAITS, {"of_job": turn.job_id}).one()
    moved = {"before": TurnState.LEASED, "after": _beginning(is_waiting=waits)}
    transaction.execute(_MOVE, turn_key(turn) | moved)


def begin_turns(
    transaction: Transaction, sweep_id: str, orders: Sequence[tuple[Place, Sequence[str]]]
) -> None:
    """Adds the first turns of a sweep's courses that were opened for them, each in its order.

    Their jobs wait for their artifacts.
    """
    _insert_turns(
        transaction,
        sweep_id,
        chain.from_iterable(
            _following(place, order, first_place=0, ordinals={}, waiting=frozenset(order))
            for place, order in orders
        ),
    )


def append_turns(transaction: Transaction, place: Place, order: Sequence[str]) -> None:
    """Adds turns after all others, in this order."""
    if not order:
        return
    job_ids = list(dict.fromkeys(order))
    ordinals: dict[str, int] = {}
    waiting: set[str] = set()
    for begin in range(0, len(job_ids), _AT_ONCE):
        there = transaction.execute(
            select(jobs.c.job_id, func.count(turns.c.job_id).label("turn_count"), jobs.c.state)
            .outerjoin(turns, turns.c.job_id == jobs.c.job_id)
            .where(jobs.c.job_id.in_(job_ids[begin : begin + _AT_ONCE]))
            .group_by(jobs.c.job_id, jobs.c.state)
        ).all()
        ordinals |= {row.job_id: row.turn_count for row in there}
        waiting |= {row.job_id for row in there if row.state is JobState.WAITING}
    first_place = take_places(transaction, place, len(order))
    following = _following(
        place, order, first_place=first_place, ordinals=ordinals, waiting=waiting
    )
    _insert_turns(transaction, place.sweep_id, following)


def list_open_jobs(transaction: Transaction, place: Place) -> list[OpenJob]:
    """The jobs of a sweep on a device that have not ended, the sentinel not counted, in order."""
    of_place = {"of_device": place.device_id, "of_sweep": place.sweep_id}
    return _open_jobs(transaction.execute(_OF_OPEN_JOBS_OF_PLACE, of_place).all())


def open_jobs_among(transaction: Transaction, job_ids: Sequence[str]) -> list[OpenJob]:
    """Those of these jobs that have not ended, sentinels not counted."""
    if not job_ids:
        return []
    return _open_jobs(
        transaction.execute(_OF_OPEN_JOBS_AMONG, {"among": in_few_lengths(job_ids)}).all()
    )


def _open_jobs(rows: Sequence[Row[Any]]) -> list[OpenJob]:
    return [
        OpenJob(
            job_id=job_id,
            turns=tuple(
                Turn(
                    state=row.state,
                    block=row.block,
                    median_ms=row.median_ms,
                    spent_ms=row.spent_ms,
                )
                for row in of_job
            ),
        )
        for job_id, of_job in groupby(rows, key=attrgetter("job_id"))
    ]


def medians_of(transaction: Transaction, job_ids: Sequence[str]) -> dict[str, list[float]]:
    """The medians of jobs' repetitions that were taken, in order, ms; of jobs that have any."""
    if not job_ids:
        return {}
    medians_ms: dict[str, list[float]] = {}
    for row in transaction.execute(_MEDIANS, {"of_jobs": in_few_lengths(job_ids)}):
        medians_ms.setdefault(row.job_id, []).append(row.median_ms)
    return medians_ms


def _following(
    place: Place,
    order: Sequence[str],
    *,
    first_place: int,
    ordinals: Mapping[str, int],
    waiting: AbstractSet[str],
) -> Iterator[dict[str, object]]:
    """Rows of turns; `ordinals` are those of the jobs that have some, `waiting` jobs that wait."""
    following = dict(ordinals)
    for number, job_id in enumerate(order, first_place):
        ordinal = following.get(job_id, 0)
        following[job_id] = ordinal + 1
        yield {
            "job_id": job_id,
            "ordinal": ordinal,
            "sweep_id": place.sweep_id,
            "device_id": place.device_id,
            "place": number,
            "state": _beginning(is_waiting=job_id in waiting),
            "spent_ms": 0,
        }


def _insert_turns(
    transaction: Transaction, sweep_id: str, following: Iterator[dict[str, object]]
) -> None:
    """Adds turns of a sweep, and counts them."""
    count = 0
    # Of millions, not all are held as rows at once.
    while rows := list(islice(following, _AT_ONCE)):
        write_rows(transaction, _ADD, rows)
        count += len(rows)
    add_counts(transaction, sweep_id, {"turns": count})


def _beginning(*, is_waiting: bool) -> TurnState:
    """Of a turn of a job that waits for its artifact, or does not."""
    return TurnState.WAITING if is_waiting else TurnState.QUEUED


def _move(
    transaction: Transaction,
    turn: LeasedTurn,
    before: JobState,
    to: JobState,
    also: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Moves a turn's job, if it is in the state before."""
    move_job(transaction, turn.job_id, turn.place.sweep_id, before, to, also=also)


def turn_key(turn: LeasedTurn) -> dict[str, object]:
    """What `IS_ONE` is given."""
    return {"of_job": turn.job_id, "of_ordinal": turn.ordinal}
