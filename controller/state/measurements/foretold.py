"""What was predicted of jobs before they were measured, and what they were measured at then."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    select,
)

from controller.domain.jobs import JobState
from controller.domain.measurements import Verdict
from controller.domain.rankings.predictions import Foretold, MeasuredLater
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements.making import are_times
from controller.state.schema import devices, earlier_predictions, jobs, measurements
from controller.state.schema.many_rows import write_rows
from controller.state.schema.unreadable import readable

MOST_FORETOLD: Final = 2_000
"""So many are kept of a device that were measured since, and so many of others; see `_forget`."""

_TOLD: Final = ("median_ms", "low_ms", "high_ms", "confidence", "known_count")
_OF_DEVICE = earlier_predictions.c.device_id == bindparam("of_device")
_REPLACED = delete(earlier_predictions).where(earlier_predictions.c.job_id == bindparam("of_job"))
_ADD = insert(earlier_predictions)
_IS_MEASURED = exists().where(measurements.c.job_id == earlier_predictions.c.job_id)
_HAS_FAILED = exists().where(
    jobs.c.job_id == earlier_predictions.c.job_id,
    jobs.c.state.in_([JobState.FAILED, JobState.CANCELLED]),
)


def _newest(beyond: str, *those: ColumnElement[bool]) -> Select[tuple[int]]:
    """The newest of a device's that is beyond so many."""
    return (
        select(earlier_predictions.c.prediction_id)
        .where(_OF_DEVICE, *those)
        .order_by(earlier_predictions.c.prediction_id.desc())
        .offset(bindparam(beyond))
        .limit(1)
    )


_ARE_MANY = _newest("twice")
_FORGET_FAILED = delete(earlier_predictions).where(_OF_DEVICE, _HAS_FAILED, ~_IS_MEASURED)
_FORGET_OLD = [
    delete(earlier_predictions).where(
        _OF_DEVICE,
        those,
        earlier_predictions.c.prediction_id <= _newest("once", those).scalar_subquery(),
    )
    for those in (_IS_MEASURED, ~_IS_MEASURED)
]
_MEASURED = (
    select(
        *(earlier_predictions.c[name].label(f"told_{name}") for name in _TOLD),
        jobs.c.job_id,
        jobs.c.backbone,
        jobs.c.settings,
        jobs.c.precision,
        jobs.c.target,
        jobs.c.input_size,
        jobs.c.batch,
        measurements.c.verdict,
        measurements.c.median_ms,
        emulator_told(),
    )
    .select_from(earlier_predictions)
    .join(jobs, jobs.c.job_id == earlier_predictions.c.job_id)
    .join(measurements, measurements.c.job_id == earlier_predictions.c.job_id)
    .join(devices, devices.c.device_id == earlier_predictions.c.device_id)
    .where(_OF_DEVICE, measurements.c.verdict.in_([Verdict.OK, Verdict.WIDE]))
    .order_by(earlier_predictions.c.prediction_id)
)


def keep_foretold(
    transaction: Transaction, device_id: str, foretold: Mapping[str, Foretold]
) -> None:
    """Remembers what is predicted of jobs that are to be measured, by their ids.

    It takes the place of what was predicted of them before.
    """
    if not foretold:
        return
    write_rows(transaction, _REPLACED, [{"of_job": job_id} for job_id in foretold])
    rows = [
        {"job_id": job_id, "device_id": device_id, **vars(each)}
        for job_id, each in foretold.items()
    ]
    write_rows(transaction, _ADD, rows)
    _forget(transaction, device_id)


def _forget(transaction: Transaction, device_id: str) -> None:
    """Forgets of a device's many what tells least.

    That is all of jobs that ended without a figure; then the oldest, of those that were measured
    and of the others apart: a sweep of thousands may be cancelled as it begins, and forgets nothing
    that was judged. Whether they are many is told by the index alone, so that most of the time it
    is all that this costs.
    """
    of_device = {"of_device": device_id}
    many = transaction.scalar(_ARE_MANY, of_device | {"twice": 2 * MOST_FORETOLD})
    if many is None:
        return
    transaction.execute(_FORGET_FAILED, of_device)
    for old in _FORGET_OLD:
        transaction.execute(old, of_device | {"once": MOST_FORETOLD})


def list_measured_later(
    database: Database, device_id: str, sweep_id: str | None = None
) -> list[MeasuredLater]:
    """What was predicted on a device and then measured, in the order in which it was predicted.

    This looks at no more than twice `MOST_FORETOLD` rows, and at the measurement of each.

    Args:
        database: where it is remembered.
        device_id: of which device.
        sweep_id: only what this sweep measured; None is all.
    """
    wanted = _MEASURED if sweep_id is None else _MEASURED.where(jobs.c.sweep_id == sweep_id)
    with database.transaction() as transaction:
        rows = transaction.execute(wanted, {"of_device": device_id}).mappings()
        return list(readable("earlier prediction", "job_id", rows, _made))


def _made(row: RowMapping) -> MeasuredLater:
    told = {name: row[f"told_{name}"] for name in _TOLD}
    foretold = Foretold(**told)
    if not are_times(foretold.median_ms, foretold.low_ms, foretold.high_ms):
        raise ValueError("prediction")
    if not are_times(*3 * (row["median_ms"],)):
        raise ValueError("median_ms")
    of_job = ("backbone", "settings", "precision", "target", "input_size", "batch")
    return MeasuredLater(
        foretold=foretold,
        median_ms=row["median_ms"],
        verdict=row["verdict"],
        emulator=str(row["emulator"] or ""),
        **{name: row[name] for name in of_job},
    )
