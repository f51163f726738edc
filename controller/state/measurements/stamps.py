"""What tells whether something that was answered is still so, without reading it."""

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import exists, func, select

from controller.domain.jobs import JobState, TurnState
from controller.state.database import Database
from controller.state.schema import (
    accuracies,
    devices,
    jobs,
    measurements,
    network_counts,
    own_models,
    turns,
)

Stamp: TypeAlias = tuple[object, ...]
"""Equal ones are of the same state."""


def accuracy_stamp(database: Database) -> Stamp:
    """Of every accuracy that is known, and of the models that people brought."""
    figures = select(
        func.count(),
        func.max(accuracies.c.figure_id),
        func.max(accuracies.c.imported_at_unix_ms),
        func.sum(accuracies.c.value_percent),
    ).select_from(accuracies)
    brought = select(func.count(), func.max(own_models.c.added_at_unix_ms)).select_from(own_models)
    with database.transaction() as transaction:
        return (*transaction.execute(figures).one(), *transaction.execute(brought).one())


def counts_by_device(database: Database, device_id: str | None = None) -> Mapping[str, int]:
    """How many measurements each device has, or this one: they are added, and go with it."""
    counted = select(measurements.c.device_id, func.count()).group_by(measurements.c.device_id)
    if device_id is not None:
        counted = counted.where(measurements.c.device_id == device_id)
    with database.transaction() as transaction:
        return dict(transaction.execute(counted).tuples().all())


def evidence_stamp(database: Database) -> Stamp:
    """Of all that was measured, under which names, of own models, and of what networks do."""
    named = select(devices.c.device_id, devices.c.name).order_by(devices.c.device_id)
    brought = select(func.count(), func.max(own_models.c.added_at_unix_ms)).select_from(own_models)
    counted = select(func.count()).select_from(network_counts)
    with database.transaction() as transaction:
        known = (
            *transaction.execute(named).tuples().all(),
            *transaction.execute(brought).one(),
            *transaction.execute(counted).one(),
        )
    return (*sorted(counts_by_device(database).items()), *known)


def devices_underway(database: Database, device_id: str | None = None) -> frozenset[str]:
    """The devices, or this one, with a job that is measured now and has begun to tell."""
    has_begun = exists().where(turns.c.job_id == jobs.c.job_id, turns.c.state == TurnState.TAKEN)
    is_underway = exists().where(
        jobs.c.device_id == devices.c.device_id,
        jobs.c.state.in_([JobState.QUEUED, JobState.LEASED]),
        has_begun,
    )
    # Device by device, by the index that has states: there are far more turns than open jobs.
    found = select(devices.c.device_id).where(is_underway)
    if device_id is not None:
        found = found.where(devices.c.device_id == device_id)
    with database.transaction() as transaction:
        return frozenset(transaction.scalars(found))
