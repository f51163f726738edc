"""What comes in of many devices together, one of each at a time."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def of_one_each(
    items: Sequence[ItemT],
    device_of: Callable[[ItemT], str],
    work: Callable[[Sequence[ItemT]], Sequence[ResultT]],
) -> list[ResultT]:
    """What `work` gives for each item, in their order.

    What devices say concerns none but each itself, so that it can be worked on together; what one
    of them said later follows on what it said first.

    Args:
        items: of any devices.
        device_of: whose an item is.
        work: takes items of different devices, and gives a result for each.
    """
    turns: list[list[int]] = []
    seen: defaultdict[str, int] = defaultdict(int)
    for index, item in enumerate(items):
        device = device_of(item)
        if seen[device] == len(turns):
            turns.append([])
        turns[seen[device]].append(index)
        seen[device] += 1
    results: dict[int, ResultT] = {}
    for turn in turns:
        results.update(zip(turn, work([items[index] for index in turn]), strict=True))
    return [results[index] for index in range(len(items))]
