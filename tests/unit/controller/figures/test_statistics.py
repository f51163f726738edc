"""Intervals of medians and of their ratios, by known values and by what always holds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from controller.figures.latency import latency_figures
from controller.figures.statistics import median_interval, median_ratio, relative_half_width
from tests.unit.controller.samples.measurements import MS, repetition
from tests.unit.controller.samples.noise import noise


class TestInterval:
    def test_one_repetition_is_bounded_as_scipy_does(self) -> None:
        samples = np.random.default_rng(3).lognormal(1, 0.1, 300)
        expected = stats.bootstrap(
            (samples,), np.median, n_resamples=9_999, method="percentile", random_state=0
        ).confidence_interval
        assert median_interval([samples]) == pytest.approx((expected.low, expected.high), rel=5e-3)

    def test_equal_samples_have_no_spread(self) -> None:
        assert median_interval([np.full(5, 2.0)]) == (2, 2)
        assert median_interval([np.full(5, 2.0), np.full(9, 2.0)]) == pytest.approx((2, 2))

    def test_processes_that_agree_are_resampled_like_a_plain_hierarchical_bootstrap(self) -> None:
        rng = np.random.default_rng(5)
        base = rng.lognormal(1, 0.05, 400)
        samples = [base * factor for factor in (0.9999, 1.0, 1.0001, 1.00005, 0.99995)]
        resampled = [
            np.median(
                np.concatenate(
                    [rng.choice(samples[chosen], 400) for chosen in rng.integers(5, size=5)]
                )
            )
            for _ in range(4_000)
        ]
        expected = tuple(np.percentile(resampled, [2.5, 97.5]))
        assert median_interval(samples) == pytest.approx(expected, rel=1e-3)

    @given(st.lists(st.floats(0.5, 50), min_size=2, max_size=5), st.integers(0, 2**32 - 1))
    @settings(deadline=None, max_examples=50)
    def test_it_is_never_narrower_than_the_spread_between_processes(
        self, medians_ms: list[float], seed: int
    ) -> None:
        found = latency_figures(noise(seed, medians_ms))
        logs = np.log([np.median(r.latency_ns) / MS for r in noise(seed, medians_ms)])
        half_width = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
        assert np.log(found.low_ms) <= logs.mean() - half_width + 1e-9
        assert np.log(found.high_ms) >= logs.mean() + half_width - 1e-9

    def test_a_repetition_weighs_as_much_as_it_has_samples(self) -> None:
        job = [np.full(1_000, 1.0), np.full(1, 9.0)]
        low, high = median_interval(job)
        assert low <= 1 <= high


class TestRatio:
    def test_reaches_in_opposite_directions_add_up_like_errors(self) -> None:
        figures, reference = (
            replace(latency_figures(noise(0, [1])), median_ms=1, low_ms=low, high_ms=high)
            for low, high in ((np.exp(-0.03), np.exp(0.06)), (np.exp(-0.08), np.exp(0.04)))
        )
        found = median_ratio(figures, reference)
        assert (found.ratio, found.low, found.high) == pytest.approx(
            (1, np.exp(-0.05), np.exp(0.1))
        )

    def test_equal_samples_have_no_spread(self) -> None:
        job, reference = [repetition((3 * MS,))] * 2, [repetition((2 * MS,))] * 3
        found = median_ratio(latency_figures(job), latency_figures(reference))
        assert (found.ratio, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))

    def test_it_holds_the_true_ratio_although_processes_differ(self) -> None:
        # The side with fewer processes varies most, which is what few processes hide best.
        # tests/benchmarks/measuring/ratios.py tells how often.
        rng = np.random.default_rng(1)
        held = 0
        for trial in range(20):
            of_b = (1.2 * np.exp(rng.normal(0, 0.04, 2))).tolist()
            of_a = np.exp(rng.normal(0, 0.01, 5)).tolist()
            b, a = (latency_figures(noise(trial, medians, 60)) for medians in (of_b, of_a))
            found = median_ratio(b, reference=a)
            held += found.low <= 1.2 <= found.high
        assert held >= 18


def test_the_wider_side_of_a_lopsided_interval_counts() -> None:
    lopsided = latency_figures(noise(1, [1.0, 1.0, 1.3]))
    above = lopsided.high_ms - lopsided.median_ms
    below = lopsided.median_ms - lopsided.low_ms
    assert relative_half_width(lopsided) * lopsided.median_ms == pytest.approx(max(above, below))
