"""What tells whether something that was answered is still so, without reading it."""

from collections.abc import Collection, Mapping
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, Integer, ScalarSelect, bindparam, cast, exists, func, select

from controller.domain.jobs import JobState, TurnState
from controller.state.database import Database
from controller.state.schema import (
    accuracies,
    artifacts,
    devices,
    jobs,
    measurements,
    network_counts,
    own_models,
    sweeps,
    turns,
)

Stamp: TypeAlias = tuple[object, ...]
"""Equal ones are of the same state."""

_LARGEST: Final = 2**62

_OF_FIGURES: Final = select(
    func.count(),
    func.max(accuracies.c.figure_id),
    func.max(accuracies.c.imported_at_unix_ms),
    func.sum(accuracies.c.value_percent),
).select_from(accuracies)
_OF_BROUGHT: Final = select(func.count(), func.max(own_models.c.added_at_unix_ms)).select_from(
    own_models
)
# A sum, since clocks go back, and what is imported may be of later: the last one may stay the same.
# Each may be spoilt to what no sum can hold; in SQLite texts and bytes are beyond each number.
_OF_FILES: Final = select(func.count(), func.sum(artifacts.c.created_at_unix_ms)).where(
    artifacts.c.created_at_unix_ms.between(0, 2**50)
)


def last_of_device(device_id: ColumnElement[str]) -> ScalarSelect[int]:
    """How many measurements a device has; one whose number was spoilt is not counted."""
    ordinal = measurements.c.device_ordinal
    return (
        select(cast(func.max(ordinal), Integer))
        # In SQLite texts and bytes are beyond each number.
        .where(measurements.c.device_id == device_id, ordinal <= _LARGEST)
        .scalar_subquery()
    )


# Put together once, which takes as long as asking it.
_IS_ASKED: Final = devices.c.device_id == bindparam("of_device")
_COUNTS: Final = select(devices.c.device_id, last_of_device(devices.c.device_id))
_COUNT: Final = _COUNTS.where(_IS_ASKED)


def accuracy_stamp(database: Database) -> Stamp:
    """Of every accuracy that is known, and of the models that people brought."""
    with database.transaction() as transaction:
        return (*transaction.execute(_OF_FIGURES).one(), *transaction.execute(_OF_BROUGHT).one())


def artifact_stamp(database: Database) -> Stamp:
    """Of every artifact: another one where one came, or other files took its place."""
    with database.transaction() as transaction:
        return tuple(transaction.execute(_OF_FILES).one())


def counts_by_device(database: Database, device_id: str | None = None) -> Mapping[str, int]:
    """How many measurements each device has that has any, or this one.

    They are added, numbered on their device, and go only together with it.
    """
    counted = _COUNTS if device_id is None else _COUNT
    asked = {} if device_id is None else {"of_device": device_id}
    with database.transaction() as transaction:
        return {of: last for of, last in transaction.execute(counted, asked).tuples() if last}


_FLEET: Final = select(
    devices.c.device_id,
    devices.c.name,
    devices.c.removed_at_unix_ms,
    last_of_device(devices.c.device_id),
)
_MEASURED: Final = _FLEET.where(devices.c.device_id.in_(bindparam("of_devices", expanding=True)))
_COUNTED: Final = select(func.count()).select_from(network_counts)


def fleet_stamp(database: Database) -> Stamp:
    """Of which devices there are, and of how much each has measured."""
    with database.transaction() as transaction:
        return tuple(sorted(map(tuple, transaction.execute(_FLEET))))


def evidence_stamp(database: Database, device_ids: Collection[str]) -> Stamp:
    """Of what devices measured, under which names, of own models, and of what networks do.

    Args:
        database: the controller's.
        device_ids: a few.
    """
    asked = {"of_devices": sorted(device_ids)}
    with database.transaction() as transaction:
        return (
            *sorted(map(tuple, transaction.execute(_MEASURED, asked))),
            *transaction.execute(_OF_BROUGHT).one(),
            *transaction.execute(_COUNTED).one(),
        )


_IS_UNDERWAY: Final = exists().where(
    jobs.c.device_id == devices.c.device_id,
    # Of a sweep that has ended no job is open: without it an index would give all of the device.
    jobs.c.sweep_id.in_(select(sweeps.c.sweep_id).where(sweeps.c.ended_at_unix_ms.is_(None))),
    jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]),
    exists().where(turns.c.job_id == jobs.c.job_id, turns.c.state == TurnState.TAKEN),
)
# Device by device, by the index that has states: there are far more turns than open jobs.
_UNDERWAY: Final = select(devices.c.device_id).where(_IS_UNDERWAY)
_ASKED_UNDERWAY: Final = _UNDERWAY.where(_IS_ASKED)


def devices_underway(database: Database, device_id: str | None = None) -> frozenset[str]:
    """The devices, or this one, with a job that is measured now and has begun to tell."""
    found = _UNDERWAY if device_id is None else _ASKED_UNDERWAY
    asked = {} if device_id is None else {"of_device": device_id}
    with database.transaction() as transaction:
        return frozenset(transaction.scalars(found, asked))
