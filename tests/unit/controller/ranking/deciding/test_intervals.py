"""Intervals of predictions: what many left-out rows say, or what is usual where they are few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.ranking.prediction.experts import Expert, Places, Told
from controller.ranking.prediction.leaving_out import Ensemble, calibrated, ensemble, intervals
from controller.ranking.prediction.networks import Array

SCORES = st.lists(st.floats(0, 20), min_size=8, max_size=60)


def told(scores: list[float]) -> Ensemble:
    """One row at 0 with a deviation of 1."""
    return Ensemble(
        logs=np.zeros(1), deviations=np.ones(1), residuals=np.array(scores), scores=np.array(scores)
    )


def half(scores: list[float], confidence: float) -> float:
    """Of the interval of that row."""
    low, high = intervals(told(scores), confidence)
    assert low[0] == -high[0]
    return float(high[0])


def test_many_scores_alone_tell_how_wide_an_interval_is() -> None:
    scores = [place / 100 for place in range(1, 101)]
    assert half(scores, 0.9) == pytest.approx(0.91, abs=0.01)
    assert half([3 * score for score in scores], 0.9) == pytest.approx(2.73, abs=0.03)


def test_eight_perfect_scores_make_nobody_sure() -> None:
    # Student's t of 4 degrees exceeds 1.533 in 10 of 100 cases (any table of it).
    assert half([0.0] * 8, 0.9) == pytest.approx(1.533, abs=0.001)
    assert calibrated(told([0.0] * 8))[0] == pytest.approx(1.0)


def test_one_score_of_eight_that_is_far_off_is_no_reason_to_say_nothing() -> None:
    assert half([0.5] * 7 + [1000.0], 0.9) < 2.5


@given(scores=SCORES, shares=st.tuples(st.floats(0.5, 0.99), st.floats(0.5, 0.99)))
def test_more_confidence_is_never_a_narrower_interval(
    scores: list[float], shares: tuple[float, float]
) -> None:
    assert half(scores, min(shares)) <= half(scores, max(shares))


@given(scores=SCORES, confidence=st.floats(0.5, 0.99))
def test_larger_scores_are_never_a_narrower_interval(
    scores: list[float], confidence: float
) -> None:
    larger = [1.5 * score for score in scores]
    assert half(scores, confidence) <= half(larger, confidence)


def line(across: Array, degree: int, deviation: float) -> Expert:
    """Least squares of a polynomial, with a deviation that it always tells."""

    def tell(places: Places, logs: Array) -> Told:
        fitted: Array = np.polyval(np.polyfit(across[places], logs, degree), across)
        return Told(fitted, np.full(len(across), deviation))

    return tell


@pytest.mark.parametrize(("count", "deviation"), [(8, 0.15), (32, 0.1), (32, 0.3)])
def test_nine_of_ten_intervals_hold_what_is_measured(count: int, deviation: float) -> None:
    """Of few by what the experts say of themselves, which is true here; of many whatever it is."""
    drawn = np.random.default_rng(count)
    held = []
    for _ in range(640 // count):
        across = drawn.uniform(-1, 1, count + 40)
        values = 0.5 * across + drawn.normal(0, 0.15, count + 40)
        experts = [line(across, degree, deviation) for degree in (0, 1)]
        low, high = intervals(ensemble(experts, np.arange(count), values[:count]), 0.9)
        held.append(np.mean(((low <= values) & (values <= high))[count:]))
    assert 0.87 <= np.mean(held) <= 0.94


def test_only_those_alike_say_how_far_off_the_others_are() -> None:
    """Of each odd one out nobody knows as much as of those that are asked for."""
    across = np.linspace(-1, 1, 24)
    values = 0.5 * across
    odd = np.arange(0, 24, 3)
    values[odd] += np.random.default_rng(3).normal(0, 2, len(odd))

    def knowing(_places: Places, _logs: Array) -> Told:
        return Told(0.5 * across + 0.01, np.full(24, 0.1))

    alike = np.setdiff1d(np.arange(24), odd)
    every = ensemble([knowing], np.arange(24), values)
    told = ensemble([knowing], np.arange(24), values, alike)
    assert len(told.scores) == len(told.residuals) == 16
    assert told.residuals == pytest.approx(np.full(16, -0.01))
    assert every.scores.max() > 5 > told.scores.max()
