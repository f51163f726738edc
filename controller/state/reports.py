"""Reports: committed once each, with every raw sample."""

from collections.abc import Sequence

import cattrs
import numpy as np
from sqlalchemy import Engine, insert, select, update

from controller.conversation import Measured, Report
from controller.credibility import answering, credible
from controller.domain import MeasureSettings, Verdict
from controller.leases import AttemptState, JobState
from controller.state.database import transaction
from controller.state.jobs import end_job
from controller.state.profiles import record_profile
from controller.state.schema import SAMPLE_TYPE, attempts, jobs, measurements, repetitions
from controller.statistics import latency_figures, memory_figures, verdict


def record_report(engine: Engine, device_id: str, report: Report, now_unix_ms: int) -> bool:
    """Commits how an attempt ended; False when it is not the device's or was committed before.

    The attempt's id is the idempotency key: a repeated report changes nothing.
    """
    settings = _settings_of(engine, device_id, report.attempt_id)
    if settings is None:
        return False
    report = credible(answering(report, settings))
    row = _measurement_row(report, settings) | {"committed_at_unix_ms": now_unix_ms}
    with transaction(engine) as connection:
        connection.execute(
            update(attempts)
            .where(attempts.c.attempt_id == report.attempt_id)
            .values(state=AttemptState.REPORTED.value)
        )
        gave_figures = report.measured is not None or report.profiled is not None
        state = JobState.DONE if gave_figures else JobState.FAILED
        job_id = connection.scalars(
            select(attempts.c.job_id).where(attempts.c.attempt_id == report.attempt_id)
        ).one()
        if not end_job(connection, job_id, state):
            return False
        if settings.profile_runs:
            record_profile(connection, job_id, report, now_unix_ms)
            return True
        connection.execute(insert(measurements).values(job_id=job_id, **row))
        if report.measured is not None:
            connection.execute(
                insert(repetitions), _repetition_rows(report.attempt_id, report.measured)
            )
    return True


def _settings_of(engine: Engine, device_id: str, attempt_id: str) -> MeasureSettings | None:
    with transaction(engine) as connection:
        document = connection.scalars(
            select(jobs.c.settings)
            .join(attempts, attempts.c.job_id == jobs.c.job_id)
            .where(attempts.c.attempt_id == attempt_id, jobs.c.device_id == device_id)
        ).one_or_none()
    return None if document is None else cattrs.structure(document, MeasureSettings)


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
    judged, reason = verdict(figures, measured.repetitions, settings.relative_half_width)
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
            "during": cattrs.unstructure(repetition.during),
            "memory": cattrs.unstructure(repetition.memory),
        }
        for ordinal, repetition in enumerate(measured.repetitions)
    ]


def _pack(samples: Sequence[int]) -> bytes:
    return np.asarray(samples, dtype=SAMPLE_TYPE).tobytes()
