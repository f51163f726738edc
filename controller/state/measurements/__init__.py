"""Measurements: kept, and read back beside the published accuracy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import JSON, RowMapping, Select, case, select, type_coerce

from controller.domain.catalog import AccuracyMetric
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.measurements.outcomes import outcome_of
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements.making import (
    are_times,
    concluded,
    measurement_of,
    told_of_job,
    weights_inside,
)
from controller.state.measurements.recording import (
    CONCLUDED,
    Conclusion,
    record_conclusion,
    record_conclusions,
)
from controller.state.rounds.repetitions import stored_repetition
from controller.state.rounds.wanted import are_wanted
from controller.state.schema import (
    accuracies,
    artifacts,
    backbones,
    devices,
    jobs,
    measurements,
    repetitions,
    sweeps,
)
from controller.state.schema.columns import IsJson
from controller.state.schema.unreadable import readable
from models.catalog.catalog import IMAGENET
from protos.measuring import Repetition

__all__ = [
    "Conclusion",
    "are_times",
    "beside_accuracy",
    "ended",
    "list_measurements",
    "list_outcomes",
    "measurement_of",
    "measurements_of",
    "record_conclusion",
    "record_conclusions",
    "weights_inside",
]


def list_measurements(database: Database, wanted: MeasurementFilter) -> list[Measurement]:
    """The measurements that the filter lets through, in the order in which they were committed.

    Those of sentinels are none that anybody asked for.
    """
    query = (
        ended(wanted.accuracy_dataset)
        .where(*are_wanted(wanted))
        .order_by(measurements.c.committed_at_unix_ms, jobs.c.position)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
        return list(measurements_of(transaction, rows, wanted))


def measurements_of(
    transaction: Transaction,
    rows: Iterable[RowMapping],
    wanted: MeasurementFilter,
    told_of: Callable[[RowMapping, str], Mapping[str, Any]] = told_of_job,
) -> Iterator[Measurement]:
    """What rows of `ended` say, with raw samples where they are wanted.

    Those of another query have the columns of `OWN` and `CONCLUDED`; `told_of` says the rest.
    """

    def measurement(row: RowMapping) -> Measurement:
        raw = _read_repetitions(transaction, row["job_id"]) if wanted.with_samples else ()
        return concluded(row, told_of(row, wanted.accuracy_dataset), raw)

    return readable("measurement", "measurement_id", rows, measurement)


def list_outcomes(
    database: Database, sweep_id: str, *, after: int = 0, until: int | None = None
) -> list[JobOutcome]:
    """How the sweep's ended jobs ended, sentinels included, in the order they did.

    Args:
        database: the controller's.
        sweep_id: whose jobs.
        after: number of the last outcome that is known already.
        until: number of the last one that is wanted; None is all.
    """
    of_sweep = measurements.c.sweep_id == sweep_id
    query = ended(IMAGENET).where(of_sweep, measurements.c.ordinal > after)
    if until is not None:
        query = query.where(measurements.c.ordinal <= until)
    query = query.order_by(measurements.c.ordinal)
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
    return list(readable("measurement", "measurement_id", rows, _outcome))


def _outcome(row: RowMapping) -> JobOutcome:
    found = concluded(row, told_of_job(row, IMAGENET))
    return outcome_of(found, is_sentinel=row["is_sentinel"])


def ended(dataset: str) -> Select[Any]:
    """Jobs that have ended, with how they did."""
    return (
        beside_accuracy(dataset)
        .join(measurements, measurements.c.job_id == jobs.c.job_id)
        .add_columns(measurements.c.measurement_id, *(measurements.c[name] for name in CONCLUDED))
    )


def _read_repetitions(transaction: Transaction, job_id: str) -> tuple[Repetition, ...]:
    rows = transaction.execute(
        select(repetitions).where(repetitions.c.job_id == job_id).order_by(repetitions.c.ordinal)
    ).all()
    return tuple(map(stored_repetition, rows))


def beside_accuracy(dataset: str) -> Select[Any]:
    """The one query that joins jobs, and so their measurements, with accuracy on a dataset.

    Accuracy joins on the precision that it is known for: an int8 artifact finds none that was
    published for fp32. A model that came quantised has that of any int8, since people call what
    they brought by any of these names. A figure that is bound to a model's files joins what was
    measured with these alone; of several sizes the one that was measured counts, then any.
    """
    top1, top5 = accuracies.alias("top1"), accuracies.alias("top5")
    # Read inside the database: a specification is long, and there is one beside each measurement.
    asked = type_coerce(sweeps.c.spec, JSON)
    # A path into what is no JSON would end the query for every row.
    weights = case((IsJson(sweeps.c.spec), asked["weights"].as_string()))
    most_repetitions = case((IsJson(sweeps.c.spec), asked["most_repetitions"].as_integer()))
    weights_asked = type_coerce(weights, artifacts.c.weights.type)
    return (
        select(
            jobs.c.job_id,
            jobs.c.sweep_id,
            jobs.c.backbone,
            jobs.c.format,
            jobs.c.precision,
            jobs.c.target,
            jobs.c.input_size,
            jobs.c.batch,
            jobs.c.settings,
            jobs.c.is_sentinel,
            devices.c.name.label("device"),
            backbones.c.series,
            backbones.c.params_m,
            backbones.c.flops_g,
            artifacts.c.sha256,
            artifacts.c.size_bytes,
            artifacts.c.weights,
            artifacts.c.weights_digest,
            artifacts.c.max_relative_difference,
            artifacts.c.checked_through,
            artifacts.c.output_tolerance,
            most_repetitions.label("repetitions_wanted"),
            weights_asked.label("weights_asked"),
            top1.c.value_percent.label("top1"),
            top1.c.source.label("accuracy_source"),
            top1.c.input_size.label("top1_input_size"),
            top5.c.input_size.label("top5_input_size"),
            top5.c.value_percent.label("top5"),
            emulator_told(),
        )
        .select_from(jobs)
        .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(backbones, backbones.c.name == jobs.c.backbone)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(top1, top1.c.figure_id == figure_of_job(AccuracyMetric.TOP1, dataset))
        .outerjoin(top5, top5.c.figure_id == figure_of_job(AccuracyMetric.TOP5, dataset))
    )
