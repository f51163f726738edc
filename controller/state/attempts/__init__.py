"""Attempts at turns: leased, found, told to agents."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Row,
    and_,
    bindparam,
    insert,
    or_,
    select,
)

from controller.domain.devices import DeviceStanding
from controller.domain.jobs import AttemptState, JobState
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase
from controller.state.database import Database, Transaction
from controller.state.devices.standings import COLUMNS, standing_of
from controller.state.jobs.leases import lease_misfit, lease_of, spread_of_lease
from controller.state.rounds.courses import Place
from controller.state.rounds.next_places import has_next_place
from controller.state.rounds.next_turns import find_leasable, find_next_turns, leasable
from controller.state.rounds.turns import LeasedTurn, lease_turns, medians_of
from controller.state.schema import artifacts, attempts, courses, device_standings, jobs
from controller.state.schema.columns import Unreadable
from controller.state.schema.many_rows import in_few_lengths, write_rows
from controller.state.schema.unreadable import finite
from protos.fleet import Lease
from protos.measuring import MeasureSettings


@dataclass(frozen=True, kw_only=True)
class StoredAttempt:
    """An attempt as it is remembered, with what its job asks for.

    Attributes:
        turn: that it is made at.
        job_state: that of its job.
        settings: what it was told.
        is_sentinel: whether it reads the sentinel.
        reading_count: how many readings its sweep has on the device.
        leased_at_unix_ms: since when, by the controller's clock.
        output_tolerance: how far its outputs may be from the reference, relative; None is unknown.
        has_other_files: whether the files that it was leased are no more: others took their place.
        standing: of its device, now.
    """

    turn: LeasedTurn
    job_state: JobState
    settings: MeasureSettings | Unreadable
    is_sentinel: bool
    reading_count: int
    leased_at_unix_ms: int
    state: AttemptState
    output_tolerance: float | None
    has_other_files: bool
    standing: DeviceStanding


class JobUnreadable(Exception):
    """A job of which no lease can be made, as it is stored."""

    def __init__(self, turn: LeasedTurn, why: str) -> None:
        """`turn` is its next one, and `why` names what cannot be read."""
        super().__init__(f"the job {turn.job_id} cannot be read: {why}")
        self.turn = turn
        self.why = why


@dataclass(frozen=True, kw_only=True)
class Ask:
    """That a device is free.

    Attributes:
        device_id: which one.
        now_unix_ms: when.
        phases: of the sweeps of which it takes turns.
    """

    device_id: str
    now_unix_ms: int
    phases: Collection[SweepPhase] = RUNNING_PHASES


def lease_each(transaction: Transaction, asks: Sequence[Ask]) -> list[Lease | JobUnreadable | None]:
    """Leases devices their next turns, of the sweep whose turn it is there, if they take jobs.

    Their starts may wait as long as those of the sweep on the device still may together.

    Args:
        transaction: the caller's, which writes.
        asks: of different devices.

    Returns:
        For each its lease, if there is one. For a job that cannot be read nothing is leased, and
        it stays the next one until it has ended.
    """
    next_turns: dict[str, LeasedTurn] = {}
    for phases in {frozenset(ask.phases) for ask in asks}:
        device_ids = [ask.device_id for ask in asks if frozenset(ask.phases) == phases]
        found_turns = find_next_turns(transaction, device_ids, phases)
        next_turns |= {turn.place.device_id: turn for turn in found_turns}
    of_jobs = find_leasable(transaction, [turn.job_id for turn in next_turns.values()])
    # Before the first, there is none of its own.
    later = [turn.job_id for turn in next_turns.values() if turn.ordinal]
    medians_ms = medians_of(transaction, later)
    found = [
        None if turn is None else _next_of(turn, of_jobs[turn.job_id], medians_ms)
        for turn in (next_turns.get(ask.device_id) for ask in asks)
    ]
    leased = [
        (ask, each) for ask, each in zip(asks, found, strict=True) if isinstance(each, _Leased)
    ]
    if leased:
        lease_turns(transaction, [each.turn for _, each in leased])
        write_rows(transaction, _ADD, [_row(each, ask.now_unix_ms) for ask, each in leased])
    return [each.lease if isinstance(each, _Leased) else each for each in found]


def lease_next(
    database: Database,
    device_id: str,
    now_unix_ms: int,
    phases: Collection[SweepPhase] = RUNNING_PHASES,
) -> Lease | None:
    """Leases one device its next turn, as `lease_each` does.

    Raises:
        JobUnreadable: of the next one no lease can be made.
    """
    ask = Ask(device_id=device_id, now_unix_ms=now_unix_ms, phases=phases)
    with database.writing() as transaction:
        (found,) = lease_each(transaction, [ask])
    if isinstance(found, JobUnreadable):
        raise found
    return found


@dataclass(frozen=True)
class _Leased:
    """A turn that is leased, and what its agent is told."""

    turn: LeasedTurn
    lease: Lease


def _next_of(
    turn: LeasedTurn, job: Row[Any], medians_ms: Mapping[str, Sequence[float]]
) -> _Leased | JobUnreadable:
    if why := lease_misfit(job):
        return JobUnreadable(turn, why)
    spread = spread_of_lease(job, medians_ms.get(turn.job_id, ()))
    return _Leased(turn, lease_of(uuid.uuid4().hex, job, turn.ordinal, spread))


def _row(leased: _Leased, now_unix_ms: int) -> dict[str, object]:
    return {
        "attempt_id": leased.lease.attempt_id,
        "job_id": leased.turn.job_id,
        "ordinal": leased.turn.ordinal,
        "device_id": leased.turn.place.device_id,
        "state": AttemptState.LEASED,
        "leased_at_unix_ms": now_unix_ms,
    }


def has_next(
    database: Database, device_id: str, phases: Collection[SweepPhase] = RUNNING_PHASES
) -> bool:
    """Whether there is a turn that the device could lease, of sweeps in these phases."""
    with database.transaction() as transaction:
        return has_next_place(transaction, device_id, phases)


def list_out(transaction: Transaction, device_id: str) -> tuple[str, ...]:
    """The attempts that are out to a device."""
    return tuple(
        transaction.scalars(
            select(attempts.c.attempt_id).where(
                attempts.c.state == AttemptState.LEASED, attempts.c.device_id == device_id
            )
        )
    )


def list_unwanted(database: Database, device_id: str, among: Collection[str]) -> Sequence[str]:
    """Which of these attempts of a device nobody waits for: given back, or of a cancelled job."""
    is_cancelled = and_(attempts.c.state == AttemptState.LEASED, jobs.c.state == JobState.CANCELLED)
    with database.transaction() as transaction:
        return transaction.scalars(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(
                attempts.c.attempt_id.in_(among),
                attempts.c.device_id == device_id,
                or_(attempts.c.state == AttemptState.GIVEN_BACK, is_cancelled),
            )
        ).all()


def leased_attempts(database: Database) -> dict[str, str]:
    """Attempts that are out, with their devices' ids."""
    with database.transaction() as transaction:
        return dict(transaction.execute(_OUT).tuples().all())


