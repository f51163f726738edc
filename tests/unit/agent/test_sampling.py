"""The timed loops, on a clock that the test owns."""

import itertools

import numpy as np
import pytest

from agent.child_messages import Phase
from agent.domain import StopReason
from agent.sampling import sample, warm_up
from agent.stopping import MAX_SAMPLES, MIN_SAMPLES, MIN_WARMUP, StoppingRule

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
