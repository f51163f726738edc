"""When warm-up has ended, and when enough samples are taken. Pure functions of the samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protos.measuring import StopReason

Samples = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 1_000
# Below this the percentile bootstrap of a median is too narrow for its 95 %.
MIN_SAMPLES = 30
# Less is over between two ticks of the kernel, and says nothing of what interrupts a run.
MIN_SAMPLING_NS = 100_000_000
# A report of as many is below 1 MB, at 4 bytes a sample.
MAX_SAMPLES = 200_000

# To start a process and read its libraries, without loading and warm-up.
LEAST_START_NS = 300_000_000

# Batches grow by this factor; see `next_batch`.
_GROWTH = 1.5
_BATCHES = 10
# 97.5 % quantile of Student's t distribution with 9 degrees of freedom.
_BATCHES_QUANTILE = 2.262
# 97.5 % quantile of the normal distribution.
_NORMAL_QUANTILE = 1.96
# A third adds (1/3)^2 to the variance between processes, a ninth.
_SHARE_OF_PROCESSES = 1 / 3
# How much narrower the resampled interval is to be where stretches go on to differ.
_WANDERING = 2.5
# Before this much is seen, noise that comes and goes in seconds has not been.
MIN_STABLE_SAMPLES = 300
MIN_STABLE_NS = 3_000_000_000
_STABLE_CHECKS = 4
_MEDIAN_MOVES_WITHIN = 0.005
# As nvbench's: relative to the spread itself.
_SPREAD_MOVES_WITHIN = 0.05

WARMUP_WINDOW = 10
# The first run allocates, the second may still fault pages in; the third is a repeat of something.
MIN_WARMUP = 3
MAX_WARMUP = 300
_WINDOWS_AGREE_WITHIN = 0.05
_TUKEY_FENCE = 1.5


class Interval(NamedTuple):
    """A confidence interval, in the unit of its samples."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class StoppingRule:
    """Ends a repetition's sampling.

    Enough is known of one process once the median's standard error, by the wider of both intervals
    below, is under a third of what processes differ by: the error of a job's median grows by less
    than 6 % for it, and time is better spent on another process. Where that takes longer than the
    process took to start, it ends when another one would tell more in the same time: the time that
    makes a job's median most precise is, with an error that falls with its root, when the error is
    to what processes differ by as the root of the time sampled is to that of the start (Kalibera
    and Jones, Rigorous Benchmarking in Reasonable Time, 2013).

    Precise is what has at least 30 samples, 0.1 s of them, and intervals as narrow as asked for,
    both of `median_interval` and of `batches_interval`; or, where stretches go on to differ, the
    former 2.5 times as narrow: what wanders for seconds is told by other processes, not by more
    samples of this one. What is not, but has at least 300 samples, 3 s of them, and a stable noise,
    is not gone on with: see `noise_stable`.

    Attributes:
        relative_half_width: of the median's 95 % intervals, on their wider side, relative to the
            median; 0.02 is +-2 %.
        time_budget_ns: the longest that sampling may take.
        process_spread: standard deviation between processes, relative to their medians; 0 is
            unknown, and no end.
        start_ns: what the process took before it sampled.
    """

    relative_half_width: float
    time_budget_ns: int
    process_spread: float = 0.0
    start_ns: int = LEAST_START_NS

    def check(
        self, latency_ns: Sequence[int], elapsed_ns: int, rng: np.random.Generator
    ) -> StopReason | None:
        """Why to stop now, or None to go on."""
        if len(latency_ns) >= MIN_SAMPLES and elapsed_ns >= MIN_SAMPLING_NS:
            samples = np.asarray(latency_ns, dtype=np.float64)
            median = float(np.median(samples))
            resampled = relative_half_width(median_interval(samples, rng), median)
            of_stretches = relative_half_width(batches_interval(samples), median)
            if self._is_precise(resampled, of_stretches):
                return StopReason.PRECISE
            error = max(resampled / _NORMAL_QUANTILE, of_stretches / _BATCHES_QUANTILE)
            if error <= self.process_spread * self._share_of_processes(elapsed_ns):
                return StopReason.BELOW_PROCESS_SPREAD
            if elapsed_ns >= MIN_STABLE_NS and noise_stable(samples):
                return StopReason.NOISE_STABLE
        return StopReason.TIME_BUDGET if elapsed_ns >= self.time_budget_ns else None

    def _share_of_processes(self, elapsed_ns: int) -> float:
        """How large the error may be, relative to what processes differ by."""
        if elapsed_ns < self.start_ns:
            return _SHARE_OF_PROCESSES
        return float(np.sqrt(elapsed_ns / self.start_ns))

    def _is_precise(self, resampled: float, of_stretches: float) -> bool:
        if resampled > self.relative_half_width:
            return False
        return (
            of_stretches <= self.relative_half_width
            or resampled <= self.relative_half_width / _WANDERING
        )


