"""What devices are in simulated time, and what they measure: numbers drawn from the attempt."""

import random

from protos.device import DeviceProfile
from protos.fleet import Failure, Lease, Measured, Report, failed
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.measured import repetition_of
from tests.simulation.schedules import MOST_THREADS

RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
PROFILE = DeviceProfile(
    architecture="aarch64",
    runtimes=(RUNTIME,),
    logical_cores=MOST_THREADS,
    hostname="somewhere-else",
)
_SAMPLES = 6


def device_name(number: int) -> str:
    """What a device is called."""
    return f"device-{number:05}"


def samples_of(attempt_id: str) -> tuple[int, ...]:
    """What an attempt measures, ns: no two attempts the same."""
    rng = random.Random(attempt_id)
    typical_ns = 5e6 * rng.lognormvariate(0, 0.02)
    return tuple(round(typical_ns * rng.lognormvariate(0, 0.01)) for _ in range(_SAMPLES))


def report_of(lease: Lease, ended_at_unix_ms: int, took_ms: int, code: ReasonCode | None) -> Report:
    """What an agent reports; with a code, that the attempt failed for it."""
    return Report(
        attempt_id=lease.attempt_id,
        job_id=lease.job_id,
        started_at_unix_ms=ended_at_unix_ms - took_ms,
        ended_at_unix_ms=ended_at_unix_ms,
        measured=None if code else _measured(lease),
        failure=_failure(code) if code else None,
    )


def _measured(lease: Lease) -> Measured:
    repetition = repetition_of(samples_of(lease.attempt_id))
    return Measured(runtime=RUNTIME, repetition=repetition, affinity=(0,))


def _failure(code: ReasonCode) -> Failure:
    if code is ReasonCode.NOT_READY:
        return Failure(reasons=(reason(code, deadline_ms=60_000),))
    return failed(code, "simulated")
