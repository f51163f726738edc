"""The timed loops, on a clock that the test owns."""

import itertools

import numpy as np
import pytest

from agent.child.messages import Phase
from agent.child.sampling import Samples, sample, sample_windows, warm_up
from agent.child.stopping import MAX_SAMPLES, MIN_SAMPLES, MIN_WARMUP, StoppingRule
from protos.measuring import StopReason

MS = 1_000_000


class Clock:
    """Time that passes only while the network runs."""

    def __init__(self, run_ns: int) -> None:
        self.run_ns = run_ns
        self.now_ns = 0
        self.runs = 0

    def __call__(self) -> int:
        return self.now_ns

    def run(self) -> None:
        self.runs += 1
        self.now_ns += self.run_ns


def rule(time_budget_ns: int) -> StoppingRule:
    return StoppingRule(relative_half_width=0.02, time_budget_ns=time_budget_ns)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_every_run_is_one_sample_of_its_own_time() -> None:
    clock = Clock(10 * MS)
    samples = sample(clock.run, rule(10_000 * MS), clock, rng())
    assert samples.latency_ns == (10 * MS,) * clock.runs
    assert clock.runs == MIN_SAMPLES
    assert samples.stop_reason is StopReason.PRECISE


def test_no_sample_begins_after_the_budget() -> None:
    clock = Clock(10 * MS)
    samples = sample(clock.run, rule(45 * MS), clock, rng())
    assert len(samples.latency_ns) == clock.runs == 5
    assert samples.stop_reason is StopReason.TIME_BUDGET


def test_a_run_longer_than_the_budget_still_gives_one_sample() -> None:
    clock = Clock(10 * MS)
    assert sample(clock.run, rule(1), clock, rng()).latency_ns == (10 * MS,)


def test_a_fast_network_gives_a_bounded_share_of_its_runs_from_all_of_its_time() -> None:
    durations = itertools.cycle((1_000, 3_000))
    clock = Clock(0)

    def run() -> None:
        clock.run_ns = next(durations) + clock.now_ns // 1_000_000
        clock.run()

    samples = sample(run, rule(1_000 * MS), clock, rng())

    assert clock.runs > 2 * len(samples.latency_ns)
    assert MAX_SAMPLES // 2 <= len(samples.latency_ns) <= MAX_SAMPLES
    assert samples.stop_reason is StopReason.TIME_BUDGET
    # As many of the short as of the long runs, though they alternate.
    tenths = np.array_split(np.asarray(samples.latency_ns), 10)
    for number, tenth in enumerate(tenths):
        assert np.ptp(tenth) > 1_900, number
        middle = (tenth.min() + tenth.max()) / 2
        assert np.mean(tenth > middle) == pytest.approx(0.5, abs=0.05)


def sustained(clock: Clock, windows: int, window_ns: int) -> Samples:
    return sample_windows(
        clock.run, windows=windows, window_ns=window_ns, clock_ns=clock, rng=rng()
    )


def test_sustained_inference_goes_on_without_a_pause_until_its_windows_are_over() -> None:
    clock = Clock(10 * MS)
    samples = sustained(clock, windows=3, window_ns=100 * MS)
    assert samples.latency_ns == (10 * MS,) * 30
    assert samples.samples_per_window == (10, 10, 10)
    assert samples.stop_reason is StopReason.SUSTAINED
    assert clock.now_ns == 300 * MS


def test_a_run_belongs_to_the_window_that_it_begins_in() -> None:
    clock = Clock(40 * MS)
    samples = sustained(clock, windows=3, window_ns=100 * MS)
    assert samples.samples_per_window == (3, 2, 3)
    assert len(samples.latency_ns) == clock.runs == 8


def test_a_run_longer_than_a_window_leaves_the_next_without_samples() -> None:
    samples = sustained(Clock(250 * MS), windows=3, window_ns=100 * MS)
    assert samples.samples_per_window == (1, 0, 1)


def test_every_window_tells_its_own_speed() -> None:
    clock = Clock(MS)

    def run() -> None:
        # Twice as slow after the first window, as a phone that got hot.
        clock.run_ns = MS if clock.now_ns < 100 * MS else 2 * MS
        clock.run()

    samples = sample_windows(
        run, windows=2, window_ns=100 * MS, clock_ns=clock, rng=np.random.default_rng(1)
    )
    assert samples.samples_per_window == (100, 50)
    assert samples.latency_ns == (MS,) * 100 + (2 * MS,) * 50


def test_windows_of_a_fast_network_share_what_may_be_kept() -> None:
    durations = itertools.cycle((1_000, 3_000))
    clock = Clock(0)

    def run() -> None:
        clock.run_ns = next(durations)
        clock.run()

    samples = sample_windows(
        run, windows=60, window_ns=15 * MS, clock_ns=clock, rng=np.random.default_rng(1)
    )
    most = MAX_SAMPLES // 60
    assert clock.runs > 2 * len(samples.latency_ns)
    assert len(samples.latency_ns) == sum(samples.samples_per_window) <= MAX_SAMPLES
    assert all(most / 2 - 1 <= count <= most for count in samples.samples_per_window)
    # As many of the short as of the long runs, though they alternate.
    assert np.mean(np.equal(samples.latency_ns, 1_000)) == pytest.approx(0.5, abs=0.01)


def test_warm_up_keeps_the_first_run_and_all_others() -> None:
    clock = Clock(MS)
    phases: list[Phase] = []
    runs = warm_up(clock.run, clock_ns=clock, budget_ns=1_000 * MS, on_phase=phases.append)
    assert runs == (MS,) * 20
    assert phases == [Phase.FIRST_RUN, Phase.WARMING_UP]


def test_a_slow_network_is_warmed_up_with_few_runs() -> None:
    clock = Clock(1_000 * MS)
    runs = warm_up(clock.run, clock_ns=clock, budget_ns=1, on_phase=lambda _: None)
    assert len(runs) == MIN_WARMUP
