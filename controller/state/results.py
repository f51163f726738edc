"""Measurements: committed once each, read back beside the published accuracy."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cattrs
import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    insert,
    select,
    update,
)
from sqlalchemy.sql.selectable import NamedFromClause

from controller.conversation import Failure, FailureReason, Measured, Report
from controller.domain import (
    DeviceState,
    JobOutcome,
    LatencyFigures,
    Measurement,
    MeasurementFilter,
    MeasureSettings,
    MemoryFigures,
    Repetition,
    StopReason,
    Verdict,
)
from controller.leases import AttemptState, JobState
from controller.state.catalog import IMAGENET
from controller.state.database import writing
from controller.state.schema import (
    accuracies,
    artifacts,
    attempts,
    backbones,
    devices,
    jobs,
    measurements,
    repetitions,
    sweeps,
)
from controller.state.sweeps import end_job
from controller.statistics import latency_figures, memory_figures, verdict
from models.variants import WeightsKind

_SAMPLE_TYPE = "<u8"


def record_report(engine: Engine, report: Report) -> bool:
    """Commits how an attempt ended; False when it is unknown or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing.
    """
    settings = _settings_of(engine, report.attempt_id)
    if settings is None:
        return False
    report = _with_samples_or_failure(report)
    row = _measurement_row(report, settings)
    with writing(engine) as connection:
        connection.execute(
            update(attempts)
            .where(attempts.c.attempt_id == report.attempt_id)
            .values(state=AttemptState.REPORTED.value)
        )
        state = JobState.FAILED if report.measured is None else JobState.DONE
        job_id = connection.scalars(
            select(attempts.c.job_id).where(attempts.c.attempt_id == report.attempt_id)
        ).one()
        if not end_job(connection, job_id, state):
            return False
        connection.execute(insert(measurements).values(job_id=job_id, **row))
        if report.measured is not None:
            connection.execute(
                insert(repetitions), _repetition_rows(report.attempt_id, report.measured)
            )
    return True


def record_failure(engine: Engine, job_id: str, reason: str, now_unix_ms: int) -> None:
    """Ends a job that no attempt can be made at, or none any more."""
    with writing(engine) as connection:
        if end_job(connection, job_id, JobState.FAILED):
            connection.execute(
                insert(measurements).values(
                    measurement_id=uuid.uuid4().hex,
                    job_id=job_id,
                    verdict=Verdict.FAILED.value,
                    reason=reason,
                    runtime_version="",
                    runtime_build="",
                    busy_threads=0,
                    affinity=[],
                    measured_at_unix_ms=now_unix_ms,
                )
            )


def list_measurements(engine: Engine, wanted: MeasurementFilter) -> list[Measurement]:
    """The measurements that the filter lets through, oldest first."""
    query = _joined().order_by(measurements.c.measured_at_unix_ms, jobs.c.position)
    if wanted.device is not None:
        query = query.where(devices.c.name == wanted.device)
    if wanted.sweep_id is not None:
        query = query.where(jobs.c.sweep_id == wanted.sweep_id)
    with writing(engine) as connection:
        return [
            _measurement(
                row,
                _read_repetitions(connection, row["measurement_id"]) if wanted.with_samples else (),
            )
            for row in connection.execute(query).mappings().all()
        ]


def list_outcomes(engine: Engine, sweep_id: str) -> list[JobOutcome]:
    """How the sweep's ended jobs ended, in the order they did."""
    return [
        JobOutcome(
            job_id=measurement.job_id,
            device=measurement.device,
            backbone=measurement.backbone,
            runtime=measurement.runtime,
            threads=measurement.threads,
            verdict=measurement.verdict,
            reason=measurement.reason,
            median_ms=measurement.latency.median_ms if measurement.latency else None,
        )
        for measurement in list_measurements(engine, MeasurementFilter(sweep_id=sweep_id))
    ]


def _settings_of(engine: Engine, attempt_id: str) -> MeasureSettings | None:
    with writing(engine) as connection:
        document = connection.scalars(
            select(jobs.c.settings)
            .join(attempts, attempts.c.job_id == jobs.c.job_id)
            .where(attempts.c.attempt_id == attempt_id)
        ).one_or_none()
    return None if document is None else cattrs.structure(document, MeasureSettings)


def _with_samples_or_failure(report: Report) -> Report:
    """A report whose figures can be computed, or a failure that says why they cannot.

    A report that could never be committed would be sent again forever.
    """
    measured = report.measured
    if measured is None or (
        measured.repetitions and all(taken.latency_ns for taken in measured.repetitions)
    ):
        return report
    failure = Failure(reason=FailureReason.RUBBISH, detail="the agent reported no samples")
    return replace(report, measured=None, failure=failure)


