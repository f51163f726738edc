"""What the controller speaks of: devices, sweeps, jobs, measurements, rankings.

The dataclasses mirror the messages of the contract by their field names (see protos/codec.py), and
their JSON form is what every `--json` prints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from models.catalog.catalog import IMAGENET
from models.catalog.own import OwnFormat
from models.catalog.variants import WeightsKind


class Runtime(Enum):
    """An inference library that an agent can measure with."""

    PADDLELITE = "paddlelite"
    ONNXRUNTIME = "onnxruntime"


class Verdict(Enum):
    """How far a figure can be trusted."""

    OK = "ok"
    NOISY = "noisy"
    THROTTLED = "throttled"
    UNSTABLE = "unstable"
    FAILED = "failed"


class StopReason(Enum):
    """Why a repetition took no more samples."""

    PRECISE = "precise"
    TIME_BUDGET = "time_budget"
    NOISE_STABLE = "noise_stable"
    SUSTAINED = "sustained"


class GraphOptimization(Enum):
    """How much ONNX Runtime rewrites a graph when it loads it."""

    DISABLED = "disabled"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


class SweepPhase(Enum):
    """How far a sweep is."""

    CONVERTING = "converting"
    MEASURING = "measuring"
    ENDED = "ended"
    CANCELLED = "cancelled"


class ConversionResult(Enum):
    """What became of one variant."""

    STORED = "stored"
    CACHED = "cached"
    REFUSED = "refused"
    FAILED = "failed"
    CHECKED = "checked"
    """Made and found to be Paddle's, and not kept: the disk has no room."""


@dataclass(frozen=True, kw_only=True)
class RuntimeInfo:
    """A runtime that a device has."""

    runtime: Runtime
    version: str
    build: str = ""
    execution_providers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CoreCluster:
    """Cores that are alike; a capacity of 1024 is that of the device's most capable core."""

    cpus: tuple[int, ...]
    capacity: int | None = None
    max_frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class CpuCache:
    """Caches that are alike, and the cores that have one, alone or shared."""

    level: int
    kind: str
    size_bytes: int
    count: int
    cpus: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """What a device says of itself; empty or 0 is unknown."""

    architecture: str
    cpu_model: str = ""
    logical_cores: int = 0
    memory_bytes: int = 0
    kernel: str = ""
    operating_system: str = ""
    hostname: str = ""
    python_version: str = ""
    agent_version: str = ""
    runtimes: tuple[RuntimeInfo, ...] = ()
    instruction_sets: tuple[str, ...] = ()
    soc: str = ""
    board: str = ""
    clusters: tuple[CoreCluster, ...] = ()
    caches: tuple[CpuCache, ...] = ()
    android_properties: Mapping[str, str] = field(default_factory=dict)
    container: str = ""
    virtual_machine: str = ""
    emulator: str = ""
    usable_cpus: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CpuClock:
    """One core's clock, as sysfs tells it."""

    cpu: int
    governor: str | None = None
    frequency_khz: int | None = None


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """One thermal zone."""

    zone: str
    celsius: float


@dataclass(frozen=True, kw_only=True)
class ThrottleCounter:
    """How often something has slowed the device down since it started."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Battery:
    """How full it is, and what happens to it as the kernel says; an empty status is unknown."""

    charge_percent: int | None = None
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class PowerReading:
    """What one sensor says: watts now, or microjoules counted since some moment."""

    source: str
    watts: float | None = None
    energy_uj: int | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceState:
    """The device at one moment; empty where the kernel tells nothing.

    Attributes:
        active_limits: what keeps the device slow at this moment.
        measured_cpus: cores that the measuring child computed on since the state before; known,
            like the next, only while it samples.
        load_by_others: how many cores' time others than the child took since the state before.
        waiting_share: for how much of the sampling before, 0 to 1, the thread of the child that
            waited longest was ready to run while others had its core.
    """

    taken_at_unix_ms: int
    clocks: tuple[CpuClock, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    load_average: float | None = None
    throttle_counters: tuple[ThrottleCounter, ...] = ()
    active_limits: tuple[str, ...] = ()
    battery: Battery | None = None
    power: tuple[PowerReading, ...] = ()
    measured_cpus: tuple[int, ...] = ()
    load_by_others: float | None = None
    waiting_share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that enrolled at some time."""

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile
    connected: bool
    enrolled_at_unix_ms: int
    last_seen_at_unix_ms: int


