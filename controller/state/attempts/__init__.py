"""Attempts at turns: leased, found, told to agents."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    and_,
    bindparam,
    insert,
    or_,
    select,
)

from controller.domain.jobs import AttemptState, JobState
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase
from controller.state.database import Database, Transaction
from controller.state.jobs.leases import lease_misfit, lease_of, spread_of_lease
from controller.state.rounds.next_places import has_next_place
from controller.state.rounds.next_turns import NextTurn, find_next_turns, leasable
from controller.state.rounds.turns import LeasedTurn, lease_turns, medians_of
from controller.state.schema import attempts, jobs
from controller.state.schema.many_rows import in_few_lengths, write_rows
from protos.fleet import Lease

_DIGITS_OF_TIME: Final = 12


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
    device_ids: defaultdict[frozenset[SweepPhase], list[str]] = defaultdict(list)
    for ask in asks:
        device_ids[frozenset(ask.phases)].append(ask.device_id)
    coming = {
        each.turn.place.device_id: each
        for phases, those in device_ids.items()
        for each in find_next_turns(transaction, those, phases)
    }
    # Before the first, there is none of its own.
    later = [each.turn.job_id for each in coming.values() if each.turn.ordinal]
    medians_ms = medians_of(transaction, later)
    next_of = [(coming.get(ask.device_id), ask.now_unix_ms) for ask in asks]
    found = [
        None if each is None else _next_of(each, medians_ms, now_unix_ms)
        for each, now_unix_ms in next_of
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
    coming: NextTurn, medians_ms: Mapping[str, Sequence[float]], now_unix_ms: int
) -> _Leased | JobUnreadable:
    turn, job = coming.turn, coming.job
    if why := lease_misfit(job):
        return JobUnreadable(turn, why)
    spread = spread_of_lease(job, medians_ms.get(turn.job_id, ()))
    return _Leased(turn, lease_of(_new_id(now_unix_ms), job, turn.ordinal, spread))


def _new_id(now_unix_ms: int) -> str:
    """An id that begins with the time: what is out at once lies together in its index."""
    return f"{max(0, now_unix_ms):012x}"[-_DIGITS_OF_TIME:] + uuid.uuid4().hex[_DIGITS_OF_TIME:]


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
