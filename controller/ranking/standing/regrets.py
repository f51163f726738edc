"""What a device loses by a backbone beside its own best one, by each merit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from controller.domain.rankings import Merit
from controller.ranking.entries import Entry
from controller.ranking.merits import front_of, memory_of
from controller.ranking.pareto import above_chord

# What needs no more than the bare runtime counts as if it needed this: nothing is so many times 0.
_LEAST_MEMORY_BYTES: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Span:
    """A figure, with the least and the most that it may be by the intervals."""

    value: float
    low: float
    high: float


def regrets(entries: Sequence[Entry], merit: Merit) -> dict[str, Span]:
    """Return by id what is lost by each entry beside the best one of the device.

    - latency, memory: c / c* - 1, with the cost c and the least cost c* (a fraction: 0.1 is 10 %
      slower than the fastest). Memory is the peak, and at least 1 MiB.
    - accuracy: a* - a, points of top-1 below the most accurate.
    - value: g* - g, with the height g above the line through the ends of the Pareto front
      (`controller.ranking.pareto.above_chord`), points of top-1.

    By the intervals it is between that of its own best with the other's worst end, and the reverse;
    of the best itself it begins at 0.

    Args:
        entries: of one device, at least one, that qualify; of accuracy and value with known top-1.
        merit: by what the best is chosen.
    """
    if merit is Merit.ACCURACY:
        most = max(entry.top1 or 0.0 for entry in entries)
        lost = {entry.id: most - (entry.top1 or 0.0) for entry in entries}
        return {id_: Span(each, each, each) for id_, each in lost.items()}
    if merit is Merit.VALUE:
        return _value_regrets(entries)
    return _relative_regrets(entries, _memory_cost if merit is Merit.MEMORY else _latency_cost)


def _value_regrets(entries: Sequence[Entry]) -> dict[str, Span]:
    gain = above_chord(
        front_of(entries), lambda each: each.top1 or 0.0, lambda each: each.median_ms
    )

    def at(entry: Entry, latency_ms: float) -> float:
        return gain(entry.top1 or 0.0, latency_ms)

    best = max(entries, key=lambda each: at(each, each.median_ms))
    top = at(best, best.median_ms)
    worst_top, best_top = at(best, best.latency.high_ms), at(best, best.latency.low_ms)
    return {
        entry.id: Span(
            top - at(entry, entry.median_ms),
            max(0.0, worst_top - at(entry, entry.latency.low_ms)),
            0.0 if entry is best else max(0.0, best_top - at(entry, entry.latency.high_ms)),
        )
        for entry in entries
    }


def _relative_regrets(entries: Sequence[Entry], cost: Callable[[Entry], Span]) -> dict[str, Span]:
    costs = {entry.id: cost(entry) for entry in entries}
    best = min(costs, key=lambda id_: (costs[id_].value, id_))
    least = costs[best]
    return {
        id_: Span(
            _excess(each.value, least.value),
            _excess(each.low, least.high),
            0.0 if id_ == best else _excess(each.high, least.low),
        )
        for id_, each in costs.items()
    }


def _excess(cost: float, least: float) -> float:
    return max(0.0, cost / least - 1) if least > 0 else 0.0


def _latency_cost(entry: Entry) -> Span:
    return Span(entry.median_ms, entry.latency.low_ms, entry.latency.high_ms)


def _memory_cost(entry: Entry) -> Span:
    least, peak = (max(each, _LEAST_MEMORY_BYTES) for each in memory_of(entry))
    return Span(peak, least, peak)
