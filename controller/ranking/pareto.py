"""Which of several things nothing else beats, by any figures of theirs."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

ItemT = TypeVar("ItemT")
Numbers: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.intp]
Gain: TypeAlias = Callable[[Any, Any], Any]
"""Takes benefits and costs, single ones or columns of them, and gives as many."""

# Nothing costs less, so that there is a logarithm of it.
_LEAST_COST: Final = 1e-12


def front_places(benefit: Numbers, cost: Numbers) -> Places:
    """Return where the points are that no other one dominates, the cheapest first.

    One dominates another when it costs no more, gives no less, and differs. Equal points dominate
    neither, so all of them are on the front or none.
    """
    order = np.lexsort((-benefit, cost))
    of, at = benefit[order], cost[order]
    surpasses = np.ones(len(order), dtype=bool)
    surpasses[1:] = of[1:] > np.maximum.accumulate(of)[:-1]
    last = np.maximum.accumulate(np.where(surpasses, np.arange(len(order)), 0))
    front: Places = order[(of == of[last]) & (at == at[last])]
    return front


def front_places_by(costs: npt.NDArray[np.float64]) -> Places:
    """Return where the points are that no other one dominates by any number of costs.

    As `front_places`, which is this by two figures: one dominates another when none of its costs is
    higher, and one is lower; by the first cost first. The least of what is left in lexicographic
    order is on the front, since nothing is dominated by what comes behind it, and what it dominates
    is looked at no more (Kung, Luccio and Preparata, On Finding the Maxima of a Set of Vectors,
    Journal of the ACM 22, 1975).

    Args:
        costs: a row for each point, a column for each cost.
    """
    left = np.lexsort(costs.T[::-1])
    front: list[Places] = []
    while len(left):
        price, others = costs[left[0]], costs[left]
        is_equal = (others == price).all(axis=1)
        front.append(left[is_equal])
        left = left[~(others >= price).all(axis=1)]
    return np.concatenate(front) if front else left


def pareto_front(
    items: Sequence[ItemT], benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> list[ItemT]:
    """Return the items that no other one dominates, the cheapest first: see `front_places`."""
    gains = np.array([benefit(item) for item in items], dtype=float)
    prices = np.array([cost(item) for item in items], dtype=float)
    return [items[place] for place in front_places(gains, prices)]


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
) -> Gain:
    """Return how far a point lies above the line through a front's ends: see `above_line`."""
    first, last = front[0], front[-1]
    return above_line((benefit(first), cost(first)), (benefit(last), cost(last)))


def above_line(first: tuple[float, float], last: tuple[float, float]) -> Gain:
    """Return how far points of a benefit and a cost lie above the line through two of them.

    With the cheapest (b0, c0) and the most beneficial (b1, c1) it is

        (b - b0) - (b1 - b0) * (log c - log c0) / (log c1 - log c0)

    in units of the benefit, which is the distance at right angles up to a factor that all points
    share. So no weight between the two units decides. Das, On characterizing the "knee" of the
    Pareto curve based on normal-boundary intersection, Structural Optimization 18, 1999. Ends that
    cost the same have a level line.
    """
    (benefit, cost), (most, highest) = first, last
    width = _log(highest) - _log(cost)
    slope = (most - benefit) / width if width > 0 else 0.0

    def gain(of_benefit: Any, of_cost: Any) -> Any:
        return of_benefit - benefit - slope * (_log(of_cost) - _log(cost))

    return gain


def _log(cost: Any) -> Any:
    return np.log(np.maximum(cost, _LEAST_COST))
