"""Sweeps that a controller remembers, with figures that a test chooses."""

from dataclasses import replace

from sqlalchemy import Engine

from controller.state.attempts import lease_next
from controller.state.reports import record_report
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import measured_report


def record_sweep(engine: Engine, *latency_factors: float) -> str:
    """A sweep of one job, each repetition with the standard report's samples times a factor."""
    sweep_id = start_sweep(engine, "phone", repetitions=len(latency_factors))
    for factor in latency_factors:
        lease = lease_next(engine, "id-of-phone", now_unix_ms=0)
        assert lease is not None
        report = measured_report(lease.attempt_id, lease.job_id)
        assert report.measured is not None
        taken = report.measured.repetition
        scaled = replace(taken, latency_ns=tuple(round(ns * factor) for ns in taken.latency_ns))
        measured = replace(report.measured, repetition=scaled)
        record_report(engine, "id-of-phone", replace(report, measured=measured), now_unix_ms=0)
    return sweep_id
