"""A process samples no longer than it tells something beside the others of its job."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.child.stopping import MIN_SAMPLES, MIN_SAMPLING_NS
from protos.measuring import StopReason
from tests.unit.agent.child.test_stopping import (
    LONG_NS,
    MOST_IN_A_BUDGET,
    RUN_NS,
    rng,
    rule,
    seeds,
    stopped_at,
    with_noise,
)


@settings(deadline=None, max_examples=30)
@given(seeds, st.floats(0.01, 0.05), st.floats(0.02, 0.05))
def test_sampling_ends_once_the_error_is_a_third_of_what_processes_differ_by(
    seed: int, spread: float, process_spread: float
) -> None:
    series = with_noise(np.ones(MOST_IN_A_BUDGET), seed, spread)
    beyond_reach = 1e-5
    taken, reason = stopped_at(series, rule(beyond_reach, process_spread=process_spread))
    assert reason is StopReason.BELOW_PROCESS_SPREAD
    # The standard error of a normal sample's median is 1.2533 deviations over the root of its size.
    needed = (1.2533 * spread / (process_spread / 3)) ** 2
    assert MIN_SAMPLES <= taken < max(MIN_SAMPLES * 4, 6 * needed)


def test_a_process_that_is_told_nothing_of_others_goes_on() -> None:
    series = with_noise(np.ones(300), 1, 0.05)
    assert rule(1e-5).check(series, MIN_SAMPLING_NS, rng()) is None
    told = rule(1e-5, process_spread=0.03).check(series, MIN_SAMPLING_NS, rng())
    assert told is StopReason.BELOW_PROCESS_SPREAD
    assert rule(1e-5, process_spread=0.03).check(series, MIN_SAMPLING_NS - 1, rng()) is None


def test_a_noisy_process_ends_when_another_one_would_tell_more_in_the_time() -> None:
    # Its error is 1.8 %, and is to be under 1 %.
    series = with_noise(np.ones(50), 1, 0.1)
    told = rule(1e-5, process_spread=0.03, start_ns=RUN_NS * 60)
    assert told.check(series, RUN_NS * 50, rng()) is None
    sooner = rule(1e-5, process_spread=0.03, start_ns=RUN_NS * 50)
    assert sooner.check(series, RUN_NS * 50, rng()) is StopReason.BELOW_PROCESS_SPREAD
    # With three times that error it is worth three times the start.
    noisier = with_noise(np.ones(50), 1, 0.3)
    assert sooner.check(noisier, RUN_NS * 50, rng()) is None
    assert sooner.check(noisier, RUN_NS * 500, rng()) is StopReason.BELOW_PROCESS_SPREAD


def test_what_is_precise_is_said_to_be_so() -> None:
    quiet = [1_000_000] * MIN_SAMPLES
    told = rule(process_spread=0.03).check(quiet, MIN_SAMPLING_NS, rng())
    assert told is StopReason.PRECISE


def test_a_time_budget_ends_what_is_still_too_noisy_for_processes() -> None:
    scattered = list(range(1_000_000, 9_000_000, 100_000))
    told = rule(process_spread=0.01)
    assert told.check(scattered, LONG_NS - 1, rng()) is None
    assert told.check(scattered, LONG_NS, rng()) is StopReason.TIME_BUDGET
