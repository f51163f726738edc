"""What a person asks of devices, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.cores import Cores
from controller.domain.measurements import Verdict
from models.catalog.variants import Precision, WeightsKind
from protos.device import DeviceProfile
from protos.measuring import StartGate
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

DEFAULT_REPETITIONS: Final = 5
DEFAULT_RELATIVE_HALF_WIDTH: Final = 0.01
DEFAULT_TIME_BUDGET_MS: Final = 10_000
DEFAULT_GATE: Final = StartGate(
    # Well below where processors slow down, and above most that are at rest; one that is warmer at
    # rest starts when it is back there.
    max_celsius=60,
    # A desktop that nobody works at takes a tenth. A shared machine may work on something all the
    # time: what one core's load does to figures shows in their verdicts.
    max_load_by_others=1.0,
    # Phones save power below it.
    min_battery_percent=20,
    deadline_ms=60_000,
)


class SweepPhase(Enum):
    """How far a sweep is."""

    CONVERTING = "converting"
    MEASURING = "measuring"
    ENDED = "ended"
    CANCELLED = "cancelled"


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
    precisions: tuple[Precision, ...] = ()
    input_sizes: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    cores: Cores = Cores()
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()
    sustained_minutes: int = 0
    sentinel: bool = False


class ActivityKind(Enum):
    """What goes on: with a conversion, or on a device."""

    FETCHING_WEIGHTS = "fetching_weights"
    CONVERTING = "converting"
    STARTING = "starting"
    FETCHING_ARTIFACT = "fetching_artifact"
    WAITING = "waiting"
    MEASURING = "measuring"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What goes on now, for those who watch.

    Attributes:
        kind: what is done.
        backbone: what it is done with.
        done_bytes: of weights.
        total_bytes: of weights; 0 is not known.
        step: of a conversion, in the converters' words.
        device: where it is measured; empty for a conversion.
        runtime: what measures it; None for a conversion.
        ordinal: which repetition, from 0.
        is_profile: whether operators are timed.
        waiting_for: what a start waits for.
    """

    kind: ActivityKind
    backbone: str
    done_bytes: int = 0
    total_bytes: int = 0
    step: str = ""
    device: str = ""
    runtime: Runtime | None = None
    ordinal: int = 0
    is_profile: bool = False
    waiting_for: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """A job that ended."""

    job_id: str
    device: str
    backbone: str
    runtime: Runtime
    threads: int
    weights: WeightsKind
    precision: Precision
    input_size: int
    batch: int
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
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
    activities: tuple[Activity, ...] = ()
    repetitions_total: int = 0
    repetitions_done: int = 0


@dataclass(frozen=True, kw_only=True)
class CancelledSweep:
    """The phase of a sweep after somebody cancelled it: ENDED for one that had ended before."""

    phase: SweepPhase


MAX_MINUTES = 60


MAX_THREADS = 256


MAX_BATCH = 64


MAX_REPETITIONS = 20


MIN_TIME_BUDGET_MS = 100


MAX_TIME_BUDGET_MS = 600_000


MAX_RELATIVE_HALF_WIDTH = 0.5


# No processor works at a higher one.
MAX_CELSIUS = 120


MAX_START_DEADLINE_MS = 3_600_000
