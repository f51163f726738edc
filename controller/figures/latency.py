"""Figures of a job, derived from its repetitions."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from controller.domain.measurements import LatencyFigures, MemoryFigures, MinuteFigures
from controller.figures.minutes import repetitions_of_minute
from controller.figures.spread import interval_so_far
from controller.figures.statistics import (
    _percentiles,
    _Samples,
    least_telling_stop,
    median_interval,
    milliseconds,
)
from protos.measuring import ProcessMemory, Repetition

# Outer fences; what lies beyond them is "far out" (Tukey, Exploratory Data Analysis, 1977, 2D).
_OUTER_FENCE: Final = 3.0


class SamplesMissing(ValueError):
    """There is nothing to compute a figure from."""


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
    samples_ms = _samples_of(repetitions)
    return _figures(repetitions, samples_ms, median_interval(samples_ms))


def latency_so_far(repetitions: Sequence[Repetition], deviation: float) -> LatencyFigures:
    """Derive the figures of a job that goes on to be measured, in ms.

    They are those of `latency_figures` but for the interval, which leans on how far processes
    differ: see `interval_so_far`. That is told by medians alone, so that asking often costs little.

    Args:
        repetitions: those so far.
        deviation: standard deviation between processes, as other jobs tell it; 0.02 is 2 %.

    Raises:
        SamplesMissing: there is no repetition, or one without samples.
    """
    samples_ms = _samples_of(repetitions)
    low, high = interval_so_far([float(np.median(each)) for each in samples_ms], deviation)
    return _figures(repetitions, samples_ms, (low, high))


def _samples_of(repetitions: Sequence[Repetition]) -> list[_Samples]:
    if not repetitions or not all(repetition.latency_ns for repetition in repetitions):
        raise SamplesMissing("latency figures need at least one sample of every repetition")
    return [milliseconds(repetition.latency_ns) for repetition in repetitions]


def _figures(
    repetitions: Sequence[Repetition],
    samples_ms: Sequence[_Samples],
    interval: tuple[float, float],
) -> LatencyFigures:
    """All figures, beside an interval of the median, which is in it."""
    median, p90, p99 = _percentiles(samples_ms, 50, 90, 99)
    (mad,) = _percentiles([np.abs(each - median) for each in samples_ms], 50)
    return LatencyFigures(
        median_ms=median,
        low_ms=min(interval[0], median),
        high_ms=max(interval[1], median),
        p90_ms=p90,
        p99_ms=p99,
        mad_ms=mad,
        min_ms=min(map(_shortest_ms, repetitions)),
        first_run_ms=float(np.median(milliseconds([_first_run_ns(r) for r in repetitions]))),
        load_ms=float(np.median(milliseconds([r.load_ns for r in repetitions]))),
        sample_count=sum(each.size for each in samples_ms),
        repetition_count=len(repetitions),
        stop_reason=least_telling_stop(repetitions),
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


def _shortest_ms(repetition: Repetition) -> float:
    averaged = repetition.averaged
    shortest_ns = min(repetition.latency_ns) if averaged is None else averaged.shortest_ns
    return float(milliseconds([shortest_ns])[0])


def _outlier_count(samples: _Samples) -> int:
    first_quartile, third_quartile = _percentiles([samples], 25, 75)
    fence = third_quartile + _OUTER_FENCE * (third_quartile - first_quartile)
    return int(np.count_nonzero(samples > fence))


def _first_run_ns(repetition: Repetition) -> int:
    return repetition.warmup_ns[0] if repetition.warmup_ns else repetition.latency_ns[0]


def _rss_above_baseline(repetition: Repetition) -> int:
    return max(0, repetition.peak_rss_bytes - repetition.baseline_rss_bytes)
