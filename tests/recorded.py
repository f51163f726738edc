"""Sweeps that a controller remembers, with figures that a test chooses."""

from dataclasses import replace

from controller.state.attempts import lease_next
from controller.state.database import Database
from models.catalog.precisions import Precision
from protos.device import DeviceState
from protos.runtimes import Runtime
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import LITE, RUNTIME, measured_report
from tests.measured import record_report

LITE_RATIO = 1.5
_RUNTIMES = {Runtime.ONNXRUNTIME: (RUNTIME, 1.0), Runtime.PADDLELITE: (LITE, LITE_RATIO)}


def record_sweep(
    database: Database,
    *latency_factors: float,
    backbones: tuple[str, ...] = ("MobileNetV1",),
    runtimes: tuple[Runtime, ...] = (Runtime.ONNXRUNTIME,),
    waiting_share: float | None = None,
    device: str = "phone",
    precisions: tuple[Precision, ...] = (),
) -> str:
    """A sweep whose repetitions have the standard report's samples, each times its factor.

    Paddle Lite's take `LITE_RATIO` times as long. `waiting_share` of the time others had the cores.
    """
    repetitions, device_id = len(latency_factors), f"id-of-{device}"
    sweep_id = start_sweep(
        database,
        device,
        repetitions=repetitions,
        backbones=backbones,
        runtimes=runtimes,
        precisions=precisions,
    )
    for _ in range(repetitions * len(backbones) * len(runtimes) * max(1, len(precisions))):
        lease = lease_next(database, device_id, now_unix_ms=0)
        assert lease is not None
        runtime, ratio = _RUNTIMES[lease.settings.runtime]
        factor = ratio * latency_factors[lease.ordinal - 1]
        report = measured_report(lease.attempt_id, lease.job_id)
        assert report.measured is not None
        taken = report.measured.repetition
        scaled = replace(taken, latency_ns=tuple(round(ns * factor) for ns in taken.latency_ns))
        if waiting_share is not None:
            after = DeviceState(taken_at_unix_ms=0, waiting_share=waiting_share)
            scaled = replace(scaled, after=after)
        measured = replace(report.measured, runtime=runtime, repetition=scaled)
        record_report(
            database, f"id-of-{device}", replace(report, measured=measured), now_unix_ms=0
        )
    return sweep_id
