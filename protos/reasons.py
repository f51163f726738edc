"""Reasons: why a figure is as it is, why an attempt gave none, why something lost or was left out.

A reason is a code with its figures and words. Rules make it, it is stored and sent as it is, and
only views write a sentence of it: programs compare codes, people read sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class ReasonCode(Enum):
    """What is so; each code with its figures, then its words.

    Figures are numbers in the unit that their names end with; shares and changes are fractions:
    0.18 is 18 %. Half-widths that are reached and wanted are relative to the median. A word is a
    name, a tool's own text where it is called detail, and a measurement's id where it is called
    other.
    """

    # What a measurement's figures do not tell, or what keeps them from being ok.
    LATENCY_SHIFTED = "latency_shifted"
    """Figures: change, after_share, repetition, repetitions."""
    MEMORY_GREW = "memory_grew"
    """Figures: grown_bytes, repetition, repetitions."""
    CORES_SHARED = "cores_shared"
    """Figures: share."""
    CLOCK_SET = "clock_set"
    """Figures: step_ms, repetition, repetitions."""
    THROTTLING_COUNTED = "throttling_counted"
    """Figures: count, repetition, repetitions. Words: counter."""
    QUOTA_ENDED = "quota_ended"
    """Figures: count, periods, repetition, repetitions."""
    LIMIT_IN_FORCE = "limit_in_force"
    """Figures: repetition, repetitions. Words: limit."""
    CLOCK_FELL = "clock_fell"
    """Figures: cpu, from_khz, to_khz, repetition, repetitions."""
    DEVICE_DRIFTED = "device_drifted"
    """Figures: slowdown."""
    RUNTIME_CHANGED = "runtime_changed"
    """Words: runtime, versions."""
    STARTS_MISSED = "starts_missed"
    """Figures: count, deadline_ms."""
    STARTED_UNREADY = "started_unready"
    """Figures: count, repetitions. What was in the way stands beside it."""
    UNREADY_LEFT_OUT = "unready_left_out"
    """Figures: count, repetitions. What was in the way stands beside it."""
    SHIFTED_LEFT_OUT = "shifted_left_out"
    """Figures: count, repetitions. How latency shifted in the first of them stands beside it."""
    UNWATCHED = "unwatched"
    """Figures: count, repetitions."""
    STILL_MEASURED = "still_measured"
    """Figures: repetitions (so far)."""
    ONE_PROCESS = "one_process"
    MEANS_ONLY = "means_only"
    WARMUP_UNSETTLED = "warmup_unsettled"
    """Figures: count, repetitions."""
    OUTPUTS_UNCHECKED = "outputs_unchecked"
    """Figures: count, repetitions."""
    REPETITIONS_DISAGREE = "repetitions_disagree"
    """Figures: least_ms, most_ms (of their medians), reached, wanted."""
    TIME_BUDGET_ENDED = "time_budget_ended"
    """Figures: reached, wanted."""
    NOISE_STAYS = "noise_stays"
    """Figures: reached, wanted."""
    FEW_REPETITIONS = "few_repetitions"
    """Figures: repetitions, reached, wanted."""
    SAMPLES_SPREAD = "samples_spread"
    """Figures: reached, wanted."""

    # Why an attempt, or all of a job, gave no figure.
    ARTIFACT_BROKEN = "artifact_broken"
    """Words: detail."""
    ARTIFACT_DAMAGED = "artifact_damaged"
    """Words: detail. Its bytes were not those of its digest, each time that it was fetched."""
    NO_RUNTIME = "no_runtime"
    """Words: detail."""
    RUNTIME_ERROR = "runtime_error"
    """Words: detail."""
    CRASHED = "crashed"
    """Words: detail."""
    TIMED_OUT = "timed_out"
    """Words: detail."""
    RUBBISH = "rubbish"
    """Words: detail."""
    OUT_OF_MEMORY = "out_of_memory"
    """Words: detail."""
    ATTEMPT_CANCELLED = "attempt_cancelled"
    """Words: detail."""
    NOT_READY = "not_ready"
    """Figures: deadline_ms. What was in the way stands beside it."""
    AGENT_VANISHED = "agent_vanished"
    """Figures: attempts."""
    NEVER_REPORTED = "never_reported"
    """Figures: attempts."""
    FAILED_IN_A_ROW = "failed_in_a_row"
    """Figures: backbones. Of a device; why the last of them failed stands beside it."""
    REPORTS_NOTHING = "reports_nothing"
    """Figures: attempts. Of a device."""
    NO_ARTIFACT = "no_artifact"
    """Words: detail; log_id where a tool said more."""
    WEIGHTS_UNAVAILABLE = "weights_unavailable"
    """Words: detail."""
    JOB_UNREADABLE = "job_unreadable"
    """What is stored of the job cannot be read. Words: detail."""
    CONTROLLER_DEFECT = "controller_defect"
    NOTHING_TOLD = "nothing_told"
    PROFILE_FAILED = "profile_failed"
    """Words: backbone, device. Why stands beside it."""
    WRONG_OUTPUT = "wrong_output"
    """Figures: inputs. What is wrong with its outputs stands beside it."""

    # What is wrong with outputs on a device.
    OUTPUT_BEYOND_TOLERANCE = "output_beyond_tolerance"
    """Figures: difference, l2_difference, tolerance, each relative to what it should be."""
    OUTPUT_NOT_FINITE = "output_not_finite"
    """Figures: share."""
    OUTPUT_CONSTANT = "output_constant"
    OUTPUT_OF_OTHER_SHAPE = "output_of_other_shape"

    # What a start gate waits for.
    BATTERY_LOW = "battery_low"
    """Figures: charge_percent, least_percent."""
    PROCESSOR_WARM = "processor_warm"
    """Figures: celsius, limit_celsius."""
    PROCESSOR_ABOVE_REST = "processor_above_rest"
    """Figures: celsius, limit_celsius."""
    CORES_TAKEN = "cores_taken"
    """Figures: load_by_others, most."""

    # Why a candidate did not win. Its own figures are those of its measurement.
    LATENCY_OVER_LIMIT = "latency_over_limit"
    """Figures: low_ms, high_ms, limit_ms."""
    LATENCY_CROSSES_LIMIT = "latency_crosses_limit"
    """Figures: low_ms, high_ms, limit_ms."""
    MEMORY_UNKNOWN = "memory_unknown"
    MEMORY_OVER_LIMIT = "memory_over_limit"
    """Figures: peak_rss_bytes, limit_bytes."""
    TOP1_UNDER_LIMIT = "top1_under_limit"
    """Figures: top1_percent, limit_percent."""
    NOT_IN_CATALOG = "not_in_catalog"
    """Words: tier."""
    OUTSIDE_TIER = "outside_tier"
    """Words: tier, detail."""
    SURPASSED_IN_SERIES = "surpassed_in_series"
    """Words: tier."""
    DOMINATED = "dominated"
    """Figures: top1_percent, other_top1_percent, median_ms, other_median_ms. Words: other."""
    DOMINATED_AT_TIED_LATENCY = "dominated_at_tied_latency"
    """Figures: top1_percent, other_top1_percent, median_ms, other_median_ms. Words: other."""
    OFF_THE_WINNER = "off_the_winner"
    """Figures: top1_percent, other_top1_percent, median_ms, other_median_ms."""
    OFF_THE_WINNER_AT_TIED_LATENCY = "off_the_winner_at_tied_latency"
    """Figures: top1_percent, other_top1_percent, median_ms, other_median_ms."""
    TIED_BY_LATENCY = "tied_by_latency"
    """Figures: low_ms, high_ms, winner_low_ms, winner_high_ms."""
    TIED_BY_ALL = "tied_by_all"
    """Figures: low_ms, high_ms, winner_low_ms, winner_high_ms."""

    TIED_BY_VALUE = "tied_by_value"
    """Figures: low_ms, high_ms, winner_low_ms, winner_high_ms."""
    TIED_BY_MEMORY = "tied_by_memory"
    """Figures: peak_rss_bytes, other_peak_rss_bytes."""
    SLOWER_THAN_WINNER = "slower_than_winner"
    """Figures: median_ms, other_median_ms."""
    MORE_MEMORY_THAN_WINNER = "more_memory_than_winner"
    """Figures: peak_rss_bytes, other_peak_rss_bytes."""

    # Why a measurement is not ranked or compared, besides its own reasons.
    OLDER_COUNTS = "older_counts"
    ACCURACY_UNKNOWN = "accuracy_unknown"
    """Words: dataset."""
    ACCURACY_UNKNOWN_IN_PRECISION = "accuracy_unknown_in_precision"
    """Words: dataset, precision."""
    ACCURACY_UNPUBLISHED = "accuracy_unpublished"
    ACCURACY_OF_OTHER_SIZE = "accuracy_of_other_size"
    """Words: known_size, measured_size."""
    NOT_PACED = "not_paced"
    """Figures: fps."""
    NOT_SUSTAINED = "not_sustained"
    """Figures: minute."""
    PAST_LAST_MINUTE = "past_last_minute"
    """Figures: minute, minutes."""
    MINUTE_EMPTY = "minute_empty"
    """Figures: minute."""
    WITHOUT_PARTNER = "without_partner"
    DEVICE_EMULATED = "device_emulated"
    """Words: emulator."""

    # Why a pair cannot be told apart, or is the same without measuring.
    SAME_MEASUREMENT = "same_measurement"
    ONE_REPETITION_IN_A = "one_repetition_in_a"
    """Figures: fewest."""
    ONE_REPETITION_IN_B = "one_repetition_in_b"
    """Figures: fewest."""
    SIDES_IN_DOUBT = "sides_in_doubt"
    """Words: a, b, the verdict of each that is in doubt."""
    INTERVAL_HOLDS_ONE = "interval_holds_one"
    """Figures: margin."""

    # What a device cannot do of what was asked.
    RUNTIME_MISSING = "runtime_missing"
    """Words: device, runtime, has."""
    ARCHITECTURE_UNKNOWN = "architecture_unknown"
    """Words: device, architecture, known."""
    PRECISION_MISSING = "precision_missing"
    """Words: device, runtime, architecture, precision, has."""
    CORES_MISSING = "cores_missing"
    """Words: device, cores, has."""
    CORE_CLASSES_UNKNOWN = "core_classes_unknown"
    """Words: device, choice, has."""
    CORES_ALIKE = "cores_alike"
    """Words: device, choice, has."""
    CORES_NOT_ALLOWED = "cores_not_allowed"
    """Words: device, choice, cores, has."""
    THREADS_EXCEED_CHOSEN = "threads_exceed_chosen"
    """Figures: threads, count. Words: device, cores."""
    THREADS_EXCEED_ALLOWED = "threads_exceed_allowed"
    """Figures: threads, count, device_cores. Words: device."""
    THREADS_EXCEED_CORES = "threads_exceed_cores"
    """Figures: threads, device_cores. Words: device."""
    THREADS_EXCEED_QUOTA = "threads_exceed_quota"
    """Figures: threads, quota_cores. Words: device."""
    PROVIDER_MISSING = "provider_missing"
    """Words: device, runtime, provider, has."""
    FLUSHING_UNKNOWN = "flushing_unknown"
    """Words: device, architecture, known."""
    FILE_TOO_NEW = "file_too_new"
    """Figures: ir_version, opset, reads_ir_version, reads_opset. Words: device, backbone,
    version."""
    RUNTIME_BROKEN = "runtime_broken"
    """Words: device, runtime, version, detail (its last words)."""
    HALF_PRECISION_MISSING = "half_precision_missing"
    """Words: device, runtime, precision."""
    EXTRA_KERNELS_MISSING = "extra_kernels_missing"
    """Words: device, backbone, version, operators."""
    ACCELERATOR_MISSING = "accelerator_missing"
    """Words: device, accelerator."""
    # Of no one device.
    ADDED_AS_ONNX = "added_as_onnx"
    """Words: backbone."""
    CAME_QUANTISED = "came_quantised"
    """Words: backbone, asked, has."""
    NOT_QUANTISED = "not_quantised"
    """Words: backbone, has."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A code with its figures and words; which ones, `ReasonCode` says."""

    code: ReasonCode
    figures: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write it for a log: clock_set step_ms=3600000 repetition=1."""
        told = {**self.figures, **self.words}
        return " ".join([self.code.value, *(f"{name}={each}" for name, each in told.items())])


def reason(code: ReasonCode, words: Mapping[str, str] | None = None, /, **figures: float) -> Reason:
    """Make a reason: `reason(ReasonCode.CLOCK_SET, step_ms=3_600_000, repetition=1)`."""
    return Reason(code=code, figures=figures, words=words or {})
