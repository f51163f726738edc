"""What the controller speaks of: devices, sweeps, jobs, measurements, rankings.

The dataclasses mirror the messages of the contract by their field names (see protos/codec.py), and
their JSON form is what every `--json` prints.
"""

from dataclasses import dataclass
from enum import Enum

from models.catalog.catalog import IMAGENET
from models.catalog.variants import CheckedThrough, Format, Precision, Target, WeightsKind
from protos.measuring import MeasureSettings, Repetition, StopReason
from protos.reasons import Reason
from protos.runtimes import Runtime


class Verdict(Enum):
    """How far a figure can be trusted."""

    OK = "ok"
    NOISY = "noisy"
    THROTTLED = "throttled"
    UNSTABLE = "unstable"
    FAILED = "failed"


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
    format: Format
    precision: Precision
    target: Target
    input_size: int
    batch: int
    threads: int
    weights: WeightsKind
    weights_digest: str
    artifact_sha256: str
    artifact_size_bytes: int
    max_relative_difference: float
    checked_through: CheckedThrough
    verdict: Verdict
    measured_at_unix_ms: int
    reasons: tuple[Reason, ...] = ()
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
class MeasurementFilter:
    """Which measurements to read; None is no restriction.

    With `at_minute`, they come with the figures and samples of that minute of sustained inference.
    """

    device: str | None = None
    sweep_id: str | None = None
    with_samples: bool = False
    accuracy_dataset: str = IMAGENET
    at_minute: int | None = None


def sustained_minutes(measurement: Measurement) -> int:
    """How many minutes of continuous inference were asked for; 0 for an ordinary measurement."""
    return 0 if measurement.settings is None else measurement.settings.sustained_minutes


def latency_at(measurement: Measurement, minute: int) -> LatencyFigures | None:
    """The latency figures of a minute, the first being 1; None where there are none."""
    return next((each.latency for each in measurement.minutes if each.minute == minute), None)
