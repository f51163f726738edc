"""Figures from raw samples: quantiles, spread, the median's interval, and the verdict on them.

Percentiles run from 0 to 100 and interpolate linearly between order statistics (type 7 of Hyndman
and Fan, 1996). Over several repetitions each of these counts alike, however many samples it took
until it was precise: else those that were noisy would decide. Everything is deterministic: the same
samples give the same figures.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from controller.domain.measurements import (
    LatencyFigures,
    MemoryFigures,
    MinuteFigures,
    ProcessMemory,
    Repetition,
    StopReason,
    Verdict,
)
from controller.domain.quantities import format_latency, format_number
from controller.figures.disturbances import throttling
from controller.figures.drift import clock_step, drift, waiting
from controller.figures.minutes import repetitions_of_minute

CONFIDENCE_LEVEL: Final = 0.95
RESAMPLES: Final = 1_000
PERCENTILE_METHOD: Final = "linear"

_NS_PER_MS: Final = 1e6
# Outer fences; what lies beyond them is "far out" (Tukey, Exploratory Data Analysis, 1977, 2D).
_OUTER_FENCE: Final = 3.0
# How unlikely a difference between repetitions must be before it is called one.
_DISAGREEMENT_LEVEL: Final = 0.01
_LEAST_TELLING_FIRST: Final = (
    StopReason.TIME_BUDGET,
    StopReason.NOISE_STABLE,
    StopReason.SUSTAINED,
    StopReason.PRECISE,
)
_SEED: Final = 20_080_817
# Resampled values that scipy may hold at one time, 8 bytes each.
_BATCH_VALUES: Final = 2_000_000
# Resampling 200,000 values one by one takes ten seconds. Of more than this, that the lower median
# is half a rank low is a thirtieth of the median's own deviation.
_MOST_RESAMPLED: Final = 1_000

_Samples = npt.NDArray[np.float64]


class SamplesMissing(ValueError):
    """There is nothing to compute a figure from."""


@dataclass(frozen=True, kw_only=True)
class MedianRatio:
    """One median over another; `low` to `high` is its 95 % interval."""

    ratio: float
    low: float
    high: float


def latency_figures(repetitions: Sequence[Repetition]) -> LatencyFigures:
    """Derive a job's latency figures, in ms.

    Median, p90, p99 and MAD (median absolute deviation, not scaled) are those of all samples, of
    which each repetition's together weigh the same; first run and load are medians over the
    repetitions. The interval is that of `median_interval`. The time budget stopped a job if it
    stopped any repetition. Outliers are those beyond Tukey's upper outer fence of their own
    repetition; they are counted, and are in every figure.

    Raises:
        SamplesMissing: there is no repetition, or one without samples.
    """
    if not repetitions or not all(repetition.latency_ns for repetition in repetitions):
        raise SamplesMissing("latency figures need at least one sample of every repetition")
    samples_ms = [_milliseconds(repetition.latency_ns) for repetition in repetitions]
    median, p90, p99 = _percentiles(samples_ms, 50, 90, 99)
    (mad,) = _percentiles([np.abs(each - median) for each in samples_ms], 50)
    low, high = median_interval(samples_ms)
    return LatencyFigures(
        median_ms=median,
        low_ms=low,
        high_ms=high,
        p90_ms=p90,
        p99_ms=p99,
        mad_ms=mad,
        min_ms=float(min(each.min() for each in samples_ms)),
        first_run_ms=float(np.median(_milliseconds([_first_run_ns(r) for r in repetitions]))),
        load_ms=float(np.median(_milliseconds([r.load_ns for r in repetitions]))),
        sample_count=sum(each.size for each in samples_ms),
        repetition_count=len(repetitions),
        stop_reason=_stop_reason(repetitions),
        outlier_count=sum(map(_outlier_count, samples_ms)),
    )


def minute_figures(repetitions: Sequence[Repetition]) -> tuple[MinuteFigures, ...]:
    """Derive the latency figures of each minute of sustained inference; empty without any.

    A minute in which no inference began has none.
    """
    minutes = max((len(repetition.samples_per_minute) for repetition in repetitions), default=0)
    cut = {n: repetitions_of_minute(repetitions, n) for n in range(1, minutes + 1)}
    return tuple(
        MinuteFigures(minute=minute, latency=latency_figures(of_minute))
        for minute, of_minute in cut.items()
        if of_minute
    )


def memory_figures(repetitions: Sequence[Repetition]) -> MemoryFigures:
    """Derive a job's memory figures: of each kind, that of the repetition that needed most of it.

    Peaks are above the repetition's own baseline, the others are of the whole process.

    A model that fits into what the runtime alone once touched needs 0 bytes more, never less.

    Raises:
        SamplesMissing: there is no repetition.
    """
    if not repetitions:
        raise SamplesMissing("memory figures need at least one repetition")
    hungriest = max(repetitions, key=_rss_above_baseline)
    divided = [(r.memory or ProcessMemory(), r.baseline_rss_bytes) for r in repetitions]
    return MemoryFigures(
        peak_rss_bytes=_rss_above_baseline(hungriest),
        baseline_rss_bytes=hungriest.baseline_rss_bytes,
        pss_bytes=_largest(r.pss_bytes for r in repetitions),
        load_peak_rss_bytes=_largest(_above(m.load_peak_rss_bytes, base) for m, base in divided),
        first_run_peak_rss_bytes=_largest(
            _above(m.first_run_peak_rss_bytes, base) for m, base in divided
        ),
        steady_peak_rss_bytes=_largest(
            _above(m.steady_peak_rss_bytes, base) for m, base in divided
        ),
        private_dirty_bytes=_largest(m.private_dirty_bytes for m, _ in divided),
        anonymous_bytes=_largest(m.anonymous_bytes for m, _ in divided),
        file_backed_bytes=_largest(m.file_backed_bytes for m, _ in divided),
        mapped_artifact_bytes=_largest(m.mapped_artifact_bytes for m, _ in divided),
        least_peak_rss_bytes=min(map(_rss_above_baseline, repetitions)),
    )


def _above(peak_bytes: int | None, baseline_bytes: int) -> int | None:
    return None if peak_bytes is None else max(0, peak_bytes - baseline_bytes)


def _largest(known: Iterable[int | None]) -> int | None:
    return max((each for each in known if each is not None), default=None)


def relative_half_width(figures: LatencyFigures) -> float:
    """Return the interval's reach from the median, on its wider side, relative to the median."""
    reach_ms = max(figures.high_ms - figures.median_ms, figures.median_ms - figures.low_ms)
    return reach_ms / figures.median_ms


