"""Measurements: kept, and read back beside the published accuracy."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    type_coerce,
)

from controller.domain.catalog import AccuracyMetric
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import (
    LatencyFigures,
    Measurement,
    MeasurementFilter,
    MemoryFigures,
    MinuteFigures,
    Verdict,
    per_image_ms,
)
from controller.state.catalog.accuracy import place_of
from controller.state.database import Database, Transaction
from controller.state.devices import holder_of
from controller.state.rounds.repetitions import stored_repetition
from controller.state.schema import (
    accuracies,
    artifacts,
    backbones,
    devices,
    jobs,
    measurements,
    repetitions,
    reused_jobs,
    sweeps,
)
from models.catalog.catalog import IMAGENET
from models.catalog.own import OWN_SERIES
from models.catalog.precisions import QUANTISED, Precision
from models.catalog.variants import CheckedThrough, WeightsKind
from protos.measuring import MeasureSettings, Repetition
from protos.reasons import Reason

# Ids of accuracy figures are below it.
_MOST_FIGURES = 2**40


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """How a job ended: its verdict, and the figures if there are any."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    measured_at_unix_ms: int
    runtime_version: str = ""
    runtime_build: str = ""
    busy_threads: int = 0
    affinity: tuple[int, ...] = ()
    latency: LatencyFigures | None = None
    memory: MemoryFigures | None = None
    minutes: tuple[MinuteFigures, ...] = ()


def record_conclusion(
    transaction: Transaction, job_id: str, conclusion: Conclusion, now_unix_ms: int
) -> None:
    """Keeps how a job ended."""
    transaction.execute(
        insert(measurements).values(
            measurement_id=uuid.uuid4().hex,
            job_id=job_id,
            committed_at_unix_ms=now_unix_ms,
            **vars(conclusion),
        )
    )


def list_measurements(database: Database, wanted: MeasurementFilter) -> list[Measurement]:
    """The measurements that the filter lets through, in the order in which they were committed.

    Those of sentinels are none that anybody asked for.
    """
    query = _in_order(wanted.accuracy_dataset).where(jobs.c.is_sentinel.is_(False))
    if wanted.device is not None:
        query = query.where(jobs.c.device_id == holder_of(wanted.device))
    if wanted.sweep_id is not None:
        query = query.where(_is_of_sweep(wanted.sweep_id))
    if wanted.backbone is not None:
        query = query.where(jobs.c.backbone == wanted.backbone)
    with database.transaction() as transaction:
        return [
            _measurement(
                row,
                wanted.accuracy_dataset,
                _read_repetitions(transaction, row["job_id"]) if wanted.with_samples else (),
            )
            for row in transaction.execute(query).mappings().all()
        ]


def _is_of_sweep(sweep_id: str) -> ColumnElement[bool]:
    """Whether a job is a sweep's, or one of before whose figures it did not need again."""
    reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == sweep_id)
    return or_(jobs.c.sweep_id == sweep_id, jobs.c.job_id.in_(reused))


def list_outcomes(database: Database, sweep_id: str) -> list[JobOutcome]:
    """How the sweep's ended jobs ended, sentinels included, in the order they did."""
    query = _in_order(IMAGENET).where(jobs.c.sweep_id == sweep_id)
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
    ended = ((_measurement(row, IMAGENET, ()), row["is_sentinel"]) for row in rows)
    return [
        JobOutcome(
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
        )
        for measurement, is_sentinel in ended
    ]


def _in_order(dataset: str) -> Select[Any]:
    return _joined(dataset).order_by(measurements.c.committed_at_unix_ms, jobs.c.position)


def _read_repetitions(transaction: Transaction, job_id: str) -> tuple[Repetition, ...]:
    rows = transaction.execute(
        select(repetitions).where(repetitions.c.job_id == job_id).order_by(repetitions.c.ordinal)
    ).all()
    return tuple(map(stored_repetition, rows))


