"""The interval that ends an agent's sampling is the interval that the controller publishes."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from agent.child import stopping
from controller.domain.measurements import LatencyFigures
from controller.figures import statistics
from controller.figures.latency import latency_figures
from protos.measuring import Repetition, StopReason

Draw = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]
NS_PER_MS = 1_000_000
# A thousand resamples place the 2.5th percentile of the medians between about the 1.6th and 3.4th
# (two standard errors). As normal quantiles, the ends of two such intervals are at most 0.4 apart,
# which is 0.4 of the median's own standard deviation, half the root of the count in ranks.
NOISE = 0.4
SHAPES: dict[str, Draw] = {
    "symmetric": lambda rng, count: rng.normal(20, 1, count),
    "skewed": lambda rng, count: 1 + rng.exponential(5, count),
    "skewed the other way": lambda rng, count: 1 + 40 * rng.beta(5, 1, count),
    "heavy tail": lambda rng, count: 1 + rng.pareto(1.1, count),
    "two modes": lambda rng, count: rng.normal(5, 0.1, count) + 4 * (rng.random(count) < 0.3),
}
shapes = pytest.mark.parametrize("shape", SHAPES)
counts = pytest.mark.parametrize("count", [31, 40, 500, 5_000])


def samples_ns(shape: str, count: int) -> list[int]:
    drawn: list[int] = (
        (SHAPES[shape](np.random.default_rng(count), count) * NS_PER_MS).astype(np.int64).tolist()
    )
    return drawn


def published(latency_ns: list[int]) -> LatencyFigures:
    repetition = Repetition(
        latency_ns=tuple(latency_ns),
        warmup_ns=(1,),
        load_ns=1,
        peak_rss_bytes=1,
        baseline_rss_bytes=1,
        busy_threads=1,
        stop_reason=StopReason.PRECISE,
    )
    return latency_figures([repetition])


@shapes
@counts
def test_the_interval_is_the_published_one(shape: str, count: int) -> None:
    latency_ns = samples_ns(shape, count)
    ours = stopping.median_interval(latency_ns, np.random.default_rng(0))
    theirs = published(latency_ns)
    ordered = np.sort(latency_ns)
    ranks = np.searchsorted(ordered, [ours.low, ours.high])
    published_ranks = np.searchsorted(
        ordered, np.rint(np.multiply([theirs.low_ms, theirs.high_ms], NS_PER_MS))
    )
    # Ranks are whole.
    noise_ranks = NOISE * np.sqrt(count) / 2 + 1
    assert np.abs(ranks - published_ranks).max() <= noise_ranks


@shapes
@counts
def test_sampling_ends_at_the_half_width_that_is_published_unless_stretches_differ_more(
    shape: str, count: int
) -> None:
    latency_ns = samples_ns(shape, count)
    of_stretches = stopping.relative_half_width(
        stopping.batches_interval(latency_ns), float(np.median(latency_ns))
    )
    published_reach = statistics.relative_half_width(published(latency_ns))
    reached = max(published_reach, min(of_stretches, 2.5 * published_reach))
    for wanted, ends in ((reached * (1 + NOISE), True), (reached / (1 + NOISE), False)):
        rule = stopping.StoppingRule(relative_half_width=wanted, time_budget_ns=10**12)
        reason = rule.check(latency_ns, stopping.MIN_SAMPLING_NS, np.random.default_rng(0))
        assert (reason is StopReason.PRECISE) == ends