def verdict(
    figures: LatencyFigures,
    repetitions: Sequence[Repetition],
    settings_relative_half_width: float,
) -> tuple[Verdict, str]:
    """Judge whether the device kept its speed and the interval is as narrow as was asked for.

    Throttled is what a limit, heat, drift or a leak changed while it ran. Noisy is what other
    processes took the cores from, however narrow its interval. Too wide an interval is unstable
    where repetitions disagree, and the reason says how far; else it is noisy, and the reason says
    what would have made it narrower: time to take more samples, more repetitions, or steadier
    samples. For ok the reason is empty, but for what a figure does not tell: how another process
    would have run, where there was only one; whether it had warmed up; times of day, where a clock
    was set.

    Args:
        figures: of one job.
        repetitions: what the figures were derived from.
        settings_relative_half_width: what was asked for; 0.02 is ±2 %.
    """
    throttled, crowded = throttling(repetitions), waiting(repetitions)
    # Whoever shares its cores drifts, too, and the device is not to blame for that.
    changed = throttled or ("" if crowded else drift(repetitions))
    if changed:
        return Verdict.THROTTLED, changed
    if crowded:
        return Verdict.NOISY, crowded
    reached = relative_half_width(figures)
    if reached <= settings_relative_half_width:
        return Verdict.OK, "; ".join(_reservations(repetitions))
    width = (
        f"the interval is ±{reached * 100:.3g} %, "
        f"wanted ±{settings_relative_half_width * 100:.3g} %"
    )
    # Asked first: more time would not have brought processes together that truly differ.
    if _disagree(repetitions):
        return Verdict.UNSTABLE, f"its repetitions disagree: {_medians(repetitions)}; {width}"
    return Verdict.NOISY, f"{width}: {_why_wide(repetitions)}"


def _reservations(repetitions: Sequence[Repetition]) -> Iterator[str]:
    if len(repetitions) == 1:
        yield "one process measured it, which tells nothing of how another would have run"
    unsettled = sum(repetition.warmup_settled is False for repetition in repetitions)
    if unsettled:
        yield (
            f"the warm-up of {unsettled} of {len(repetitions)} repetitions ended before it had "
            "settled; a larger --time-budget gives it more"
        )
    stepped = clock_step(repetitions)
    if stepped:
        yield stepped


