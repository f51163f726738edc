"""What an agent speaks of: its device, leases, measurements, reports.

The dataclasses mirror the messages of the contract by their field names (see protos/codec.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Runtime(Enum):
    """An inference library that an agent can measure with."""

    PADDLELITE = "paddlelite"
    ONNXRUNTIME = "onnxruntime"


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


class FailureReason(Enum):
    """Why an attempt gave no figure."""

    ARTIFACT = "artifact"
    NO_RUNTIME = "no_runtime"
    RUNTIME_ERROR = "runtime_error"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    RUBBISH = "rubbish"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    NOT_READY = "not_ready"


class Stage(Enum):
    """What the agent does with an attempt now."""

    FETCHING = "fetching"
    MEASURING = "measuring"
    WAITING = "waiting"


@dataclass(frozen=True, kw_only=True)
class RuntimeInfo:
    """A runtime that the device has; `build` is empty where the library says nothing of it."""

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
    """What the device is; empty or 0 is unknown, never guessed."""

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
    """Everything that one repetition is told, besides the artifact.

    Attributes:
        relative_half_width: wanted half-width of the median's 95 % interval; 0.02 is +-2 %.
        time_budget_ms: the longest that one repetition may sample, warm-up not counted.
        cores: those that the child may run on; empty is every one that the agent may use.
        flush_denormals: subnormal numbers count as 0.
        onnxruntime: of that runtime only.
        gate: what the device has to be like before a repetition starts.
        sustained_minutes: continuous inference in the place of half-width and budget; 0 is neither.
        profile_runs: inferences to profile in the place of measuring; 0 measures.
    """

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
        warmup_settled: whether the warm-up's windows agreed when it ended.
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
    samples_per_minute: tuple[int, ...] = ()
    warmup_settled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An attempt that gave samples; `affinity` lists the cores that the child could run on."""

    runtime: RuntimeInfo
    repetition: Repetition
    affinity: tuple[int, ...] = ()


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
class Profiled:
    """An attempt that profiled; `trace_gzip` is the runtime's own trace, compressed."""

    runtime: RuntimeInfo
    times: OperatorTimes
    trace_gzip: bytes
    affinity: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An attempt that gave none; `detail` is one sentence."""

    reason: FailureReason
    detail: str


@dataclass(frozen=True, kw_only=True)
class Hello:
    """The agent's first message."""

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile
    held_attempt_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The controller's first message."""

    heartbeat_interval_ms: int


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The agent is alive, and so are the leases of these attempts."""

    held_attempt_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The agent is free to measure."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an attempt is; `detail` tells people what a start waits for."""

    attempt_id: str
    stage: Stage
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """How an attempt ended; exactly one of its three outcomes is there."""

    attempt_id: str
    job_id: str
    started_at_unix_ms: int
    ended_at_unix_ms: int
    measured: Measured | None = None
    failure: Failure | None = None
    profiled: Profiled | None = None


@dataclass(frozen=True, kw_only=True)
class Lease:
    """One attempt at a job's repetition of this ordinal, this agent's until heartbeats end."""

    attempt_id: str
    job_id: str
    artifact_sha256: str
    artifact_size_bytes: int
    backbone: str
    settings: MeasureSettings
    ordinal: int = 0


@dataclass(frozen=True, kw_only=True)
class UnreadableLease:
    """A lease that this version of the agent cannot read; `detail` says why."""

    attempt_id: str
    job_id: str
    received_at_unix_ms: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class ReportCommitted:
    """The controller has the report of this attempt for good."""

    attempt_id: str


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The controller wants no more of this attempt."""

    attempt_id: str


FromAgent = Hello | Heartbeat | Ready | Progress | Report
FromController = Welcome | Lease | UnreadableLease | ReportCommitted | Cancel
