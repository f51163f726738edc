"""How a job ended, as those are told who follow its sweep."""

from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Measurement


def outcome_of(measurement: Measurement, *, is_sentinel: bool = False) -> JobOutcome:
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