def median_interval(samples: Sequence[_Samples]) -> tuple[float, float]:
    """Bound the median at 95 %, given the samples of each repetition.

    One repetition: the percentile bootstrap, by scipy, or of more than 1,000 samples as below. It
    tells nothing of how another process would have run.

    Several: the hull of two intervals, and of the median itself.

    - The hierarchical bootstrap: resample repetitions, then samples within them, and take the
      percentiles of the pooled median (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8;
      Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, 2013).
    - Student's t interval of the repetitions' own medians, on the logarithm, as latency is positive
      and its disturbances multiply. Resampling k repetitions cannot reach beyond those k, and it
      understates their variance by the factor (k - 1) / k: far too narrow for 2 or 3 (Cameron,
      Gelbach and Miller, Bootstrap-Based Improvements for Inference with Clustered Errors, 2008).
      With k - 1 degrees of freedom the t interval is as wide as so few processes oblige it to be:
      2.5 standard deviations to each side for 3, 1.2 for 5, and 6.4 times the difference for 2.
    """
    if len(samples) == 1:
        return _bootstrap_interval(samples[0])
    between_low, between_high = _between_interval(samples)
    within_low, within_high = _hierarchical_interval(samples)
    (median,) = _percentiles(samples, 50)
    return min(between_low, within_low, median), max(between_high, within_high, median)


def median_ratio(figures: LatencyFigures, reference: LatencyFigures) -> MedianRatio:
    """Divide a job's median latency by that of another, independently measured one.

    The interval follows from the two medians' own: on the logarithm, the reach of the one upwards
    and that of the other downwards add up like standard errors, each with its own degrees of
    freedom (Zou and Donner, Construction of Confidence Limits about Effect Measures, 2008).
    Exchanging the jobs gives the reciprocals. Welch's t interval (1947) is narrower, yet it holds
    the truth in only 90 % of cases where one job has 2 processes, the other 5, and those 2 vary
    most.
    """
    log_ratio = math.log(figures.median_ms / reference.median_ms)
    down, up = _log_reaches(figures)
    reference_down, reference_up = _log_reaches(reference)
    return MedianRatio(
        ratio=math.exp(log_ratio),
        low=math.exp(log_ratio - math.hypot(down, reference_up)),
        high=math.exp(log_ratio + math.hypot(up, reference_down)),
    )


def _log_reaches(figures: LatencyFigures) -> tuple[float, float]:
    """How far the interval reaches below and above the median, on the logarithm."""
    return (
        math.log(figures.median_ms / figures.low_ms),
        math.log(figures.high_ms / figures.median_ms),
    )


