"""Turns: in their order, taken, and settled after each one that was."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, insert, select, update

from controller.domain.jobs import (
    ENDED,
    FEWEST_REPETITIONS,
    JobState,
    OpenJob,
    Reading,
    Turn,
    TurnState,
)
from controller.fleet.turns import order_turns, settle
from controller.state.database import transaction
from controller.state.finishing import finish_job
from controller.state.jobs import move_jobs
from controller.state.schema import jobs, sweeps, turns


@dataclass(frozen=True, kw_only=True)
class LeasedTurn:
    """One repetition that an attempt was made at."""

    sweep_id: str
    device_id: str
    job_id: str
    ordinal: int


def create_turns(
    connection: Connection,
    sweep_id: str,
    device_id: str,
    repetitions: Mapping[str, int],
    sentinel: str | None,
) -> None:
    """Gives the jobs of a sweep on a device their turns, in an order that the sweep's id seeds."""
    order = order_turns(repetitions, sentinel, random.Random(f"{sweep_id} {device_id}"))
    _append(connection, sweep_id, device_id, order)


def take_turn(connection: Connection, turn: LeasedTurn, reading: Reading | None) -> bool:
    """Remembers that a turn was taken; False when it was before, or is not needed any more.

    Args:
        connection: of the caller's transaction.
        turn: which one.
        reading: what a sentinel read.
    """
    values: dict[str, object] = {"state": TurnState.TAKEN.value}
    if reading is None:
        values["block"] = len(_readings(connection, turn.sweep_id, turn.device_id))
    else:
        values |= asdict(reading)
    return _end_turn(connection, turn, values)


def can_do_without(connection: Connection, turn: LeasedTurn) -> bool:
    """Whether a turn's job has enough others, taken or still to be."""
    counting = [TurnState.QUEUED.value, TurnState.LEASED.value, TurnState.TAKEN.value]
    others = connection.scalars(
        select(func.count())
        .select_from(turns)
        .where(
            turns.c.job_id == turn.job_id,
            turns.c.ordinal != turn.ordinal,
            turns.c.state.in_(counting),
        )
    ).one()
    return others >= FEWEST_REPETITIONS


def follows_unready(connection: Connection, turn: LeasedTurn) -> bool:
    """Whether the device was not ready for the turn of the same job right before this one."""
    before = connection.scalars(
        select(turns.c.state).where(
            turns.c.job_id == turn.job_id, turns.c.ordinal == turn.ordinal - 1
        )
    ).one_or_none()
    return before == TurnState.NOT_READY.value


def skip_turn(connection: Connection, turn: LeasedTurn) -> bool:
    """Remembers that the device was not ready for a turn; False when it needed none any more."""
    return _end_turn(connection, turn, {"state": TurnState.NOT_READY.value})


def _end_turn(connection: Connection, turn: LeasedTurn, values: Mapping[str, object]) -> bool:
    """Ends an open turn so and lets its job be leased again; False when it was not open."""
    is_open = and_(
        turns.c.job_id == turn.job_id,
        turns.c.ordinal == turn.ordinal,
        turns.c.state.in_([TurnState.QUEUED.value, TurnState.LEASED.value]),
    )
    ended = connection.execute(update(turns).where(is_open).values(values))
    is_leased = and_(jobs.c.job_id == turn.job_id, jobs.c.state == JobState.LEASED.value)
    connection.execute(move_jobs(JobState.QUEUED, is_leased))
    return bool(ended.rowcount)


def settle_turns(engine: Engine, sweep_id: str, device_id: str, now_unix_ms: int) -> None:
    """Does what follows from the turns that were taken; doing it again changes nothing."""
    with transaction(engine) as connection:
        readings = _readings(connection, sweep_id, device_id)
        rng = random.Random(f"{sweep_id} {device_id} {len(readings)}")
        settlement = settle(_open_jobs(connection, sweep_id, device_id), readings, rng)
        _append(connection, sweep_id, device_id, settlement.added)
    for job_id in settlement.complete:
        finish_job(engine, job_id, readings, now_unix_ms)


