"""Measuring: what a repetition is told, and what it tells."""

from dataclasses import dataclass
from enum import Enum

from protos.device import DeviceState
from protos.runtimes import OnnxRuntimeOptions, Runtime


class StopReason(Enum):
    """Why a repetition took no more samples."""

    PRECISE = "precise"
    TIME_BUDGET = "time_budget"
    NOISE_STABLE = "noise_stable"
    SUSTAINED = "sustained"


@dataclass(frozen=True, kw_only=True)
class StartGate:
    """What the device has to be like before a repetition starts; None is no condition.

    Attributes:
        max_celsius: the hottest zone of the processor is below it, or back at its resting level.
        max_load_by_others: cores' time that others take; 0.5 is half of one core.
        min_battery_percent: of a device that runs on its battery.
        deadline_ms: how long a start may wait; then the attempt fails.
    """

    max_celsius: float | None = None
    max_load_by_others: float | None = None
    min_battery_percent: int | None = None
    deadline_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """Everything that one repetition is told, besides the artifact; see protos/v1/types.proto."""

    runtime: Runtime
    threads: int
    relative_half_width: float
    time_budget_ms: int
    input_shape: tuple[int, ...]
    input_seed: int
    cores: tuple[int, ...] = ()
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()
    sustained_minutes: int = 0
    profile_runs: int = 0


@dataclass(frozen=True, kw_only=True)
class ProcessMemory:
    """How a whole child's resident memory divides; None where the kernel does not tell.

    Attributes:
        load_peak_rss_bytes: high-water mark while it loaded the artifact.
        first_run_peak_rss_bytes: the same of the first run.
        steady_peak_rss_bytes: the same of the warm-up.
        private_dirty_bytes: written to and not shared; this and the rest when it was warmed up.
        anonymous_bytes: heap and stacks.
        file_backed_bytes: pages of mapped files.
        mapped_artifact_bytes: of those the artifact's; 0 where the runtime copies it.
        sampled_anonymous_bytes: heap and stacks when sampling had ended, samples included.
    """

    load_peak_rss_bytes: int | None = None
    first_run_peak_rss_bytes: int | None = None
    steady_peak_rss_bytes: int | None = None
    private_dirty_bytes: int | None = None
    anonymous_bytes: int | None = None
    file_backed_bytes: int | None = None
    mapped_artifact_bytes: int | None = None
    sampled_anonymous_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """What one child process measured; latencies in ns, in the order they were taken.

    Attributes:
        is_suspect: it was taken while the sentinel drifted; figures are derived without it, unless
            fewer than two others are left: then all count, and the verdict is throttled.
        warmup_settled: whether the warm-up's windows agreed when it ended; None is unknown.
        samples_per_minute: of sustained inference: how many of them each minute has, in order.
    """

    latency_ns: tuple[int, ...]
    warmup_ns: tuple[int, ...]
    load_ns: int
    peak_rss_bytes: int
    baseline_rss_bytes: int
    busy_threads: int
    stop_reason: StopReason
    pss_bytes: int | None = None
    before: DeviceState | None = None
    after: DeviceState | None = None
    during: tuple[DeviceState, ...] = ()
    memory: ProcessMemory | None = None
    is_suspect: bool = False
    samples_per_minute: tuple[int, ...] = ()
    warmup_settled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """What one node of the graph, as the runtime runs it, took; nodes inside it do not count.

    Attributes:
        name: as the runtime calls it, whose optimiser makes nodes that the artifact does not have.
        output_shapes: "1x64x56x56" of each output, as it was last.
        call_count: in all profiled inferences together, like `total_ns`.
        median_ns: of one inference.
    """

    name: str
    operator: str
    execution_provider: str
    call_count: int
    total_ns: int
    median_ns: int
    output_shapes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OperatorTimes:
    """Where the time of some inferences went; `total_ns` is the wall time of all of them.

    Attributes:
        unprofiled_run_median_ns: the median of as many inferences with the profiler off.
        layers: in the order in which they first ran.
    """

    run_count: int
    total_ns: int
    run_median_ns: int
    unprofiled_run_median_ns: int
    layers: tuple[LayerTime, ...]