@dataclass(frozen=True, kw_only=True)
class OnnxRuntimeOptions:
    """What ONNX Runtime alone is told; the provider is named as it names it itself."""

    execution_provider: str = "CPUExecutionProvider"
    graph_optimization: GraphOptimization = GraphOptimization.ALL
    spinning: bool = True
    arena: bool = True


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


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """What a person asks for: every backbone on every device, runtime and thread count.

    No precision means fp32, no input size each backbone's evaluation size, no batch 1.
    """

    backbones: tuple[str, ...]
    devices: tuple[str, ...]
    runtimes: tuple[Runtime, ...]
    threads: tuple[int, ...]
    weights: WeightsKind
    repetitions: int
    relative_half_width: float
    time_budget_ms: int
    precisions: tuple[str, ...] = ()
    input_sizes: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    cores: str = ""
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()
    sustained_minutes: int = 0
    sentinel: bool = False


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """A job that ended."""

    job_id: str
    device: str
    backbone: str
    runtime: Runtime
    threads: int
    weights: WeightsKind
    precision: str
    input_size: int
    batch: int
    verdict: Verdict
    reason: str = ""
    median_ms: float | None = None
    is_sentinel: bool = False


@dataclass(frozen=True, kw_only=True)
class SweepSnapshot:
    """How far a sweep is; `ended` holds the jobs that ended since the stream's last snapshot."""

    sweep_id: str
    phase: SweepPhase
    artifacts_total: int
    artifacts_done: int
    jobs_total: int
    jobs_queued: int
    jobs_running: int
    ended: tuple[JobOutcome, ...] = ()
    activity: str = ""
    repetitions_total: int = 0
    repetitions_done: int = 0


@dataclass(frozen=True, kw_only=True)
class CancelledSweep:
    """The phase of a sweep after somebody cancelled it: ENDED for one that had ended before."""

    phase: SweepPhase


@dataclass(frozen=True, kw_only=True)
class ConversionSpec:
    """Backbones to be made into every format and target; the rest as with `SweepSpec`."""

    backbones: tuple[str, ...]
    weights: WeightsKind
    precisions: tuple[str, ...] = ()
    input_sizes: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversionOutcome:
    """What became of one variant; `top1_agreement` with fp32 is 0 to 1."""

    backbone: str
    format: str
    precision: str
    target: str
    input_size: int
    batch: int
    result: ConversionResult
    weights: WeightsKind
    weights_digest: str
    reason: str = ""
    artifact_sha256: str = ""
    artifact_size_bytes: int = 0
    max_relative_difference: float | None = None
    parity_tolerance: float | None = None
    checked_through: str = ""
    parity_input_count: int = 0
    top1_agreement: float | None = None
    passes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConversionSnapshot:
    """How far a conversion is; `ended` holds what ended since the stream's last snapshot."""

    artifacts_total: int
    artifacts_done: int
    ended: tuple[ConversionOutcome, ...] = ()
    activity: str = ""


@dataclass(frozen=True, kw_only=True)
class ProfileSpec:
    """What a person asks to be profiled; no input size means the backbone's evaluation size."""

    backbone: str
    device: str
    runtime: Runtime
    threads: int
    weights: WeightsKind
    precision: str
    batch: int
    run_count: int
    input_size: int | None = None
    cores: str = ""
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()


@dataclass(frozen=True, kw_only=True)
class ProfileProgress:
    """How far a profile is that has not ended."""

    profile_id: str
    phase: SweepPhase
    activity: str = ""


@dataclass(frozen=True, kw_only=True)
class OperatorProfile:
    """Where the time of a backbone's inferences on a device went, with its context."""

    profile_id: str
    device: str
    backbone: str
    runtime: Runtime
    runtime_version: str
    runtime_build: str
    format: str
    precision: str
    target: str
    input_size: int
    batch: int
    threads: int
    weights: WeightsKind
    weights_digest: str
    artifact_sha256: str
    affinity: tuple[int, ...]
    profiled_at_unix_ms: int
    times: OperatorTimes
    settings: MeasureSettings | None = None


