"""At which places candidates may be, as far as their intervals tell."""

from dataclasses import dataclass

import numpy as np

from controller.domain.rankings import Merit
from controller.ranking.entries.columns import Codes, Columns, Numbers, Rows
from controller.ranking.merits import front_rows, line_of


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The best and the worst place that each row may have, from 1; 0 of what has none."""

    low: Codes
    high: Codes


def places(columns: Columns, passing: Rows, merit: Merit) -> Places:
    """Return at which places each row may be by a merit.

    Its best place is behind all that are surely ahead of it, its worst before all that it is surely
    ahead of; one is surely ahead where its worst is better than the other's best:

    - latency: the ends of the median's interval.
    - memory: the most and the least that the processes needed.
    - accuracy: top-1, and of equal top-1 the ends of the interval.
    - value: the height above the line through the front's ends, at either end of the interval.

    So are ranks from joint intervals (Klein, Wright and Wieczorek, A joint confidence region for an
    overall ranking of populations, Journal of the Royal Statistical Society C 69, 2020); here each
    interval holds by itself at 95 %, and not all of them at once.

    Args:
        columns: of a device.
        passing: those that satisfy the constraints.
        merit: what orders them; of accuracy and value with known top-1.
    """
    low, high = (np.zeros(len(columns), dtype=np.int64) for _ in range(2))
    if len(passing):
        bests, worsts = _spans(columns, passing, merit)
        low[passing] = 1 + np.searchsorted(np.sort(worsts), bests, side="left")
        high[passing] = np.searchsorted(np.sort(bests), worsts, side="right")
    return Places(low, high)


def _spans(columns: Columns, passing: Rows, merit: Merit) -> tuple[Numbers, Numbers]:
    """Return the least and the most cost of each, which order them as the merit does."""
    low, high = columns.low_ms[passing], columns.high_ms[passing]
    gains = columns.gains[passing]
    match merit:
        case Merit.LATENCY:
            return low, high
        case Merit.MEMORY:
            least, most = columns.memory
            return least[passing], most[passing]
        case Merit.ACCURACY:
            costs = _in_order(np.tile(-gains, 2), np.concatenate([low, high]))
            return costs[: len(passing)], costs[len(passing) :]
    front = front_rows(columns, passing)
    gain = line_of(columns, front)
    return -gain(gains, low), -gain(gains, high)


def _in_order(first: Numbers, second: Numbers) -> Numbers:
    """Return numbers that are in the order of pairs, equal where these are."""
    order = np.lexsort((second, first))
    is_next = np.zeros(len(order), dtype=bool)
    for each in (first[order], second[order]):
        is_next[1:] |= each[1:] != each[:-1]
    numbers = np.empty(len(order), dtype=np.float64)
    numbers[order] = np.cumsum(is_next)
    return numbers