def noise_stable(samples: ArrayLike) -> bool:
    """Whether median and spread have settled, so that more of the same would tell nothing new.

    They have when, of at least 300 samples, the median lay within 0.5 % of what it is now at each
    of the last three checks, when there were 2/3, 4/9 and 8/27 of them, and the interquartile range
    within 5 % of itself; and when the medians of both halves are within 0.5 % of each other, which
    those of slow modes or of a drift of a percent a second are not. A slower drift may pass.

    After nvbench's stdrel criterion, which stops at a noise that is too large once the relative
    standard deviation has varied by less than 5 % of itself. Quartiles, since one hiccup moves a
    standard deviation; the median besides, since a drift may keep its spread.

    Args:
        samples: of one process in order, any unit.
    """
    series = np.asarray(samples, dtype=np.float64)
    if len(series) < MIN_STABLE_SAMPLES:
        return False
    checks = [series[: int(len(series) / _GROWTH**back)] for back in range(_STABLE_CHECKS)]
    (median, spread), *earlier = map(_median_and_spread, checks)
    settled = all(
        abs(before - median) <= _MEDIAN_MOVES_WITHIN * median
        and abs(spread_before - spread) <= _SPREAD_MOVES_WITHIN * spread
        for before, spread_before in earlier
    )
    first_half, second_half = (float(np.median(half)) for half in np.array_split(series, 2))
    return settled and abs(second_half - first_half) <= _MEDIAN_MOVES_WITHIN * median