@dataclass(frozen=True, kw_only=True)
class LatencyFigures:
    """Figures derived from raw samples; `low_ms` to `high_ms` is the median's 95 % interval.

    `outlier_count` is None where it was measured before outliers were counted.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    p90_ms: float
    p99_ms: float
    mad_ms: float
    min_ms: float
    first_run_ms: float
    load_ms: float
    sample_count: int
    repetition_count: int
    stop_reason: StopReason
    outlier_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class MinuteFigures:
    """What one minute of sustained inference was like, the first being minute 1.

    First run and load are those of the whole measurement.
    """

    minute: int
    latency: LatencyFigures


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Peak resident memory, whole and by phase, above that of the runtime with no model.

    Of the repetition that needed most; `least_peak_rss_bytes` is of the one that needed least. The
    other figures are of the whole process; see `ProcessMemory`.
    """

    peak_rss_bytes: int
    baseline_rss_bytes: int
    pss_bytes: int | None = None
    load_peak_rss_bytes: int | None = None
    first_run_peak_rss_bytes: int | None = None
    steady_peak_rss_bytes: int | None = None
    private_dirty_bytes: int | None = None
    anonymous_bytes: int | None = None
    file_backed_bytes: int | None = None
    mapped_artifact_bytes: int | None = None
    least_peak_rss_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A measurement beside its backbone's accuracy, percent, of the same precision."""

    measurement_id: str
    sweep_id: str
    job_id: str
    device: str
    backbone: str
    series: str
    runtime: Runtime
    runtime_version: str
    runtime_build: str
    format: str
    precision: str
    target: str
    input_size: int
    batch: int
    threads: int
    weights: WeightsKind
    weights_digest: str
    artifact_sha256: str
    artifact_size_bytes: int
    max_relative_difference: float
    checked_through: str
    verdict: Verdict
    measured_at_unix_ms: int
    reason: str = ""
    busy_threads: int = 0
    top1: float | None = None
    top5: float | None = None
    accuracy_source: str = ""
    params_m: float | None = None
    flops_g: float | None = None
    latency: LatencyFigures | None = None
    memory: MemoryFigures | None = None
    repetitions: tuple[Repetition, ...] = ()
    affinity: tuple[int, ...] = ()
    accuracy_dataset: str = IMAGENET
    settings: MeasureSettings | None = None
    minutes: tuple[MinuteFigures, ...] = ()
    repetitions_wanted: int = 0


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What a winner must satisfy; None is no constraint. `tier` is mobile, desktop or server.

    Only measurements whose verdict is ok count, and those with one that `include` names. With
    `at_minute`, sustained measurements are ranked by their figures of that minute.
    """

    max_latency_ms: float | None = None
    max_memory_bytes: int | None = None
    min_top1: float | None = None
    tier: str | None = None
    runtime: Runtime | None = None
    threads: int | None = None
    include: tuple[Verdict, ...] = ()
    at_minute: int | None = None

    @property
    def admitted(self) -> frozenset[Verdict]:
        """Every verdict that counts.

        Of one minute, throttled counts too: how slow the device was by then is what is asked.
        """
        of_a_minute = () if self.at_minute is None else (Verdict.THROTTLED,)
        return frozenset({Verdict.OK, *self.include, *of_a_minute})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A measured candidate and what became of it; `lost_because` is empty for the winner."""

    measurement: Measurement
    on_pareto_front: bool
    latency_ties: tuple[str, ...] = ()
    lost_because: str = ""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Which backbone is best on a device under constraints, and why the others are not.

    Without a winner, `would_win_with` holds the verdicts whose inclusion would give one.
    """

    device: str
    constraints: Constraints
    winner: Candidate | None = None
    ties: tuple[Candidate, ...] = ()
    pareto_front: tuple[Candidate, ...] = ()
    others: tuple[Candidate, ...] = ()
    left_out: tuple[Measurement, ...] = ()
    unmeasured: tuple[str, ...] = ()
    suggested_sweep: str = ""
    accuracy_dataset: str = IMAGENET
    would_win_with: tuple[Verdict, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MeasurementFilter:
    """Which measurements to read; None is no restriction."""

    device: str | None = None
    sweep_id: str | None = None
    with_samples: bool = False
    accuracy_dataset: str = IMAGENET


@dataclass(frozen=True, kw_only=True)
class AccuracyFigure:
    """One row of a CSV file of accuracy; `row` is its line, `metric` is top1 or top5."""

    row: int
    backbone: str
    dataset: str
    metric: str
    value_percent: float
    precision: str
    source: str


@dataclass(frozen=True, kw_only=True)
class AccuracyImport:
    """What an import did; replaced figures are among the counted ones."""

    figure_count: int
    replaced_count: int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that accuracy is known on."""

    name: str
    backbone_count: int
    figure_count: int
    metrics: tuple[str, ...]
    precisions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """One file of an own model on its way."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class OwnModelHeader:
    """What comes before the bytes of an own model; without a size, the model says its own."""

    name: str
    format: OwnFormat
    files: tuple[OwnFile, ...]
    input_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """A model that a person added; `output_shapes` are those for one image."""

    name: str
    format: OwnFormat
    digest: str
    size_bytes: int
    input_size: int
    params_m: float
    output_shapes: tuple[str, ...]
    added_at_unix_ms: int
