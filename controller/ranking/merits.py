"""By what the winner is chosen, and who cannot be told apart from it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from controller.domain.rankings import Merit
from controller.domain.rankings.limits import Criterion
from controller.ranking.entries import Entry
from controller.ranking.entries.choosing import Selected
from controller.ranking.entries.columns import Codes, Columns, Mask, Numbers, Rows
from controller.ranking.pareto import Gain, above_line, front_places, pareto_front


def front_of(entries: Sequence[Entry]) -> list[Entry]:
    """Return those that no other one beats in both top-1 and median latency, the fastest first.

    What has no known accuracy is beaten by all that is as fast and has one.
    """
    return pareto_front(
        entries,
        lambda entry: float("-inf") if entry.top1 is None else entry.top1,
        lambda entry: entry.median_ms,
    )


def front_rows(columns: Columns, rows: Rows) -> Rows:
    """Return, as `front_of` does, the front of rows."""
    front: Rows = rows[front_places(columns.gains[rows], columns.median_ms[rows])]
    return front


def line_of(columns: Columns, front: Rows) -> Gain:
    """Return how far above the line through a front's ends a top-1 at a latency lies."""
    ends = [(float(columns.gains[row]), float(columns.median_ms[row])) for row in front[[0, -1]]]
    return above_line(*ends)


def preferred(columns: Columns, rows: Rows, merit: Merit) -> Rows:
    """Return rows in the order of a merit, the best first; by value as by accuracy."""
    ordered: Rows = rows[np.lexsort(_keys(columns, rows, merit)[::-1])]
    return ordered


def ordered(columns: Columns, selected: Selected, merit: Merit) -> Rows:
    """Return what can be ranked in the order of a merit, as `preferred` does.

    It is kept: limits, which differ most, leave some of them out and change no order.
    """
    known = selected.orders.get(merit)
    if known is None:
        known = selected.orders[merit] = preferred(columns, selected.entries, merit)
    return known


def _keys(columns: Columns, rows: Rows, merit: Merit) -> Sequence[Numbers | Codes]:
    """By what a merit orders rows, the less the better, what counts first first."""
    median_ms, place = columns.median_ms[rows], columns.place[rows]
    match merit:
        case Merit.LATENCY:
            return median_ms, -columns.gains[rows], place
        case Merit.MEMORY:
            return columns.memory[1][rows], median_ms, place
        case _:
            return -columns.gains[rows], median_ms, place


def _first(columns: Columns, rows: Rows, merit: Merit) -> int:
    """The first of what is `preferred`, of at least one row; found without an order of all."""
    at = np.arange(len(rows))
    for key in _keys(columns, rows, merit):
        at = at[key[at] == key[at].min()]
    return int(rows[at[0]])


def leaders(columns: Columns, passing: Rows) -> Mapping[Merit, int]:
    """Return the row that is first by each merit, of those that have what it is about."""
    found = {merit: leader(columns, passing, merit) for merit in Merit}
    return {merit: row for merit, row in found.items() if row is not None}


def leader(columns: Columns, passing: Rows, merit: Merit) -> int | None:
    """Return the row that is first by a merit; None where none has what it is about."""
    if merit is Merit.MEMORY:
        passing = passing[columns.has_memory[passing]]
    elif merit is not Merit.LATENCY:
        passing = passing[~np.isnan(columns.top1[passing])]
    if not len(passing):
        return None
    if merit is Merit.VALUE:
        return _best_value(columns, front_rows(columns, passing))
    return _first(columns, passing, merit)


def ties_with(columns: Columns, winner: int, passing: Rows, merit: Merit) -> Rows:
    """Return those that cannot be told apart from the winner, in the order of `passing`.

    - latency: both intervals overlap.
    - accuracy: so, and the top-1 is the same.
    - memory: what their processes needed overlaps.
    - value: as with accuracy; and who is on the front and could lie as far above the line through
      its ends, when its own latency is at the lower end of its interval and the winner's at the
      upper.
    """
    others: Rows = passing[passing != winner]
    alike = overlapping(columns, winner, others)
    if merit is Merit.MEMORY:
        low, high = columns.memory
        alike = (low[others] <= high[winner]) & (low[winner] <= high[others])
    elif merit is not Merit.LATENCY:
        alike &= columns.top1[others] == columns.top1[winner]
    if merit is Merit.VALUE:
        alike |= np.isin(others, _could_be_best_value(columns, winner, passing))
    ties: Rows = others[alike]
    return ties


def overlapping(columns: Columns, row: int, rows: Rows) -> Mask:
    """Say of which rows the latency's interval overlaps that of one: neither is surely faster."""
    return overlaps_of(columns, rows)(row)


def overlaps_of(columns: Columns, rows: Rows) -> Callable[[int], Mask]:
    """Return what says so of one after the other, beside the same rows."""
    low, high = columns.low_ms, columns.high_ms
    lows, highs = low[rows], high[rows]

    def overlaps(row: int) -> Mask:
        found: Mask = (lows <= high[row]) & (low[row] <= highs)
        return found

    return overlaps


def _best_value(columns: Columns, front: Rows) -> int:
    median_ms = columns.median_ms[front]
    best = int(np.argmax(line_of(columns, front)(columns.gains[front], median_ms)))
    # Of two ends without a knee between them, the fastest is no better value unless it is faster.
    is_the_fastest = median_ms[best] == median_ms[0]
    ties = overlapping(columns, int(front[best]), front)[-1]
    return int(front[-1] if is_the_fastest and ties else front[best])


def _could_be_best_value(columns: Columns, winner: int, passing: Rows) -> Rows:
    front = front_rows(columns, passing[~np.isnan(columns.top1[passing])])
    gain = line_of(columns, front)
    at_worst = gain(columns.gains[winner], columns.high_ms[winner])
    at_best = gain(columns.gains[front], columns.low_ms[front])
    could_be: Rows = front[at_best >= at_worst]
    return could_be


def costs_of(columns: Columns, axis: Criterion) -> Numbers:
    """Return what each row costs by a figure, the less the better; of latency its median.

    What a figure is not known of costs without end.
    """
    figures = columns.median_ms if axis is Criterion.LATENCY else columns.figure(axis)
    costs = -figures if axis is Criterion.TOP1 else figures
    return np.where(np.isnan(costs), np.inf, costs)