def leases_of_device(database: Database, device_id: str) -> dict[str, Lease]:
    """The leases that are out to a device, by attempt, without those that cannot be read."""
    with database.transaction() as transaction:
        return leases_of_devices(transaction, [device_id])[device_id]


def leases_of_devices(
    transaction: Transaction, device_ids: Sequence[str]
) -> dict[str, dict[str, Lease]]:
    """The leases that are out to devices, as `leases_of_device` gives those of one."""
    out: dict[str, dict[str, Lease]] = {device_id: {} for device_id in device_ids}
    for row in transaction.execute(_OUT_TO, {"of_devices": in_few_lengths(device_ids)}):
        if not lease_misfit(row):
            # What is held was told once how far processes differ, and is not told again.
            out[row.device_id][row.attempt_id] = lease_of(row.attempt_id, row, row.ordinal, 0.0)
    return out


def attempts_of_sweep(database: Database, sweep_id: str) -> dict[str, str]:
    """The sweep's attempts that are out, with their devices' ids."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(attempts.c.attempt_id, attempts.c.device_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .where(jobs.c.sweep_id == sweep_id, attempts.c.state == AttemptState.LEASED)
        ).all()
    return {row.attempt_id: row.device_id for row in rows}


def find_attempts(transaction: Transaction, attempt_ids: Sequence[str]) -> dict[str, StoredAttempt]:
    """The attempts of these ids that there are, whichever device they were made on."""
    if not attempt_ids:
        return {}
    rows = transaction.execute(_FIND, {"of_attempts": in_few_lengths(attempt_ids)})
    return {row.attempt_id: _stored(row) for row in rows}


def _stored(row: Row[Any]) -> StoredAttempt:
    place = Place(sweep_id=row.sweep_id, device_id=row.device_id)
    return StoredAttempt(
        turn=LeasedTurn(place=place, job_id=row.job_id, ordinal=row.ordinal),
        job_state=row.job_state,
        settings=row.settings,
        is_sentinel=row.is_sentinel,
        reading_count=row.reading_count,
        leased_at_unix_ms=row.leased_at_unix_ms,
        state=row.state,
        output_tolerance=finite(row.output_tolerance),
        has_other_files=bool(row.has_other_files),
        standing=standing_of(row._mapping),
    )


# What is asked for each lease and report is put together once.
_ADD = insert(attempts)
_OUT_TO = (
    leasable()
    .add_columns(attempts.c.attempt_id, attempts.c.ordinal, attempts.c.device_id)
    .join(attempts, attempts.c.job_id == jobs.c.job_id)
    .where(
        attempts.c.device_id.in_(bindparam("of_devices", expanding=True)),
        attempts.c.state == AttemptState.LEASED,
    )
)
_OUT = select(attempts.c.attempt_id, attempts.c.device_id).where(
    attempts.c.state == AttemptState.LEASED
)
_FIND = (
    select(
        jobs.c.job_id,
        jobs.c.sweep_id,
        jobs.c.device_id,
        jobs.c.state.label("job_state"),
        jobs.c.is_sentinel,
        jobs.c.settings,
        courses.c.reading_count,
        attempts.c.attempt_id,
        attempts.c.ordinal,
        attempts.c.leased_at_unix_ms,
        attempts.c.state,
        artifacts.c.output_tolerance,
        (artifacts.c.created_at_unix_ms > attempts.c.leased_at_unix_ms).label("has_other_files"),
        *COLUMNS,
    )
    .select_from(jobs)
    .join(attempts, attempts.c.job_id == jobs.c.job_id)
    .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
    .outerjoin(device_standings, device_standings.c.device_id == jobs.c.device_id)
    .join(
        courses,
        and_(courses.c.sweep_id == jobs.c.sweep_id, courses.c.device_id == jobs.c.device_id),
    )
    .where(attempts.c.attempt_id.in_(bindparam("of_attempts", expanding=True)))
)
