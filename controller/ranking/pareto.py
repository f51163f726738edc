"""Which of several things nothing else beats, by any figures of theirs."""

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

ItemT = TypeVar("ItemT")

# Nothing costs less, so that there is a logarithm of it.
_LEAST_COST: Final = 1e-12


def pareto_front(
    items: Sequence[ItemT], benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> list[ItemT]:
    """Return the items that no other one dominates, the cheapest first.

    One dominates another when it costs no more, gives no less, and differs. Equal items dominate
    neither, so all of them are on the front or none.
    """
    front: list[ItemT] = []
    for item in sorted(items, key=lambda item: (cost(item), -benefit(item))):
        best = front[-1] if front else None
        if best is None or benefit(item) > benefit(best) or _equal(item, best, benefit, cost):
            front.append(item)
    return front


def pareto_front_by(
    items: Sequence[ItemT], costs: Sequence[Callable[[ItemT], float]]
) -> list[ItemT]:
    """Return the items that no other one dominates by any number of costs, by the first of them.

    As `pareto_front`, which is this by two figures: one dominates another when none of its costs is
    higher, and one is lower. Each is held against the front so far, since with costs in
    lexicographic order nothing is dominated by what comes behind it (Kung, Luccio and Preparata, On
    Finding the Maxima of a Set of Vectors, Journal of the ACM 22, 1975).
    """
    front: list[tuple[tuple[float, ...], ItemT]] = []
    priced = [(tuple(cost(item) for cost in costs), item) for item in items]
    for price, item in sorted(priced, key=lambda each: each[0]):
        if not any(
            other != price and all(a <= b for a, b in zip(other, price, strict=True))
            for other, _ in front
        ):
            front.append((price, item))
    return [item for _, item in front]


def knee(
    front: Sequence[ItemT], benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> ItemT:
    """Return the item of a front that lies farthest above the line through its ends.

    Before the knee a little more cost gives much benefit, behind it much more cost gives little.
    Distances are those of `above_chord`; of equally far ones, and where nothing lies above the
    line, it is the cheapest.

    Args:
        front: at least one item, as `pareto_front` returns them.
        benefit: the more of it, the better.
        cost: above 0; its logarithm counts.
    """
    gain = above_chord(front, benefit, cost)
    return max(front, key=lambda item: gain(benefit(item), cost(item)))


def above_chord(
    front: Sequence[ItemT], benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> Callable[[float, float], float]:
    """Return how far a point of a benefit and a cost lies above the line through a front's ends.

    With the cheapest item (b0, c0) and the most beneficial one (b1, c1) it is

        (b - b0) - (b1 - b0) * (log c - log c0) / (log c1 - log c0)

    in units of the benefit, which is the distance at right angles up to a factor that all points
    share. So no weight between the two units decides. Das, On characterizing the "knee" of the
    Pareto curve based on normal-boundary intersection, Structural Optimization 18, 1999. A front
    whose ends cost the same has a level line.
    """
    first, last = front[0], front[-1]
    rise = benefit(last) - benefit(first)
    width = _log(cost(last)) - _log(cost(first))
    slope = rise / width if width > 0 else 0.0

    def gain(of_benefit: float, of_cost: float) -> float:
        along = _log(of_cost) - _log(cost(first))
        return of_benefit - benefit(first) - slope * along

    return gain


def _log(cost: float) -> float:
    return math.log(max(cost, _LEAST_COST))


def _equal(
    item: ItemT, other: ItemT, benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> bool:
    return (benefit(item), cost(item)) == (benefit(other), cost(other))
