"""Statistics of raw samples: quantiles, spread, and the median's interval.

Percentiles run from 0 to 100 and interpolate linearly between order statistics (type 7 of Hyndman
and Fan, 1996). Over several repetitions each of these counts alike, however many samples it took
until it was precise: else those that were noisy would decide. Everything is deterministic: the same
samples give the same figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy
from scipy import special

from controller.domain.measurements import LatencyFigures
from protos.measuring import Repetition, StopReason

CONFIDENCE_LEVEL: Final = 0.95
RESAMPLES: Final = 1_000
PERCENTILE_METHOD: Final = "linear"

_NS_PER_MS: Final = 1e6
_LEAST_TELLING_FIRST: Final = (
    StopReason.TIME_BUDGET,
    StopReason.NOISE_STABLE,
    StopReason.BELOW_PROCESS_SPREAD,
    StopReason.SUSTAINED,
    StopReason.PRECISE,
)
_SEED: Final = 20_080_817
# Resampled values that scipy may hold at one time, 8 bytes each.
_BATCH_VALUES: Final = 2_000_000
# Resampling 200,000 values one by one takes ten seconds. Of more than this, that the lower median
# is half a rank low is a thirtieth of the median's own deviation.
_MOST_RESAMPLED: Final = 1_000
_MOST_RESAMPLES: Final = 100_000
_LEAST_BEYOND: Final = 20

_Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MedianRatio:
    """One median over another; `low` to `high` is its 95 % interval."""

    ratio: float
    low: float
    high: float


def relative_half_width(figures: LatencyFigures) -> float:
    """Return the interval's reach from the median, on its wider side, relative to the median."""
    reach_ms = max(figures.high_ms - figures.median_ms, figures.median_ms - figures.low_ms)
    return reach_ms / figures.median_ms


def median_interval(
    samples: Sequence[_Samples], confidence: float = CONFIDENCE_LEVEL
) -> tuple[float, float]:
    """Bound the median at a confidence, 95 % by itself, given the samples of each repetition.

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

    So many resamples are drawn that at least 20 lie beyond either end, up to 100,000 in all; at
    a confidence beyond 0.9996 the ends of the bootstrap are its most extreme resamples.
    """
    if len(samples) == 1:
        return _bootstrap_interval(samples[0], confidence)
    between_low, between_high = _between_interval(samples, confidence)
    within_low, within_high = _hierarchical_interval(samples, confidence)
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


def _resamples(confidence: float) -> int:
    tail = (1 - confidence) / 2
    return max(RESAMPLES, min(_MOST_RESAMPLES, math.ceil(_LEAST_BEYOND / tail)))


def _bootstrap_interval(samples: _Samples, confidence: float) -> tuple[float, float]:
    # A single sample, or equal ones, have no spread that a bootstrap could see.
    if np.ptp(samples) == 0:
        return float(samples[0]), float(samples[0])
    if samples.size > _MOST_RESAMPLED:
        return _hierarchical_interval([samples], confidence)
    interval = scipy.stats.bootstrap(
        (samples,),
        np.median,
        n_resamples=_resamples(confidence),
        batch=max(1, _BATCH_VALUES // samples.size),
        confidence_level=confidence,
        method="percentile",
        vectorized=True,
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _between_interval(samples: Sequence[_Samples], confidence: float) -> tuple[float, float]:
    logs = np.log([np.median(repetition) for repetition in samples])
    error = float(np.std(logs, ddof=1)) / math.sqrt(len(logs))
    if error == 0:
        return float(np.exp(logs[0])), float(np.exp(logs[0]))
    # The quantile itself: what scipy wraps around it costs a hundred times as much.
    reach = error * float(special.stdtrit(len(logs) - 1, (1 + confidence) / 2))
    return float(np.exp(logs.mean() - reach)), float(np.exp(logs.mean() + reach))


def _hierarchical_interval(samples: Sequence[_Samples], confidence: float) -> tuple[float, float]:
    medians = _resampled_medians(samples, np.random.default_rng(_SEED), _resamples(confidence))
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(medians, [tail, 100 - tail], method=PERCENTILE_METHOD)
    return float(low), float(high)


def _resampled_medians(
    samples: Sequence[_Samples], rng: np.random.Generator, resamples: int
) -> _Samples:
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
    times_chosen = rng.multinomial(len(samples), np.full(len(samples), 1 / len(samples)), resamples)
    harmonic_mean = len(samples) / float(np.sum(1 / at_or_below[-1]))
    inside = times_chosen * max(1, round(harmonic_mean))
    wanted = (inside.sum(axis=1) + 1) // 2
    first = np.zeros(resamples, dtype=np.int64)
    last = np.full(resamples, values.size)
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


def median_of(repetition: Repetition) -> float:
    """Return the median of a repetition's samples, ms."""
    # Of the few samples that most have, an array costs more than sorting them.
    ordered = sorted(repetition.latency_ns)
    low_ns, high_ns = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low_ns / _NS_PER_MS + high_ns / _NS_PER_MS) / 2


def milliseconds(nanoseconds: Sequence[int]) -> _Samples:
    """Return samples, ns, as ms."""
    return np.asarray(nanoseconds, dtype=np.float64) / _NS_PER_MS


def least_telling_stop(repetitions: Sequence[Repetition]) -> StopReason:
    """Return the one that says least of how precise the figures are."""
    reasons = {repetition.stop_reason for repetition in repetitions}
    return next(reason for reason in _LEAST_TELLING_FIRST if reason in reasons)
