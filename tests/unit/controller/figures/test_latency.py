"""Latency and memory figures of a job, by known values and by what always holds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from controller.figures.latency import (
    SamplesMissing,
    latency_figures,
    memory_figures,
    minute_figures,
)
from controller.figures.statistics import median_interval
from protos.measuring import ProcessMemory, Repetition, StopReason
from tests.unit.controller.samples.measurements import MS, repetition

_latencies = st.lists(st.integers(1_000, 10**9), min_size=1, max_size=40).map(tuple)
_jobs = st.lists(_latencies.map(repetition), min_size=1, max_size=4)


class TestLatencyFigures:
    def test_known_values_of_one_to_a_hundred(self) -> None:
        # Linear interpolation puts p90 of 1..100 at 90.1; nearest rank would say 90.
        found = latency_figures([repetition(tuple(ms * MS for ms in range(1, 101)))])
        assert found.median_ms == 50.5
        assert found.p90_ms == pytest.approx(90.1)
        assert found.p99_ms == pytest.approx(99.01)
        assert found.mad_ms == 25
        assert found.min_ms == 1

    def test_mad_is_not_scaled_to_a_deviation(self) -> None:
        samples = tuple(ms * MS for ms in (1, 1, 2, 2, 4, 6, 9))
        assert latency_figures([repetition(samples)]).mad_ms == 1

    def test_a_figure_is_of_all_samples_and_not_of_averages(self) -> None:
        job = [repetition((1 * MS, 1 * MS, 1 * MS)), repetition((9 * MS,))]
        assert latency_figures(job).median_ms == 1
        assert latency_figures(job).sample_count == 4
        assert latency_figures(job).repetition_count == 2

    def test_a_repetition_counts_as_much_as_another_that_took_more_samples(self) -> None:
        fast, slow = (repetition((ms * MS,) * 50) for ms in (1, 2))
        slowest = repetition((3 * MS,) * 5_000)
        found = latency_figures([fast, slow, slowest])
        assert (found.median_ms, found.p90_ms, found.mad_ms) == (2, 3, 1)
        assert found.sample_count == 5_100

    @given(st.lists(st.lists(st.integers(1, 10**6), min_size=7, max_size=7), min_size=1))
    def test_repetitions_of_as_many_samples_are_as_one(self, job: list[list[int]]) -> None:
        found = latency_figures([repetition(tuple(ms * MS for ms in each)) for each in job])
        pooled = np.concatenate(job)
        expected = np.percentile(pooled, [50, 90, 99])
        assert [found.median_ms, found.p90_ms, found.p99_ms] == pytest.approx(expected.tolist())
        assert found.mad_ms == pytest.approx(stats.median_abs_deviation(pooled))

    def test_first_run_and_load_are_medians_over_the_repetitions(self) -> None:
        job = [
            repetition((5 * MS,), warmup_ns=(first * MS, 5 * MS), load_ns=load * MS)
            for first, load in ((10, 100), (30, 300), (20, 200))
        ]
        assert latency_figures(job).first_run_ms == 20
        assert latency_figures(job).load_ms == 200

    def test_without_warm_up_the_first_sample_is_the_first_run(self) -> None:
        assert latency_figures([repetition((7 * MS, 5 * MS), warmup_ns=())]).first_run_ms == 7

    def test_one_repetition_out_of_time_is_a_job_out_of_time(self) -> None:
        job = [repetition((MS,)), repetition((MS,), stop_reason=StopReason.TIME_BUDGET)]
        assert latency_figures(job).stop_reason is StopReason.TIME_BUDGET
        assert latency_figures(job[:1]).stop_reason is StopReason.PRECISE

    @pytest.mark.parametrize(
        ("reasons", "told"),
        [
            ((StopReason.PRECISE, StopReason.NOISE_STABLE), StopReason.NOISE_STABLE),
            ((StopReason.TIME_BUDGET, StopReason.NOISE_STABLE), StopReason.TIME_BUDGET),
            ((StopReason.SUSTAINED, StopReason.SUSTAINED), StopReason.SUSTAINED),
        ],
    )
    def test_the_reason_that_says_least_of_the_precision_is_told(
        self, reasons: tuple[StopReason, ...], told: StopReason
    ) -> None:
        job = [repetition((MS,), stop_reason=reason) for reason in reasons]
        assert latency_figures(job).stop_reason is told

    def test_outliers_lie_beyond_the_outer_fence_of_their_own_repetition_and_still_count(
        self,
    ) -> None:
        # Quartiles 26 and 76 of 1..101: the fence is at 76 + 3 * 50.
        fast = repetition((*(n * MS for n in range(1, 101)), 226 * MS))
        late = replace(fast, latency_ns=(*fast.latency_ns[:-1], 227 * MS))
        slow = replace(fast, latency_ns=(1_000 * MS,) * 9)
        assert latency_figures([fast, slow]).outlier_count == 0
        assert latency_figures([late, slow]).outlier_count == 1
        assert latency_figures([late]).sample_count == 101
        assert latency_figures([late]).p99_ms > latency_figures([late]).p90_ms

    def test_a_long_repetition_is_bounded_as_a_short_one(self) -> None:
        samples = np.random.default_rng(4).lognormal(1, 0.1, 5_000)
        expected = stats.bootstrap(
            (samples,), np.median, n_resamples=2_000, method="percentile", random_state=0
        ).confidence_interval
        assert median_interval([samples]) == pytest.approx((expected.low, expected.high), rel=2e-3)

    @pytest.mark.parametrize("job", [[], [repetition(())], [repetition((MS,)), repetition(())]])
    def test_nothing_is_made_up_without_samples(self, job: list[Repetition]) -> None:
        with pytest.raises(SamplesMissing):
            latency_figures(job)

    @given(_jobs)
    @settings(deadline=None)
    def test_figures_are_ordered(self, job: list[Repetition]) -> None:
        found = latency_figures(job)
        assert 0 < found.min_ms <= found.median_ms <= found.p90_ms <= found.p99_ms
        assert found.low_ms <= found.median_ms <= found.high_ms
        assert found.low_ms > 0

    @given(_jobs)
    @settings(deadline=None)
    def test_the_same_samples_give_the_same_figures(self, job: list[Repetition]) -> None:
        assert latency_figures(job) == latency_figures(job)


class TestMinuteFigures:
    def test_each_minute_has_the_figures_of_its_own_samples(self) -> None:
        long = repetition((MS, MS, 3 * MS, 5 * MS, 4 * MS), samples_per_minute=(2, 1, 2))
        first, second, third = minute_figures([long])
        assert [each.minute for each in (first, second, third)] == [1, 2, 3]
        assert [each.latency.median_ms for each in (first, second, third)] == [1, 3, 4.5]
        assert third.latency.sample_count == 2
        assert third.latency.load_ms == latency_figures([long]).load_ms

    def test_a_minute_is_that_of_every_repetition_that_has_it(self) -> None:
        job = [
            repetition((MS, 2 * MS), samples_per_minute=(1, 1)),
            repetition((3 * MS,), samples_per_minute=(1, 0)),
        ]
        first, second = minute_figures(job)
        assert (first.latency.median_ms, first.latency.repetition_count) == (2, 2)
        assert (second.latency.median_ms, second.latency.repetition_count) == (2, 1)

    def test_a_minute_in_which_nothing_began_is_absent(self) -> None:
        slow = repetition((90_000 * MS, 80_000 * MS), samples_per_minute=(1, 0, 1))
        assert [each.minute for each in minute_figures([slow])] == [1, 3]

    def test_an_ordinary_job_has_none(self) -> None:
        assert minute_figures([repetition((MS, MS))]) == ()


class TestMemory:
    def test_it_is_that_of_the_hungriest_repetition_above_its_own_baseline(self) -> None:
        job = [
            repetition((MS,), peak_rss_bytes=100, baseline_rss_bytes=60, pss_bytes=70),
            repetition((MS,), peak_rss_bytes=120, baseline_rss_bytes=90, pss_bytes=75),
        ]
        found = memory_figures(job)
        assert (found.peak_rss_bytes, found.baseline_rss_bytes, found.pss_bytes) == (40, 60, 75)
        assert found.least_peak_rss_bytes == 30

    def test_it_is_never_negative(self) -> None:
        job = [repetition((MS,), peak_rss_bytes=50, baseline_rss_bytes=60)]
        assert memory_figures(job).peak_rss_bytes == 0

    def test_phases_are_above_the_baseline_and_kinds_of_the_whole_process(self) -> None:
        divided = ProcessMemory(
            load_peak_rss_bytes=50,
            first_run_peak_rss_bytes=130,
            anonymous_bytes=90,
            mapped_artifact_bytes=0,
        )
        job = [
            repetition((MS,), baseline_rss_bytes=60, memory=divided),
            repetition((MS,), baseline_rss_bytes=60, memory=replace(divided, anonymous_bytes=95)),
            repetition((MS,), baseline_rss_bytes=60, memory=None),
        ]
        found = memory_figures(job)
        assert (found.load_peak_rss_bytes, found.first_run_peak_rss_bytes) == (0, 70)
        assert (found.anonymous_bytes, found.mapped_artifact_bytes) == (95, 0)
        assert (found.steady_peak_rss_bytes, found.file_backed_bytes) == (None, None)

    def test_pss_stays_unknown_where_the_kernel_gives_none(self) -> None:
        assert memory_figures([repetition((MS,), pss_bytes=None)]).pss_bytes is None

    def test_nothing_is_made_up_without_repetitions(self) -> None:
        with pytest.raises(SamplesMissing):
            memory_figures([])
