"""Who beats a backbone, by how much, and what it would need."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.explanations import Explanation, Goal, Lack
from controller.domain.rankings.limits import Bound, Criterion
from controller.ranking.explaining import explain
from controller.ranking.ranking import rank
from models.catalog.catalog import Catalog
from tests.unit.controller.samples.measurements import DEVICE, measurement

EMPTY = Catalog([])
MEASURED = (
    measurement("Fast", 5, 0.1, top1=75),
    measurement("Beaten", 8, 0.1, top1=72),
    measurement("Close", 5.05, 0.1, top1=74),
    measurement("Best", 20, 0.1, top1=80),
)


def explained(
    name: str, within: Constraints, measured: tuple[Measurement, ...] = MEASURED
) -> Explanation:
    return explain(rank(DEVICE, measured, within, EMPTY), name)


def lack(found: Explanation, goal: Goal, criterion: Criterion) -> Lack:
    return next(each for each in found.lacks if (each.goal, each.criterion) == (goal, criterion))


def test_what_beats_it_is_told_with_figures_and_intervals() -> None:
    found = explained("Beaten", Constraints(by=Merit.LATENCY))
    assert [each.measurement.backbone for each in found.rivals] == ["Fast", "Close"]
    fast = found.rivals[0]
    assert fast.latency_ratio == pytest.approx(1.6)
    assert 1 < fast.latency_ratio_low < 1.6 < fast.latency_ratio_high
    assert fast.top1_points == 3
    assert set(fast.surely_in) == {Criterion.LATENCY, Criterion.TOP1}


def test_a_tie_in_latency_is_no_sure_thing() -> None:
    (fast,) = explained("Close", Constraints(by=Merit.LATENCY)).rivals
    assert Criterion.LATENCY in fast.better_in
    assert fast.surely_in == (Criterion.TOP1,)


def test_what_it_would_need_is_one_figure_at_a_time() -> None:
    found = explained("Beaten", Constraints(by=Merit.ACCURACY))
    assert lack(found, Goal.WIN, Criterion.TOP1).value == 80
    assert lack(found, Goal.FRONT, Criterion.LATENCY).value == 5
    assert lack(found, Goal.FRONT, Criterion.TOP1).value == 75


def test_a_limit_that_it_breaks_is_needed_first() -> None:
    found = explained("Best", Constraints(max_latency_ms=10))
    assert found.candidate is not None
    assert found.candidate.rank_low == 0
    needed = lack(found, Goal.WITHIN, Criterion.LATENCY)
    assert (needed.bound, needed.value, needed.has) == (Bound.AT_MOST, 10, 20.1)
    # Its top-1 is ahead of all that is within: nothing of it is lacking.
    assert {each.criterion for each in found.lacks} == {Criterion.LATENCY}


def test_the_winner_lacks_nothing_to_win() -> None:
    found = explained("Fast", Constraints(by=Merit.LATENCY))
    assert not found.rivals
    assert not found.lacks


def test_of_what_was_not_measured_nothing_is_known() -> None:
    found = explained("Unknown", Constraints())
    assert (found.candidate, found.rivals, found.lacks) == (None, (), ())


@given(
    st.lists(st.tuples(st.floats(1, 100), st.floats(50, 90)), min_size=3, max_size=8, unique=True),
    st.integers(0, 7),
)
def test_with_what_it_needs_to_be_worth_most_it_is_level_with_the_winner(
    figures: list[tuple[int, int]], at: int
) -> None:
    assume(at < len(figures))
    measured = tuple(
        measurement(f"N{place}", median, 0, top1=top1)
        for place, (median, top1) in enumerate(figures)
    )
    found = explained(f"N{at}", Constraints(by=Merit.VALUE), measured)
    for needed in (each for each in found.lacks if each.goal is Goal.WIN):
        assert needed.has is not None
        if needed.bound is Bound.AT_LEAST:
            assert needed.value > needed.has
        else:
            assert needed.value < needed.has