def _joined(dataset: str) -> Select[Any]:
    """The one query that joins measurements with accuracy on a dataset.

    Accuracy joins on the precision that it is known for: an int8 artifact finds none that was
    published for fp32. A model that came quantised has that of any int8, since people call what
    they brought by any of these names. A figure that is bound to a model's files joins what was
    measured with these alone; of several sizes the one that was measured counts, then any.
    """
    top1, top5 = accuracies.alias("top1"), accuracies.alias("top5")
    # Read inside the database: a specification is long, and there is one beside each measurement.
    asked = type_coerce(sweeps.c.spec, JSON)
    weights_asked = type_coerce(asked["weights"].as_string(), artifacts.c.weights.type)
    return (
        select(
            measurements,
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
            asked["most_repetitions"].as_integer().label("repetitions_wanted"),
            weights_asked.label("weights_asked"),
            top1.c.value_percent.label("top1"),
            top1.c.source.label("accuracy_source"),
            top1.c.input_size.label("top1_input_size"),
            top5.c.input_size.label("top5_input_size"),
            top5.c.value_percent.label("top5"),
        )
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(backbones, backbones.c.name == jobs.c.backbone)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(top1, top1.c.figure_id == _figure_of_job(AccuracyMetric.TOP1, dataset))
        .outerjoin(top5, top5.c.figure_id == _figure_of_job(AccuracyMetric.TOP5, dataset))
    )


def _figure_of_job(metric: AccuracyMetric, dataset: str) -> ColumnElement[int]:
    """The id of the one figure that tells most of what a job measured."""
    known = accuracies.alias()
    of_size = case(
        (known.c.input_size == jobs.c.input_size, 0), (known.c.input_size.is_(None), 1), else_=2
    )
    place = of_size * (len(QUANTISED) + 1) + place_of(known.c.precision)
    # The least pair of place and id as one number: SQLite's ORDER BY sees no outer columns.
    least = (
        select(func.min(place * _MOST_FIGURES + known.c.figure_id))
        .where(
            known.c.backbone == jobs.c.backbone,
            known.c.dataset == dataset,
            known.c.metric == metric,
            or_(
                known.c.precision == jobs.c.precision,
                and_(jobs.c.precision == Precision.INT8, known.c.precision.in_(QUANTISED)),
            ),
            or_(
                and_(
                    known.c.model_digest == "",
                    artifacts.c.weights.is_distinct_from(WeightsKind.OWN),
                ),
                known.c.model_digest == artifacts.c.weights_digest,
            ),
        )
        .correlate(jobs, artifacts)
        .scalar_subquery()
    )
    return least % _MOST_FIGURES


def _measurement(row: RowMapping, dataset: str, raw: tuple[Repetition, ...]) -> Measurement:
    settings: MeasureSettings = row["settings"]
    latency: LatencyFigures | None = row["latency"]
    holding = (None, row["input_size"])
    is_of_size = row["top1_input_size"] in holding
    return Measurement(
        measurement_id=row["measurement_id"],
        sweep_id=row["sweep_id"],
        job_id=row["job_id"],
        device=row["device"],
        backbone=row["backbone"],
        series=row["series"] or "",
        runtime=settings.runtime,
        runtime_version=row["runtime_version"],
        runtime_build=row["runtime_build"],
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
        max_relative_difference=row["max_relative_difference"] or 0.0,
        checked_through=row["checked_through"] or CheckedThrough.NOTHING,
        verdict=row["verdict"],
        reasons=row["reasons"],
        busy_threads=row["busy_threads"],
        measured_at_unix_ms=row["measured_at_unix_ms"],
        top1=row["top1"] if is_of_size else None,
        top5=row["top5"] if row["top5_input_size"] in holding else None,
        accuracy_source=(row["accuracy_source"] or "") if is_of_size else "",
        params_m=row["params_m"],
        flops_g=row["flops_g"],
        latency=latency,
        memory=row["memory"],
        repetitions=raw,
        repetitions_wanted=row["repetitions_wanted"],
        accuracy_input_size=row["top1_input_size"],
        latency_per_image_ms=per_image_ms(latency.median_ms if latency else None, row["batch"]),
        affinity=row["affinity"],
        accuracy_dataset=dataset,
        settings=settings,
        minutes=row["minutes"],
    )


def _weights(row: RowMapping) -> WeightsKind:
    """Those inside; a job whose conversion was refused has no artifact, so those asked for."""
    if row["series"] == OWN_SERIES:
        return WeightsKind.OWN
    inside: WeightsKind = row["weights"] or row["weights_asked"]
    return inside