def settle_all(engine: Engine, now_unix_ms: int) -> None:
    """Settles what was taken before the controller stopped and not settled any more."""
    with transaction(engine) as connection:
        places = connection.execute(
            select(jobs.c.sweep_id, jobs.c.device_id)
            .where(jobs.c.state.in_([JobState.QUEUED.value, JobState.LEASED.value]))
            .distinct()
        ).all()
    for place in places:
        settle_turns(engine, place.sweep_id, place.device_id, now_unix_ms)


def count_turns(engine: Engine, sweep_id: str) -> tuple[int, int]:
    """How many turns the sweep has that were or will be taken, and how many of them were."""
    without = [TurnState.DROPPED.value, TurnState.NOT_READY.value]
    with transaction(engine) as connection:
        rows = connection.execute(
            select(turns.c.state, func.count())
            .join(jobs, jobs.c.job_id == turns.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, turns.c.state.not_in(without))
            .group_by(turns.c.state)
        ).all()
    counts = {TurnState(state): count for state, count in rows}
    return sum(counts.values()), counts.get(TurnState.TAKEN, 0)


def _append(connection: Connection, sweep_id: str, device_id: str, order: Sequence[str]) -> None:
    """Adds turns after all others, in this order."""
    there = connection.execute(
        select(turns.c.job_id, turns.c.place)
        .join(jobs, jobs.c.job_id == turns.c.job_id)
        .where(_of_device(sweep_id, device_id))
    ).all()
    ordinals = Counter(turn.job_id for turn in there)
    place = max((turn.place for turn in there), default=-1)
    rows = []
    for job_id in order:
        place += 1
        rows.append(
            {
                "job_id": job_id,
                "ordinal": ordinals[job_id],
                "place": place,
                "state": TurnState.QUEUED.value,
            }
        )
        ordinals[job_id] += 1
    if rows:
        connection.execute(insert(turns), rows)


def _open_jobs(connection: Connection, sweep_id: str, device_id: str) -> list[OpenJob]:
    repetitions = connection.scalars(
        select(sweeps.c.spec["repetitions"].as_integer()).where(sweeps.c.sweep_id == sweep_id)
    ).one()
    rows = connection.execute(
        select(jobs.c.job_id, jobs.c.is_sentinel, turns.c.state, turns.c.block)
        .join(turns, turns.c.job_id == jobs.c.job_id)
        .where(
            _of_device(sweep_id, device_id),
            jobs.c.state.not_in([state.value for state in ENDED]),
        )
        .order_by(jobs.c.position, turns.c.ordinal)
    ).all()
    return [
        OpenJob(
            job_id=job_id,
            is_sentinel=of_job[0].is_sentinel,
            repetitions=repetitions,
            turns=tuple(Turn(state=TurnState(row.state), block=row.block) for row in of_job),
        )
        for job_id, group in groupby(rows, key=attrgetter("job_id"))
        for of_job in [list(group)]
    ]


def _readings(connection: Connection, sweep_id: str, device_id: str) -> tuple[Reading, ...]:
    """What the sentinel read, in order."""
    rows = connection.execute(
        select(turns.c.low_ms, turns.c.high_ms)
        .join(jobs, jobs.c.job_id == turns.c.job_id)
        .where(
            _of_device(sweep_id, device_id),
            jobs.c.is_sentinel,
            turns.c.state == TurnState.TAKEN.value,
        )
        .order_by(turns.c.place)
    ).all()
    return tuple(Reading(low_ms=row.low_ms, high_ms=row.high_ms) for row in rows)


def _of_device(sweep_id: str, device_id: str) -> ColumnElement[bool]:
    return and_(jobs.c.sweep_id == sweep_id, jobs.c.device_id == device_id)
