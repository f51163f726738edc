"""Reasons: why a figure is as it is, why an attempt gave none, why something lost or was left out.

A reason is a code with its figures and words. Rules make it, it is stored and sent as it is, and
only views write a sentence of it: programs compare codes, people read sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class ReasonCode(Enum):
    """What is so. Behind each member: its figures, then its words.

    Figures are numbers in the unit that their names end with; shares and changes are fractions
    (0.18 is 18 %). A word is a name, or a tool's own text where it is called detail.
    """

    # What a measurement's figures do not tell, or what keeps them from being ok.
    LATENCY_SHIFTED = "latency_shifted"  # change, after_share, repetition, repetitions
    MEMORY_GREW = "memory_grew"  # grown_bytes, repetition, repetitions
    CORES_SHARED = "cores_shared"  # share, repetition, repetitions
    CLOCK_SET = "clock_set"  # step_ms, repetition, repetitions
    THROTTLING_COUNTED = "throttling_counted"  # count, repetition, repetitions; counter
    LIMIT_IN_FORCE = "limit_in_force"  # repetition, repetitions; limit
    CLOCK_FELL = "clock_fell"  # cpu, from_khz, to_khz, repetition, repetitions
    DEVICE_DRIFTED = "device_drifted"  # slowdown
    RUNTIME_CHANGED = "runtime_changed"  # words: runtime, versions
    STARTS_MISSED = "starts_missed"  # count, deadline_ms
    UNWATCHED = "unwatched"  # count, repetitions
    ONE_PROCESS = "one_process"
    WARMUP_UNSETTLED = "warmup_unsettled"  # count, repetitions
    # The next five all have reached and wanted, the interval's half-widths relative to the median.
    REPETITIONS_DISAGREE = "repetitions_disagree"  # least_ms, most_ms, of their medians
    TIME_BUDGET_ENDED = "time_budget_ended"
    NOISE_STAYS = "noise_stays"
    FEW_REPETITIONS = "few_repetitions"  # repetitions
    SAMPLES_SPREAD = "samples_spread"

    # Why an attempt, or all of a job, gave no figure. Those of an agent have the word detail.
    ARTIFACT_BROKEN = "artifact_broken"
    NO_RUNTIME = "no_runtime"
    RUNTIME_ERROR = "runtime_error"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    RUBBISH = "rubbish"
    OUT_OF_MEMORY = "out_of_memory"
    ATTEMPT_CANCELLED = "attempt_cancelled"
    NOT_READY = "not_ready"  # deadline_ms; what was in the way stands beside it
    AGENT_VANISHED = "agent_vanished"  # attempts
    NO_ARTIFACT = "no_artifact"  # words: detail
    CONTROLLER_DEFECT = "controller_defect"
    NOTHING_TOLD = "nothing_told"
    PROFILE_FAILED = "profile_failed"  # words: backbone, device; why stands beside it

    # What a start gate waits for.
    BATTERY_LOW = "battery_low"  # charge_percent, least_percent
    PROCESSOR_WARM = "processor_warm"  # celsius, limit_celsius
    PROCESSOR_ABOVE_REST = "processor_above_rest"  # celsius, limit_celsius
    CORES_TAKEN = "cores_taken"  # load_by_others, most

    # Why a candidate did not win. Its own figures are those of its measurement.
    LATENCY_OVER_LIMIT = "latency_over_limit"  # low_ms, high_ms, limit_ms
    LATENCY_CROSSES_LIMIT = "latency_crosses_limit"  # low_ms, high_ms, limit_ms
    MEMORY_UNKNOWN = "memory_unknown"
    MEMORY_OVER_LIMIT = "memory_over_limit"  # peak_rss_bytes, limit_bytes
    TOP1_UNDER_LIMIT = "top1_under_limit"  # top1_percent, limit_percent
    NOT_IN_CATALOG = "not_in_catalog"  # words: tier
    OUTSIDE_TIER = "outside_tier"  # words: tier, detail
    SURPASSED_IN_SERIES = "surpassed_in_series"  # words: tier
    # The next four have top1_percent, other_top1_percent, median_ms, other_median_ms.
    DOMINATED = "dominated"  # words: other, a measurement's id
    DOMINATED_AT_TIED_LATENCY = "dominated_at_tied_latency"  # words: other
    OFF_THE_WINNER = "off_the_winner"
    OFF_THE_WINNER_AT_TIED_LATENCY = "off_the_winner_at_tied_latency"
    # The next two have low_ms, high_ms, winner_low_ms, winner_high_ms.
    TIED_BY_LATENCY = "tied_by_latency"
    TIED_BY_ALL = "tied_by_all"

    # Why a measurement is not ranked or compared, besides its own reasons.
    OLDER_COUNTS = "older_counts"
    ACCURACY_UNKNOWN = "accuracy_unknown"  # words: dataset
    ACCURACY_UNKNOWN_IN_PRECISION = "accuracy_unknown_in_precision"  # words: dataset, precision
    ACCURACY_UNPUBLISHED = "accuracy_unpublished"
    ACCURACY_OF_OTHER_SIZE = "accuracy_of_other_size"  # known_px, measured_px
    NOT_SUSTAINED = "not_sustained"  # minute
    PAST_LAST_MINUTE = "past_last_minute"  # minute, minutes
    MINUTE_EMPTY = "minute_empty"  # minute
    WITHOUT_PARTNER = "without_partner"

    # Why a pair cannot be told apart, or is the same without measuring.
    SAME_MEASUREMENT = "same_measurement"
    ONE_REPETITION_IN_A = "one_repetition_in_a"  # fewest
    ONE_REPETITION_IN_B = "one_repetition_in_b"  # fewest
    SIDES_IN_DOUBT = "sides_in_doubt"  # words: a, b, the verdict of each that is in doubt
    INTERVAL_HOLDS_ONE = "interval_holds_one"  # margin

    # What a device cannot do of what was asked; all have the word device.
    RUNTIME_MISSING = "runtime_missing"  # words: runtime, has
    ARCHITECTURE_UNKNOWN = "architecture_unknown"  # words: architecture, known
    PRECISION_MISSING = "precision_missing"  # words: runtime, architecture, precision, has
    CORES_MISSING = "cores_missing"  # words: cores, has
    CORE_CLASSES_UNKNOWN = "core_classes_unknown"  # words: choice, has
    CORES_ALIKE = "cores_alike"  # words: choice, has
    CORES_NOT_ALLOWED = "cores_not_allowed"  # words: choice, cores, has
    THREADS_EXCEED_CHOSEN = "threads_exceed_chosen"  # threads, count; cores
    THREADS_EXCEED_ALLOWED = "threads_exceed_allowed"  # threads, count, device_cores
    THREADS_EXCEED_CORES = "threads_exceed_cores"  # threads, device_cores
    PROVIDER_MISSING = "provider_missing"  # words: runtime, provider, has
    FLUSHING_UNKNOWN = "flushing_unknown"  # words: architecture, known
    # Of no one device.
    ADDED_AS_ONNX = "added_as_onnx"  # words: backbone


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
