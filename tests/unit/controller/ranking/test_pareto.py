from hypothesis import given
from hypothesis import strategies as st

from controller.ranking.pareto import pareto_front

Point = tuple[int, int]

_points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


def _front(points: list[Point]) -> list[Point]:
    return pareto_front(points, benefit=lambda point: point[0], cost=lambda point: point[1])


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
