"""Domain objects for tests: whole, plausible, and changed only where a test says so."""

from collections.abc import Mapping
from typing import Any

from controller.domain.devices import Device
from controller.domain.measurements import (
    DelegationFigures,
    EnergyFigures,
    LatencyFigures,
    Measurement,
    MemoryFigures,
    MeteredEnergy,
    MinuteFigures,
    OutputFigures,
    PacedFigures,
    ProviderShare,
    Verdict,
)
from models.catalog.catalog import Backbone, Catalog
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.device import (
    Battery,
    CoreCluster,
    CpuCache,
    CpuClock,
    DeviceProfile,
    DeviceState,
    PowerReading,
    Temperature,
    ThrottleCounter,
)
from protos.inputs import NetworkInput, square
from protos.measuring import (
    MeasureSettings,
    OutputCheck,
    ProcessMemory,
    Repetition,
    StopReason,
)
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime, RuntimeInfo
from tests.unit.controller.samples.reasons import CRASHED

DEVICE = "pi5"
MS = 1_000_000


ENERGY = EnergyFigures(
    meters=(
        MeteredEnergy(
            source="battery",
            per_inference_mj=12.5,
            low_mj=11.0,
            high_mj=14.0,
            busy_watts=4.0,
            resting_watts=1.5,
            repetition_count=3,
        ),
    )
)


PARTLY = DelegationFigures(
    providers=(
        ProviderShare(
            provider="XnnpackExecutionProvider",
            node_count=30,
            node_share=0.75,
            time_share=0.9,
        ),
        ProviderShare(
            provider="CPUExecutionProvider",
            node_count=10,
            node_share=0.25,
            time_share=0.1,
        ),
    ),
    is_full=False,
)


def backbone(name: str, top1: float | None = 75.0, **changes: Any) -> Backbone:
    fields: dict[str, Any] = {
        "name": name,
        "architecture": name,
        "series": name.split("_", maxsplit=1)[0],
        "top1": top1,
        "top5": None,
        "params_m": 5.0,
        "flops_g": 0.5,
        "input_size": square(224),
        "distilled": False,
        "extra_data": False,
        "source": "docs/models.md",
    }
    return Backbone(**(fields | changes))


def catalog(**top1: float | None) -> Catalog:
    return Catalog(backbone(name, accuracy) for name, accuracy in top1.items())


def figures(
    median_ms: float, half_width_ms: float = 0.0, stop_reason: StopReason = StopReason.PRECISE
) -> LatencyFigures:
    return LatencyFigures(
        median_ms=median_ms,
        low_ms=median_ms - half_width_ms,
        high_ms=median_ms + half_width_ms,
        p90_ms=median_ms * 1.05,
        p99_ms=median_ms * 1.2,
        mad_ms=median_ms * 0.01,
        min_ms=median_ms * 0.97,
        first_run_ms=median_ms * 3,
        load_ms=20.0,
        sample_count=600,
        repetition_count=3,
        stop_reason=stop_reason,
    )


def settings(runtime: Runtime = Runtime.ONNXRUNTIME, **changes: Any) -> MeasureSettings:
    fields: dict[str, Any] = {
        "runtime": runtime,
        "threads": 1,
        "relative_half_width": 0.02,
        "time_budget_ms": 10_000,
        "takes": NetworkInput(size=square(224)),
        "input_seed": 1,
        "onnxruntime": OnnxRuntimeOptions() if runtime is Runtime.ONNXRUNTIME else None,
    }
    return MeasureSettings(**(fields | changes))


def measurement(
    name: str,
    median_ms: float = 10.0,
    half_width_ms: float = 0.1,
    top1: float | None = 75.0,
    **changes: Any,
) -> Measurement:
    runtime = changes.get("runtime", Runtime.ONNXRUNTIME)
    threads = changes.get("threads", 1)
    fields: dict[str, Any] = {
        "measurement_id": f"{name}-{runtime.value}-{threads}",
        "sweep_id": "sweep-1",
        "job_id": f"job-{name}-{runtime.value}-{threads}",
        "device": DEVICE,
        "backbone": name,
        "series": name.split("_", maxsplit=1)[0],
        "runtime": runtime,
        "runtime_version": "1.23.2" if runtime is Runtime.ONNXRUNTIME else "2.13rc0",
        "runtime_build": "",
        "format": Format.ONNX if runtime is Runtime.ONNXRUNTIME else Format.PADDLELITE,
        "precision": Precision.FP32,
        "target": Target.ANY if runtime is Runtime.ONNXRUNTIME else Target.ARM,
        "input_size": square(224),
        "batch": 1,
        "threads": threads,
        "weights": WeightsKind.PRETRAINED,
        "weights_digest": "5f" * 32,
        "artifact_sha256": "a7" * 32,
        "artifact_size_bytes": 12_000_000,
        "max_relative_difference": 2.5e-6,
        "checked_through": CheckedThrough.OWN_FORMAT,
        "verdict": Verdict.OK,
        "measured_at_unix_ms": 1_764_000_000_000,
        "top1": top1,
        "latency": figures(median_ms, half_width_ms),
        "memory": MemoryFigures(peak_rss_bytes=40_000_000, baseline_rss_bytes=60_000_000),
        "outputs": OutputFigures(
            input_count=4,
            repetition_count=3,
            max_relative_difference=2.6e-6,
            l2_relative_difference=1.8e-6,
            top1_agreement=1.0,
        ),
        "output_tolerance": 1.1e-4,
        "repetitions_wanted": 3,
    }
    return Measurement(**(fields | changes))


