"""When sampling and warm-up end, and that the interval is the bootstrap's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import bootstrap

from agent.child.stopping import (
    MAX_SAMPLES,
    MAX_WARMUP,
    MIN_SAMPLES,
    MIN_SAMPLING_NS,
    MIN_STABLE_NS,
    MIN_STABLE_SAMPLES,
    MIN_WARMUP,
    Interval,
    StoppingRule,
    batches_interval,
    median_interval,
    next_batch,
    noise_stable,
    one_of_each_pair,
    relative_half_width,
    warmed_up,
    warmup_ended,
)
from protos.measuring import StopReason

LONG_NS = 10**12
latency = st.integers(1, 10**12)
latencies = st.lists(latency, min_size=1, max_size=200)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("count", [31, 100, 1_000])
def test_the_interval_is_that_of_scipys_percentile_bootstrap(count: int) -> None:
    samples = np.random.default_rng(count).lognormal(mean=10, sigma=0.3, size=count)

    ours = median_interval(samples, rng(), resamples=20_000)

    theirs = bootstrap(
        (samples,),
        np.median,
        method="percentile",
        n_resamples=20_000,
        confidence_level=0.95,
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


def test_the_interval_holds_the_true_median_in_95_of_100_trials() -> None:
    trials = 2_000
    draws = np.random.default_rng(3)
    held = 0
    for _ in range(trials):
        interval = median_interval(draws.exponential(size=50), draws, resamples=500)
        held += interval.low <= np.log(2) <= interval.high
    assert 0.92 <= held / trials <= 0.98


@given(latencies)
def test_the_interval_lies_within_the_samples_and_is_ordered(samples: list[int]) -> None:
    interval = median_interval(samples, rng())
    assert min(samples) <= interval.low <= interval.high <= max(samples)


@given(st.integers(1, 10**12), st.integers(1, 100))
def test_equal_samples_have_an_interval_without_width(value: int, count: int) -> None:
    assert median_interval([value] * count, rng()) == Interval(value, value)


@given(st.permutations([3, 1, 4, 1, 5, 9, 2, 6]))
def test_the_order_of_the_samples_does_not_matter(samples: list[int]) -> None:
    assert median_interval(samples, rng()) == median_interval(sorted(samples), rng())


def test_no_sample_has_no_interval() -> None:
    with pytest.raises(ValueError, match="least one sample"):
        median_interval([], rng())


def autocorrelated(seed: int, correlation: float, count: int) -> NDArray[np.float64]:
    """Samples around 100 of which each one leans on the one before it."""
    shocks = np.random.default_rng(seed).standard_normal(count)
    samples = [shocks[0]]
    for shock in shocks[1:]:
        samples.append(correlation * samples[-1] + (1 - correlation**2) ** 0.5 * shock)
    return np.asarray(100 + np.array(samples), dtype=np.float64)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_interval_of_stretches_holds_the_median_of_samples_that_depend(
    correlation: float,
) -> None:
    intervals = [batches_interval(autocorrelated(seed, correlation, 600)) for seed in range(300)]
    assert np.mean([low <= 100 <= high for low, high in intervals]) > 0.9


def test_samples_that_depend_are_taken_more_of_than_samples_that_do_not() -> None:
    def taken(correlation: float) -> int:
        series = (autocorrelated(seed, correlation, 5_000) for seed in range(20))
        return sum(
            stopped_at((RUN_NS / 100 * each).astype(int).tolist(), rule(3e-3))[0] for each in series
        )

    assert taken(0.8) > 2 * taken(0.0)


def test_stretches_that_go_on_to_differ_do_not_keep_sampling_for_good() -> None:
    steps = np.repeat([1.0, 1.02, 0.98, 1.03, 0.97, 1.02, 0.98, 1.03, 0.97, 1.0], 50)
    series = with_noise(steps, 1, 0.01)
    wanted = rule(0.01)
    assert relative_half_width(batches_interval(series), float(np.median(series))) > 0.01
    assert wanted.check(series, MIN_STABLE_NS - 1, rng()) is StopReason.PRECISE
    assert rule(0.004).check(series, MIN_STABLE_NS - 1, rng()) is None


def test_an_interval_of_stretches_needs_a_sample_of_each() -> None:
    with pytest.raises(ValueError, match="sample of each"):
        batches_interval([1.0] * 9)


def test_the_half_width_is_that_of_the_wider_side_relative_to_the_median() -> None:
    assert relative_half_width(Interval(90, 110), 100) == pytest.approx(0.1)
    assert relative_half_width(Interval(99, 130), 100) == pytest.approx(0.3)
    assert relative_half_width(Interval(70, 101), 100) == pytest.approx(0.3)
    assert relative_half_width(Interval(0, 0), 0) == float("inf")


def rule(
    relative_half_width: float = 0.02,
    time_budget_ns: int = LONG_NS,
    process_spread: float = 0.0,
    start_ns: int = LONG_NS,
) -> StoppingRule:
    return StoppingRule(
        relative_half_width=relative_half_width,
        time_budget_ns=time_budget_ns,
        process_spread=process_spread,
        start_ns=start_ns,
    )


def test_sampling_ends_once_the_interval_is_narrow_enough() -> None:
    quiet = [1_000_000] * MIN_SAMPLES
    assert rule().check(quiet, MIN_SAMPLING_NS, rng()) is StopReason.PRECISE


def test_few_samples_are_never_precise() -> None:
    assert rule().check([1_000_000] * (MIN_SAMPLES - 1), MIN_SAMPLING_NS, rng()) is None


def test_samples_of_a_short_moment_are_never_precise() -> None:
    assert rule().check([1_000] * 1_000, MIN_SAMPLING_NS - 1, rng()) is None


def test_scattered_samples_go_on_until_the_budget_ends() -> None:
    scattered = list(range(1_000_000, 9_000_000, 100_000))
    assert rule().check(scattered, LONG_NS - 1, rng()) is None
    assert rule().check(scattered, LONG_NS, rng()) is StopReason.TIME_BUDGET


def test_a_budget_that_ends_before_30_samples_ends_sampling() -> None:
    assert rule(time_budget_ns=1).check([5], 1, rng()) is StopReason.TIME_BUDGET


RUN_NS = 10_000_000
# Samples of 10 ms in the longest time budget that may be asked for.
MOST_IN_A_BUDGET = 60_000


def stopped_at(series: list[int], wanted: StoppingRule) -> tuple[int, StopReason]:
    """How many samples of a series the rule takes, and why it stops there."""
    taken = 0
    while taken < len(series):
        taken += min(next_batch(taken), len(series) - taken)
        reason = wanted.check(series[:taken], sum(series[:taken]), rng())
        if reason is not None:
            return taken, reason
    return taken, StopReason.TIME_BUDGET


def with_noise(shape: NDArray[np.float64], seed: int, spread: float) -> list[int]:
    """A series of this shape, 1 being 10 ms, with noise that multiplies."""
    noise = np.random.default_rng(seed).lognormal(sigma=spread, size=len(shape))
    series: list[int] = (RUN_NS * shape * noise).astype(int).tolist()
    return series


seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(0.01, 0.1))
def test_a_noise_that_stays_as_it_is_ends_sampling_well_before_the_budget(
    seed: int, spread: float
) -> None:
    series = with_noise(np.ones(MOST_IN_A_BUDGET), seed, spread)
    beyond_reach = rule(relative_half_width=1e-5)
    taken, reason = stopped_at(series, beyond_reach)
    assert reason is StopReason.NOISE_STABLE
    assert MIN_STABLE_SAMPLES <= taken < MOST_IN_A_BUDGET / 2
    # What it stops with is good for something.
    assert np.median(series[:taken]) == pytest.approx(RUN_NS, rel=0.02)


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(0.005, 0.02), st.floats(0.01, 0.03))
def test_a_drift_of_a_percent_a_second_is_no_stable_noise(
    seed: int, spread: float, drift_per_s: float
) -> None:
    runs_per_s = 1e9 / RUN_NS
    series = with_noise(1 + drift_per_s * np.arange(3_000) / runs_per_s, seed, spread)
    _, reason = stopped_at(series, rule(relative_half_width=1e-5))
    assert reason is StopReason.TIME_BUDGET


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(0.005, 0.02), st.floats(0.05, 0.5), st.integers(100, 250))
def test_two_modes_that_last_for_seconds_are_no_stable_noise(
    seed: int, spread: float, apart: float, runs_per_mode: int
) -> None:
    modes = np.arange(4 * runs_per_mode) // runs_per_mode % 2
    series = with_noise(1 + apart * modes, seed, spread)
    _, reason = stopped_at(series, rule(relative_half_width=1e-5))
    assert reason is StopReason.TIME_BUDGET


def test_noise_of_a_short_moment_is_never_stable() -> None:
    series = with_noise(np.ones(10_000), 1, 0.03)
    assert noise_stable(series)
    assert rule(1e-5).check(series, MIN_STABLE_NS - 1, rng()) is None
    assert rule(1e-5).check(series, MIN_STABLE_NS, rng()) is StopReason.NOISE_STABLE


def test_what_is_precise_is_said_to_be_precise() -> None:
    series = with_noise(np.ones(2_000), 1, 0.03)
    assert rule(0.01).check(series, MIN_STABLE_NS, rng()) is StopReason.PRECISE


def test_the_rule_is_checked_rarely() -> None:
    taken, checks = 0, 0
    while taken < MAX_SAMPLES:
        taken += next_batch(taken)
        checks += 1
    assert taken == MAX_SAMPLES
    assert checks < 25


@given(st.lists(st.tuples(latency, latency), min_size=1))
def test_half_of_the_samples_are_one_of_each_pair_in_order(pairs: list[tuple[int, int]]) -> None:
    kept = one_of_each_pair([each for pair in pairs for each in pair], rng())
    assert len(kept) == len(pairs)
    assert all(each in pair for each, pair in zip(kept, pairs, strict=True))


def test_the_first_batch_is_the_least_that_can_be_precise() -> None:
    assert next_batch(0) == MIN_SAMPLES


def test_warm_up_ends_when_two_windows_agree() -> None:
    steady = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100]
    assert not warmed_up([500, *steady])
    assert warmed_up([500, *steady, *steady])


def test_warm_up_goes_on_while_runs_get_faster() -> None:
    assert not warmed_up([200 - 4 * each for each in range(20)])


def test_warm_up_goes_on_while_the_scatter_shrinks() -> None:
    restless = [100, 150, 60, 140, 70, 130, 80, 150, 50, 100]
    assert not warmed_up([*restless, *([100] * 10)])


def test_warm_up_goes_on_when_a_window_begins_with_an_outlier() -> None:
    steady = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100]
    assert not warmed_up([*steady, 200, *steady[1:]])


@given(
    st.integers(10**5, 10**8).flatmap(
        lambda base: st.lists(st.integers(base, base + base // 8), min_size=20, max_size=25)
    )
)
def test_warm_up_ends_by_the_quartiles_that_everybody_computes(runs: list[int]) -> None:
    earlier, later = np.array(runs[-20:-10]), np.array(runs[-10:])

    def shape(window: NDArray[np.int64]) -> NDArray[np.float64]:
        deviation = np.median(np.abs(window - np.median(window)))
        return np.array([*np.percentile(window, [25, 75]), deviation])

    scale = float(np.median(later))
    low, high = np.percentile([*earlier, *later[1:]], [25, 75])
    agree = np.max(np.abs(shape(earlier) - shape(later))) <= 0.05 * scale
    assert warmed_up(runs) == (agree and later[0] <= max(high + 1.5 * (high - low), 1.05 * scale))


@given(st.lists(st.integers(1, 10**9), min_size=0, max_size=400), st.integers(0, 10**9))
def test_warm_up_is_bounded(runs: list[int], elapsed_ns: int) -> None:
    if len(runs) < MIN_WARMUP:
        assert not warmup_ended(runs, elapsed_ns, budget_ns=0)
    if len(runs) >= MAX_WARMUP or (len(runs) >= MIN_WARMUP and elapsed_ns >= 10**6):
        assert warmup_ended(runs, elapsed_ns, budget_ns=10**6)
