"""What jobs know of each other: how far processes differ."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.figures.spread import (
    UNKNOWN_SPREAD,
    Spread,
    careful_deviation,
    half_width,
    interval_so_far,
    likely_deviation,
    process_spread,
    spread_of,
)

medians = st.lists(st.floats(0.1, 1_000), max_size=10)


def known(deviation: float, degrees: int = 40) -> Spread:
    return Spread(squares=degrees * deviation**2, degrees=degrees)


@given(medians, medians)
def test_a_part_that_is_added_can_be_taken_away(some: list[float], others: list[float]) -> None:
    whole = spread_of(some).plus(spread_of(others))
    rest = whole.without(spread_of(some))
    assert rest.degrees == spread_of(others).degrees
    assert math.isclose(rest.squares, spread_of(others).squares, abs_tol=1e-6)


@given(medians)
def test_one_more_process_never_makes_the_sum_smaller(some: list[float]) -> None:
    before = spread_of(some[:-1])
    assert spread_of(some).squares >= before.squares - 1e-9
    assert spread_of(some).degrees in (before.degrees, before.degrees + 1)


def test_the_interval_is_students_where_others_agree_more() -> None:
    # By hand: deviation 0.01, three of them: 4.303 * 0.01 / sqrt(3) = 0.02484 on the logarithm.
    three = [math.exp(log) for log in (-0.01, 0.0, 0.01)]
    assert half_width(three, 0.001) == pytest.approx(math.expm1(0.02484), rel=1e-3)


def test_others_that_differ_more_make_it_wider() -> None:
    expected = math.expm1(4.3027 / math.sqrt(3) * 0.02)
    assert half_width([1.0] * 3, 0.02) == pytest.approx(expected, rel=1e-3)
    assert math.isinf(half_width([1.0], 0.02))


def test_few_others_tell_little() -> None:
    # Chi squared's 20 % quantile with 40 degrees of freedom is 32.345.
    assert careful_deviation(known(0.02)) == pytest.approx(0.02 * math.sqrt(40 / 32.345), rel=1e-3)
    assert careful_deviation(known(0.02, degrees=2)) > 0.04
    assert math.isinf(careful_deviation(Spread()))
    assert likely_deviation(known(0.02)) == pytest.approx(0.02)
    assert likely_deviation(Spread()) == 0


def test_history_counts_for_little_beside_what_is_measured_now() -> None:
    history = known(0.01, degrees=400).as_history()
    assert history.degrees == 4
    assert math.sqrt(history.squares / history.degrees) == pytest.approx(0.01)
    assert known(0.01, degrees=2).as_history() == known(0.01, degrees=2)


def test_a_process_is_told_what_is_known_and_no_more_than_its_own_job_may_differ_by() -> None:
    assert process_spread(Spread()) == UNKNOWN_SPREAD
    assert process_spread(known(0.01, degrees=400)) == pytest.approx(0.01, rel=0.05)
    assert process_spread(known(0.2, degrees=400)) == pytest.approx(0.2, rel=0.05)
    quiet = known(0.01, degrees=4)
    assert process_spread(known(0.2), quiet) == careful_deviation(quiet)


@pytest.mark.parametrize("jobs", [1, 8])
def test_stopping_by_it_does_not_pick_those_that_agree_by_chance(jobs: int) -> None:
    """Of jobs that end as soon as they are narrow enough, 95 % of intervals hold the truth."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(600 // jobs):
        medians_ms = np.exp(0.03 * rng.standard_normal((jobs, 10)))
        counts = dict.fromkeys(range(jobs), 3)
        going = set(counts)
        while going:
            spreads = {job: spread_of(medians_ms[job, : counts[job]]) for job in counts}
            whole = Spread()
            for each in spreads.values():
                whole = whole.plus(each)
            going = {
                job
                for job in going
                if counts[job] < 10
                and half_width(
                    medians_ms[job, : counts[job]],
                    careful_deviation(whole.without(spreads[job])),
                )
                > 0.03
            }
            for job in going:
                counts[job] += 1
        for job, count in counts.items():
            logs = np.log(medians_ms[job, :count])
            # 97.5 % quantiles of Student's t distribution with 2 to 9 degrees of freedom.
            quantile = (4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)[count - 3]
            held.append(abs(logs.mean()) <= quantile * logs.std(ddof=1) / math.sqrt(count))
    assert np.mean(held) > 0.925


@given(st.lists(st.floats(0.1, 1_000), min_size=1, max_size=10), st.floats(0, 0.1))
def test_what_is_known_so_far_lies_around_the_processes_and_others_only_widen_it(
    some: list[float], deviation: float
) -> None:
    low, high = interval_so_far(some, deviation)
    middle = math.exp(float(np.mean(np.log(some))))
    assert low <= middle * (1 + 1e-9)
    assert middle <= high * (1 + 1e-9)
    alone_low, alone_high = interval_so_far(some, 0.0)
    assert low <= alone_low * (1 + 1e-9)
    assert alone_high <= high * (1 + 1e-9)


def test_one_process_is_as_wide_as_others_differ_and_four_half_as_wide() -> None:
    assert interval_so_far([10.0], 0.02) == pytest.approx((9.6156, 10.3998), rel=1e-4)
    assert interval_so_far([10.0] * 4, 0.02) == pytest.approx((9.8059, 10.1979), rel=1e-4)
