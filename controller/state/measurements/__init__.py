"""Measurements: kept, and read back beside the published accuracy."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import JSON, RowMapping, Select, case, select, type_coerce

from controller.domain.catalog import AccuracyMetric
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import (
    Measurement,
    MeasurementFilter,
    per_image_ms,
)
from controller.state.catalog.accuracy import figure_of_job
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
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
from controller.state.schema.columns import IsJson, Unreadable
from controller.state.schema.unreadable import finite, readable
from models.catalog.catalog import IMAGENET
from models.catalog.own import OWN_SERIES
from models.catalog.variants import CheckedThrough, WeightsKind
from protos.measuring import MeasureSettings, Repetition

__all__ = [
    "Conclusion",
    "are_times",
    "beside_accuracy",
    "ended",
    "list_measurements",
    "list_outcomes",
    "measurement_of",
    "measurements_of",
    "outcome_of",
    "record_conclusion",
    "record_conclusions",
    "weights_inside",
]

# 30,000 years.
_LONGEST_MS = 1e15


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
    transaction: Transaction, rows: Iterable[RowMapping], wanted: MeasurementFilter
) -> Iterator[Measurement]:
    """What rows of `ended` say, with raw samples where they are wanted."""

    def measurement(row: RowMapping) -> Measurement:
        raw = _read_repetitions(transaction, row["job_id"]) if wanted.with_samples else ()
        return _concluded(row, wanted.accuracy_dataset, raw)

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
    return outcome_of(_concluded(row, IMAGENET, ()), is_sentinel=row["is_sentinel"])


def outcome_of(measurement: Measurement, *, is_sentinel: bool) -> JobOutcome:
    """What those who follow a sweep are told of a job's measurement."""
    return JobOutcome(
        job_id=measurement.job_id,
        device=measurement.device,
        backbone=measurement.backbone,
        runtime=measurement.runtime,
        threads=measurement.threads,
        weights=measurement.weights,
        precision=measurement.precision,
        input_size=measurement.input_size,
        batch=measurement.batch,
        verdict=measurement.verdict,
        reasons=measurement.reasons,
        median_ms=measurement.latency.median_ms if measurement.latency else None,
        low_ms=measurement.latency.low_ms if measurement.latency else None,
        high_ms=measurement.latency.high_ms if measurement.latency else None,
        is_sentinel=is_sentinel,
        emulator=measurement.emulator,
        target=measurement.target,
    )


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


def _concluded(row: RowMapping, dataset: str, raw: tuple[Repetition, ...]) -> Measurement:
    conclusion = Conclusion(**{name: row[name] for name in CONCLUDED})
    found = measurement_of(row, conclusion, dataset, measurement_id=row["measurement_id"])
    return replace(found, repetitions=raw) if raw else found


def measurement_of(
    row: RowMapping, conclusion: Conclusion, dataset: str, *, measurement_id: str
) -> Measurement:
    """A job's measurement without its raw samples, by its row of `beside_accuracy`."""
    settings: MeasureSettings = row["settings"]
    latency = conclusion.latency
    if latency is not None and not are_times(latency.median_ms, latency.low_ms, latency.high_ms):
        raise ValueError("latency")
    holding = (None, row["input_size"])
    is_of_size = row["top1_input_size"] in holding
    # Of an accuracy that cannot be read nothing is known.
    top1_size = row["top1_input_size"]
    known_size = None if isinstance(top1_size, Unreadable) else top1_size
    return Measurement(
        measurement_id=measurement_id,
        sweep_id=row["sweep_id"],
        job_id=row["job_id"],
        device=row["device"],
        backbone=row["backbone"],
        series=row["series"] or "",
        runtime=settings.runtime,
        runtime_version=conclusion.runtime_version,
        runtime_build=conclusion.runtime_build,
        format=row["format"],
        precision=row["precision"],
        target=row["target"],
        input_size=row["input_size"],
        batch=row["batch"],
        threads=settings.threads,
        weights=_weights(row),
        weights_digest=row["weights_digest"] or "",
        artifact_sha256=row["sha256"] or "",
        artifact_size_bytes=row["size_bytes"] or 0,
        max_relative_difference=finite(row["max_relative_difference"]) or 0.0,
        checked_through=row["checked_through"] or CheckedThrough.NOTHING,
        verdict=conclusion.verdict,
        reasons=conclusion.reasons,
        busy_threads=conclusion.busy_threads,
        measured_at_unix_ms=conclusion.measured_at_unix_ms,
        top1=finite(row["top1"]) if is_of_size else None,
        top5=finite(row["top5"]) if row["top5_input_size"] in holding else None,
        accuracy_source=str(row["accuracy_source"] or "") if is_of_size else "",
        params_m=finite(row["params_m"]),
        flops_g=finite(row["flops_g"]),
        latency=latency,
        memory=conclusion.memory,
        repetitions_wanted=row["repetitions_wanted"],
        accuracy_input_size=known_size,
        latency_per_image_ms=per_image_ms(latency.median_ms if latency else None, row["batch"]),
        affinity=conclusion.affinity,
        accuracy_dataset=dataset,
        settings=settings,
        minutes=conclusion.minutes,
        outputs=conclusion.outputs,
        output_tolerance=finite(row["output_tolerance"]),
        emulator=str(row["emulator"] or ""),
        paced=conclusion.paced,
        energy=conclusion.energy,
        delegation=conclusion.delegation,
    )


def are_times(median_ms: float, low_ms: float, high_ms: float) -> bool:
    """Whether there are ratios of them, and logarithms."""
    return 0 < median_ms < _LONGEST_MS and 0 < low_ms < _LONGEST_MS and 0 < high_ms < _LONGEST_MS


def _weights(row: RowMapping) -> WeightsKind:
    told: WeightsKind = weights_inside(
        row["series"], row["weights"], row["weights_asked"], WeightsKind.OWN
    )
    return told


def weights_inside(series: str | None, inside: Any, asked: Any, own: Any) -> Any:
    """Of which weights a measurement is: members or their values, as they are given.

    Args:
        series: of the backbone; what people brought has weights of its own.
        inside: those of the artifact.
        asked: those of the sweep, of a job whose conversion was refused, which has no artifact.
        own: `WeightsKind.OWN`, or its value.
    """
    return own if series == OWN_SERIES else inside or asked
