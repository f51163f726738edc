"""Which of several things nothing else beats, for any two figures of theirs."""

from collections.abc import Callable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")


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


def _equal(
    item: ItemT, other: ItemT, benefit: Callable[[ItemT], float], cost: Callable[[ItemT], float]
) -> bool:
    return (benefit(item), cost(item)) == (benefit(other), cost(other))