def _measurement_row(report: Report, settings: MeasureSettings) -> dict[str, object]:
    row: dict[str, object] = {
        "measurement_id": report.attempt_id,
        "attempt_id": report.attempt_id,
        "measured_at_unix_ms": report.ended_at_unix_ms,
    }
    measured = report.measured
    if measured is None:
        failure = report.failure
        reason = f"{failure.reason.value}: {failure.detail}" if failure else "no reason was given"
        return row | {
            "verdict": Verdict.FAILED.value,
            "reason": reason,
            "runtime_version": "",
            "runtime_build": "",
            "busy_threads": 0,
            "affinity": [],
        }
    figures = latency_figures(measured.repetitions)
    judged, reason = verdict(figures, settings.relative_half_width)
    return row | {
        "verdict": judged.value,
        "reason": reason,
        "runtime_version": measured.runtime.version,
        "runtime_build": measured.runtime.build,
        "busy_threads": max(repetition.busy_threads for repetition in measured.repetitions),
        "affinity": list(measured.affinity),
        "latency": cattrs.unstructure(figures),
        "memory": cattrs.unstructure(memory_figures(measured.repetitions)),
    }


def _repetition_rows(measurement_id: str, measured: Measured) -> list[dict[str, object]]:
    return [
        {
            "measurement_id": measurement_id,
            "ordinal": ordinal,
            "latency_ns": _pack(repetition.latency_ns),
            "warmup_ns": _pack(repetition.warmup_ns),
            "load_ns": repetition.load_ns,
            "peak_rss_bytes": repetition.peak_rss_bytes,
            "baseline_rss_bytes": repetition.baseline_rss_bytes,
            "pss_bytes": repetition.pss_bytes,
            "busy_threads": repetition.busy_threads,
            "stop_reason": repetition.stop_reason.value,
            "before": cattrs.unstructure(repetition.before),
            "after": cattrs.unstructure(repetition.after),
        }
        for ordinal, repetition in enumerate(measured.repetitions)
    ]


def _read_repetitions(connection: Connection, measurement_id: str) -> tuple[Repetition, ...]:
    rows = connection.execute(
        select(repetitions)
        .where(repetitions.c.measurement_id == measurement_id)
        .order_by(repetitions.c.ordinal)
    ).all()
    return tuple(
        Repetition(
            latency_ns=_unpack(row.latency_ns),
            warmup_ns=_unpack(row.warmup_ns),
            load_ns=row.load_ns,
            peak_rss_bytes=row.peak_rss_bytes,
            baseline_rss_bytes=row.baseline_rss_bytes,
            pss_bytes=row.pss_bytes,
            busy_threads=row.busy_threads,
            stop_reason=StopReason(row.stop_reason),
            before=_device_state(row.before),
            after=_device_state(row.after),
        )
        for row in rows
    )


def _device_state(document: dict[str, object] | None) -> DeviceState | None:
    return None if document is None else cattrs.structure(document, DeviceState)


def _pack(samples: Sequence[int]) -> bytes:
    return np.asarray(samples, dtype=_SAMPLE_TYPE).tobytes()


def _unpack(blob: bytes) -> tuple[int, ...]:
    return tuple(np.frombuffer(blob, dtype=_SAMPLE_TYPE).tolist())


def _joined() -> Select[Any]:
    """The one query that joins measurements with accuracy.

    Accuracy joins on the precision that it was published for: an int8 artifact finds none that
    was published for fp32.
    """
    top1, top5 = accuracies.alias("top1"), accuracies.alias("top5")
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
            sweeps.c.spec.label("sweep_spec"),
            top1.c.value_percent.label("top1"),
            top1.c.source.label("accuracy_source"),
            top5.c.value_percent.label("top5"),
        )
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(sweeps, sweeps.c.sweep_id == jobs.c.sweep_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .outerjoin(backbones, backbones.c.name == jobs.c.backbone)
        .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .outerjoin(top1, _accuracy_of_job(top1))
        .outerjoin(top5, _accuracy_of_job(top5))
    )


def _accuracy_of_job(published: NamedFromClause) -> ColumnElement[bool]:
    return and_(
        published.c.backbone == jobs.c.backbone,
        published.c.precision == jobs.c.precision,
        published.c.dataset == IMAGENET,
        published.c.metric == published.name,
    )


def _measurement(row: RowMapping, raw: tuple[Repetition, ...]) -> Measurement:
    settings = cattrs.structure(row["settings"], MeasureSettings)
    latency, memory = row["latency"], row["memory"]
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
        # A job whose conversion was refused has no artifact; its weights are those asked for.
        weights=WeightsKind(row["weights"] or row["sweep_spec"]["weights"]),
        weights_digest=row["weights_digest"] or "",
        artifact_sha256=row["sha256"] or "",
        artifact_size_bytes=row["size_bytes"] or 0,
        max_relative_difference=row["max_relative_difference"] or 0.0,
        checked_through=row["checked_through"] or "",
        verdict=Verdict(row["verdict"]),
        reason=row["reason"],
        busy_threads=row["busy_threads"],
        measured_at_unix_ms=row["measured_at_unix_ms"],
        top1=row["top1"],
        top5=row["top5"],
        accuracy_source=row["accuracy_source"] or "",
        params_m=row["params_m"],
        flops_g=row["flops_g"],
        latency=cattrs.structure(latency, LatencyFigures) if latency else None,
        memory=cattrs.structure(memory, MemoryFigures) if memory else None,
        repetitions=raw,
        affinity=tuple(row["affinity"]),
    )