def _bootstrap_interval(samples: _Samples) -> tuple[float, float]:
    # A single sample, or equal ones, have no spread that a bootstrap could see.
    if np.ptp(samples) == 0:
        return float(samples[0]), float(samples[0])
    if samples.size > _MOST_RESAMPLED:
        return _hierarchical_interval([samples])
    interval = stats.bootstrap(
        (samples,),
        np.median,
        n_resamples=RESAMPLES,
        batch=max(1, _BATCH_VALUES // samples.size),
        confidence_level=CONFIDENCE_LEVEL,
        method="percentile",
        vectorized=True,
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _between_interval(samples: Sequence[_Samples]) -> tuple[float, float]:
    logs = np.log([np.median(repetition) for repetition in samples])
    error = stats.sem(logs)
    if error == 0:
        return float(np.exp(logs[0])), float(np.exp(logs[0]))
    low, high = stats.t.interval(CONFIDENCE_LEVEL, len(logs) - 1, loc=logs.mean(), scale=error)
    return float(np.exp(low)), float(np.exp(high))


def _hierarchical_interval(samples: Sequence[_Samples]) -> tuple[float, float]:
    medians = _resampled_medians(samples, np.random.default_rng(_SEED))
    tail = 100 * (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.percentile(medians, [tail, 100 - tail], method=PERCENTILE_METHOD)
    return float(low), float(high)


def _resampled_medians(samples: Sequence[_Samples], rng: np.random.Generator) -> _Samples:
    """Resample as many repetitions as there are, in each its samples, pool, take the lower median.

    Of each repetition as many are drawn, so that each counts alike: the harmonic mean of their
    numbers, with which a mean of their medians would vary as much as it does.
    The draws themselves are not needed: how many of them fall at or below a value is binomial, so
    the median is found by halving the range of values and splitting the draws inside it in two.
    That is the same distribution at a cost that hardly grows with the number of samples.
    """
    values = np.unique(np.concatenate(samples))
    # at_or_below[v, r]: samples of repetition r that are at or below the v smallest values.
    at_or_below = np.zeros((values.size + 1, len(samples)), dtype=np.int64)
    for repetition, column in zip(samples, at_or_below.T, strict=True):
        column[1:] = np.searchsorted(np.sort(repetition), values, side="right")
    times_chosen = rng.multinomial(len(samples), np.full(len(samples), 1 / len(samples)), RESAMPLES)
    inside = times_chosen * max(1, round(stats.hmean(at_or_below[-1])))
    wanted = (inside.sum(axis=1) + 1) // 2
    first = np.zeros(RESAMPLES, dtype=np.int64)
    last = np.full(RESAMPLES, values.size)
    while np.any(last - first > 1):
        middle = (first + last) // 2
        span = np.maximum(at_or_below[last] - at_or_below[first], 1)
        lower = rng.binomial(inside, (at_or_below[middle] - at_or_below[first]) / span)
        is_lower = lower.sum(axis=1) >= wanted
        wanted = np.where(is_lower, wanted, wanted - lower.sum(axis=1))
        inside = np.where(is_lower[:, np.newaxis], lower, inside - lower)
        first, last = np.where(is_lower, first, middle), np.where(is_lower, middle, last)
    medians: _Samples = values[last - 1]
    return medians


def _percentiles(samples: Sequence[_Samples], *percents: float) -> list[float]:
    """Percentiles of all samples, of which each repetition's together weigh the same."""
    values = np.concatenate(samples)
    most = max(each.size for each in samples)
    weights = np.concatenate([np.full(each.size, most / each.size) for each in samples])
    order = np.argsort(values, kind="stable")
    weights = weights[order]
    # Halfway between neighbours ends the one's weight; equal weights give type 7.
    positions = np.concatenate(([0.0], np.cumsum((weights[1:] + weights[:-1]) / 2)))
    wanted = np.asarray(percents) / 100 * positions[-1]
    found: list[float] = np.interp(wanted, positions, values[order]).tolist()
    return found


def _outlier_count(samples: _Samples) -> int:
    first_quartile, third_quartile = np.percentile(samples, [25, 75], method=PERCENTILE_METHOD)
    fence = third_quartile + _OUTER_FENCE * (third_quartile - first_quartile)
    return int(np.count_nonzero(samples > fence))


def _milliseconds(nanoseconds: Sequence[int]) -> _Samples:
    return np.asarray(nanoseconds, dtype=np.float64) / _NS_PER_MS


def _why_wide(repetitions: Sequence[Repetition]) -> str:
    if _stop_reason(repetitions) is StopReason.TIME_BUDGET:
        return "the time budget ended first"
    if _stop_reason(repetitions) is StopReason.NOISE_STABLE:
        return "its noise is stable and stays larger"
    if len(repetitions) > 1:
        return f"{len(repetitions)} repetitions are too few"
    return "its samples spread too far"


def _medians(repetitions: Sequence[Repetition]) -> str:
    medians = [float(np.median(_milliseconds(r.latency_ns))) for r in repetitions]
    return f"medians from {format_number(min(medians))} to {format_latency(max(medians))}"


def _disagree(repetitions: Sequence[Repetition]) -> bool:
    """Say whether repetitions differ by more than the spread of their samples explains.

    Kruskal and Wallis, Use of Ranks in One-Criterion Variance Analysis, 1952. Widths alone do not
    tell: the interval between few repetitions is wide even where only their samples are noisy.
    """
    if len(repetitions) == 1:
        return False
    test = stats.kruskal(*(_milliseconds(repetition.latency_ns) for repetition in repetitions))
    return bool(test.pvalue < _DISAGREEMENT_LEVEL)


def _first_run_ns(repetition: Repetition) -> int:
    return repetition.warmup_ns[0] if repetition.warmup_ns else repetition.latency_ns[0]


def _rss_above_baseline(repetition: Repetition) -> int:
    return max(0, repetition.peak_rss_bytes - repetition.baseline_rss_bytes)


def _stop_reason(repetitions: Sequence[Repetition]) -> StopReason:
    """The one that says least of how precise the figures are."""
    reasons = {repetition.stop_reason for repetition in repetitions}
    return next(reason for reason in _LEAST_TELLING_FIRST if reason in reasons)