def next_batch(taken: int, most: int = MAX_SAMPLES) -> int:
    """How many samples to take before the rule is looked at again, `taken` being there already.

    Batches grow by half of what is there, so that the rule costs the logarithm of the samples,
    not their number; there are never more than `most`.
    """
    return min(max(MIN_SAMPLES - taken, taken // 2, 1), most - taken)


def one_of_each_pair(latency_ns: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Half of an even number of samples, in order: of each two neighbours one, at random.

    At random, since of times that alternate every second one tells only half.
    """
    pairs = np.asarray(latency_ns, dtype=np.int64).reshape(-1, 2)
    kept: list[int] = pairs[np.arange(len(pairs)), rng.integers(2, size=len(pairs))].tolist()
    return kept


def median_interval(
    samples: ArrayLike, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Interval:
    """The 95 % percentile-bootstrap interval of the median.

    The resamples are not drawn value by value: sorted uniform draws pick sorted values, so the
    middle of a resample is the sample's quantile at the middle of n sorted uniform draws, which is
    Beta-distributed (David and Nagaraja, Order Statistics, 3rd edition, 2.1). This has the same
    distribution as resampling, at one sort and `resamples` draws whatever the number of samples.

    Args:
        samples: at least one finite number, any order, any unit.
        rng: the source of randomness.
        resamples: how many bootstrap medians to draw.

    Raises:
        ValueError: there is no sample.
    """
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    count = len(ordered)
    if count == 0:
        raise ValueError("an interval needs at least one sample")
    half = count // 2
    if count % 2:
        medians = _at(ordered, rng.beta(half + 1, half + 1, resamples))
    else:
        below = rng.beta(half, half + 1, resamples)
        # Given the draw below the middle, the next one is the least of `half` draws above it.
        above = below + (1.0 - below) * rng.beta(1, half, resamples)
        medians = (_at(ordered, below) + _at(ordered, above)) / 2
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(medians, [tail, 100 - tail])
    return Interval(float(low), float(high))


def batches_interval(samples: ArrayLike) -> Interval:
    """The median's 95 % interval from the medians of ten stretches of samples that follow in time.

    Resampling takes each sample for a new piece of news. Where a slow run follows on a slow one it
    is not, and an interval of resamples is too narrow: by half, where the correlation of neighbours
    is 0.6. The medians of long stretches are nearly independent, and how far they are apart tells
    how far the median of all is to be trusted (Schmeiser, Batch Size Effects in the Analysis of
    Simulation Output, 1982, who finds little use in more than 30 stretches). Student's t interval
    of 9 degrees of freedom, around the median.

    Args:
        samples: at least ten, in order, any unit.

    Raises:
        ValueError: there are fewer than ten.
    """
    series = np.asarray(samples, dtype=np.float64)
    if len(series) < _BATCHES:
        raise ValueError(f"an interval of {_BATCHES} stretches needs a sample of each")
    medians = [np.median(stretch) for stretch in np.array_split(series, _BATCHES)]
    reach = _BATCHES_QUANTILE * float(np.std(medians, ddof=1)) / _BATCHES**0.5
    median = float(np.median(series))
    return Interval(median - reach, median + reach)


def relative_half_width(interval: Interval, median: float) -> float:
    """The interval's reach from the median, on its wider side, relative to the median.

    Infinite for a median of 0.
    """
    if median == 0:
        return float("inf")
    return max(interval.high - median, median - interval.low) / abs(median)


def warmed_up(warmup_ns: Sequence[int]) -> bool:
    """Whether the last two windows of warm-up runs agree, so that warm-up may end.

    Quartiles and median absolute deviation of both windows differ by at most 5 % of the later
    one's median, and the later window's first value is no outlier (above the third quartile plus
    1.5 interquartile ranges of the values around it). After pyperf's calibration of warm-ups,
    which compares deviations by their own ratio: on a quiet device that never settles.
    """
    if len(warmup_ns) < 2 * WARMUP_WINDOW:
        return False
    earlier = warmup_ns[-2 * WARMUP_WINDOW : -WARMUP_WINDOW]
    first, *rest = later = warmup_ns[-WARMUP_WINDOW:]
    scale = _quantile(sorted(later), 0.5)
    if any(
        abs(before - after) > _WINDOWS_AGREE_WITHIN * scale
        for before, after in zip(_shape_of(earlier), _shape_of(later), strict=True)
    ):
        return False
    others = sorted((*earlier, *rest))
    first_quartile, third_quartile = _quantile(others, 0.25), _quantile(others, 0.75)
    fence = third_quartile + _TUKEY_FENCE * (third_quartile - first_quartile)
    return first <= max(fence, scale * (1 + _WINDOWS_AGREE_WITHIN))


def warmup_ended(warmup_ns: Sequence[int], elapsed_ns: int, budget_ns: int) -> bool:
    """Whether warm-up ends now: stable, as many runs as are allowed, or its time used up."""
    if len(warmup_ns) < MIN_WARMUP:
        return False
    return len(warmup_ns) >= MAX_WARMUP or elapsed_ns >= budget_ns or warmed_up(warmup_ns)


def _median_and_spread(samples: Samples) -> tuple[float, float]:
    """The median and the interquartile range."""
    first_quartile, median, third_quartile = np.percentile(samples, [25, 50, 75])
    return float(median), float(third_quartile - first_quartile)


def _at(ordered: Samples, quantiles: Samples) -> Samples:
    index = np.minimum((quantiles * len(ordered)).astype(np.intp), len(ordered) - 1)
    drawn: Samples = ordered[index]
    return drawn


def _shape_of(window: Sequence[int]) -> tuple[float, float, float]:
    """First quartile, third quartile and median absolute deviation."""
    ordered = sorted(window)
    median = _quantile(ordered, 0.5)
    deviation = _quantile(sorted(abs(run - median) for run in window), 0.5)
    return _quantile(ordered, 0.25), _quantile(ordered, 0.75), deviation


def _quantile(ordered: Sequence[float], share: float) -> float:
    """As `numpy.percentile` interpolates it, which takes twenty times as long for ten numbers.

    The rule of the warm-up is asked after each run, some of which take less than 0.1 ms.
    """
    position = (len(ordered) - 1) * share
    index = int(position)
    if index == position:
        return ordered[index]
    return ordered[index] + (ordered[index + 1] - ordered[index]) * (position - index)
