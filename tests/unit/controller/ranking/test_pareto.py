"""Fronts and their knees, of points of a benefit and a cost."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.ranking.pareto import above_chord, front_places_by, knee, pareto_front

Point = tuple[int, int]

_points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


def _front(points: list[Point]) -> list[Point]:
    return pareto_front(points, benefit=lambda point: point[0], cost=lambda point: point[1])


def _front_by(points: Sequence[tuple[int, ...]], count: int) -> list[tuple[int, ...]]:
    costs = np.array(points, dtype=float).reshape(len(points), count)
    return [points[place] for place in front_places_by(costs)]


def _dominates(one: Point, other: Point) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]


def test_of_nothing_nothing_is_on_the_front() -> None:
    assert _front([]) == []


def test_the_front_is_listed_from_the_cheapest() -> None:
    assert _front([(9, 9), (1, 1), (5, 4), (4, 5)]) == [(1, 1), (5, 4), (9, 9)]


def test_equal_points_are_all_on_the_front() -> None:
    assert _front([(5, 4), (5, 4), (5, 5)]) == [(5, 4), (5, 4)]


@given(_points)
def test_nobody_on_the_front_is_dominated_and_everybody_off_it_is_by_someone_on_it(
    points: list[Point],
) -> None:
    front = _front(points)
    for point in points:
        assert (point in front) != any(_dominates(other, point) for other in front)


_positive = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99)), min_size=1, max_size=30)


def _benefit(point: tuple[float, float]) -> float:
    return point[0]


def _cost(point: tuple[float, float]) -> float:
    return point[1]


def _knee(points: list[tuple[float, float]]) -> tuple[float, float]:
    return knee(pareto_front(points, _benefit, _cost), _benefit, _cost)


def test_the_knee_is_known_by_hand() -> None:
    # On log2 cost the line rises by 5 a doubling; (14, 2) is 9 above it, (16, 4) is 6.
    points: list[tuple[float, float]] = [(0, 1), (14, 2), (16, 4), (20, 16)]
    gain = above_chord(points, _benefit, _cost)
    assert [gain(*point) for point in points] == pytest.approx([0, 9, 6, 0])
    assert _knee(points) == (14, 2)


def test_where_nothing_lies_above_the_line_it_is_the_cheapest() -> None:
    assert _knee([(0, 1), (1, 8), (20, 16)]) == (0, 1)
    assert _knee([(3, 4)]) == (3, 4)


@given(_positive)
def test_the_knee_is_on_the_front_and_nothing_lies_farther_above_the_line(
    points: list[tuple[float, float]],
) -> None:
    front = pareto_front(points, _benefit, _cost)
    gain = above_chord(front, _benefit, _cost)
    found = _knee(points)
    assert found in front
    assert all(gain(*found) >= gain(*point) for point in front)


@given(_positive, st.sampled_from([0.5, 2.0, 8.0]), st.sampled_from([0.25, 4.0, 1024.0]))
def test_no_unit_decides_where_the_knee_is(
    points: list[tuple[float, float]], of_benefit: float, of_cost: float
) -> None:
    front = pareto_front(points, _benefit, _cost)
    gains = [above_chord(front, _benefit, _cost)(*point) for point in front]
    ahead = sorted(gains)[-2:]
    # Where two are as far, rounding decides.
    assume(len(front) < 2 or ahead[1] - ahead[0] > 1e-6)
    benefit, cost = _knee(points)
    scaled = [(each[0] * of_benefit, each[1] * of_cost) for each in points]
    assert _knee(scaled) == (benefit * of_benefit, cost * of_cost)


@given(_points)
def test_by_two_figures_both_fronts_are_the_same(points: list[Point]) -> None:
    by_costs = _front_by([(cost, -benefit) for benefit, cost in points], 2)
    assert sorted((-minus, cost) for cost, minus in by_costs) == sorted(_front(points))


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=30))
def test_a_front_of_three_costs_has_just_what_nothing_dominates(
    points: list[tuple[int, int, int]],
) -> None:
    def beats(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    front = _front_by(points, 3)
    unbeaten = [point for point in points if not any(beats(other, point) for other in points)]
    assert front == sorted(unbeaten)