def sustained(name: str, minutes_ms: Mapping[int, float], **changes: Any) -> Measurement:
    """A measurement of as many minutes as the last of these, with a median for each."""
    settings = MeasureSettings(
        runtime=changes.get("runtime", Runtime.ONNXRUNTIME),
        threads=changes.get("threads", 1),
        relative_half_width=0.01,
        time_budget_ms=10_000,
        takes=NetworkInput(size=square(224)),
        input_seed=1,
        sustained_minutes=max(minutes_ms),
    )
    minutes = tuple(
        MinuteFigures(minute=minute, latency=figures(ms, ms * 0.01, StopReason.SUSTAINED))
        for minute, ms in minutes_ms.items()
    )
    fields: dict[str, Any] = {
        "settings": settings,
        "minutes": minutes,
        "measurement_id": f"{name}-sustained",
        "latency": figures(max(minutes_ms.values()), 0.1, StopReason.SUSTAINED),
    }
    return measurement(name, **(fields | changes))


def paced(
    name: str, median_ms: float, paced_ms: float, *, fps: float = 30, **changes: Any
) -> Measurement:
    """A measurement back to back, and on a clock behind it."""
    fields: dict[str, Any] = {
        "settings": settings(paced_fps=fps),
        "measurement_id": f"{name}-paced",
        "paced": PacedFigures(
            fps=fps,
            latency=figures(paced_ms, paced_ms * 0.01),
            frame_count=450,
            missed_count=3,
            dropped_count=1,
            missed_share=3 / 450,
            times_back_to_back=paced_ms / median_ms,
        ),
    }
    return measurement(name, median_ms, **(fields | changes))


def failed(name: str, why: Reason = CRASHED, **changes: Any) -> Measurement:
    fields: dict[str, Any] = {
        "verdict": Verdict.FAILED,
        "reasons": (why,),
        "latency": None,
        "memory": None,
        "outputs": None,
        "measurement_id": f"{name}-failed",
    }
    return measurement(name, **(fields | changes))


def repetition(latency_ns: tuple[int, ...], **changes: Any) -> Repetition:
    fields: dict[str, Any] = {
        "latency_ns": latency_ns,
        "warmup_ns": (9 * MS, 5 * MS),
        "load_ns": 30 * MS,
        "peak_rss_bytes": 100_000_000,
        "baseline_rss_bytes": 60_000_000,
        "busy_threads": 1,
        "stop_reason": StopReason.PRECISE,
        "pss_bytes": 80_000_000,
        "before": state(),
        "after": state(),
        "memory": ProcessMemory(load_peak_rss_bytes=95_000_000, anonymous_bytes=70_000_000),
        "during": (state(measured_cpus=(0,), load_by_others=0.02),),
        "output_check": OutputCheck(
            input_count=4,
            max_relative_difference=2.1e-6,
            l2_relative_difference=1.4e-6,
            top1_agreement=1.0,
        ),
    }
    return Repetition(**(fields | changes))


def state(**changes: Any) -> DeviceState:
    fields: dict[str, Any] = {
        "taken_at_unix_ms": 1_764_000_000_000,
        "clocks": (CpuClock(cpu=0, governor="performance", frequency_khz=2_400_000),),
        "temperatures": (Temperature(zone="cpu-thermal", celsius=48.5),),
        "load_average": 0.12,
        "throttle_counters": (ThrottleCounter(name="get_throttled throttled", count=0),),
        "battery": Battery(charge_percent=80, status="Discharging"),
        "power": (PowerReading(source="battery", watts=4.2),),
    }
    return DeviceState(**(fields | changes))


def device(**changes: Any) -> Device:
    profile = DeviceProfile(
        architecture="aarch64",
        cpu_model="Cortex-A76",
        logical_cores=4,
        memory_bytes=8_260_000_000,
        kernel="Linux 6.6.31",
        operating_system="Debian GNU/Linux 12 (bookworm)",
        hostname="pi5",
        python_version="3.11.2",
        agent_version="0.1.0",
        runtimes=(
            RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2", build="Release"),
            RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13rc0"),
        ),
        instruction_sets=("asimd", "asimddp"),
        soc="brcm,bcm2712",
        clusters=(CoreCluster(cpus=(0, 1, 2, 3), capacity=1_024, max_frequency_khz=2_400_000),),
        caches=(CpuCache(level=1, kind="data", size_bytes=65_536, count=4, cpus=(0, 1, 2, 3)),),
    )
    fields: dict[str, Any] = {
        "device_id": "5d8a1f3e-0f4d-4b6e-9d59-0d7f6f4a7c11",
        "name": DEVICE,
        "labels": {"room": "lab"},
        "profile": profile,
        "connected": True,
        "enrolled_at_unix_ms": 1_763_000_000_000,
        "last_seen_at_unix_ms": 1_764_000_000_000,
    }
    return Device(**(fields | changes))
