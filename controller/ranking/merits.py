"""By what the winner is chosen, and who cannot be told apart from it."""

from collections.abc import Callable, Mapping, Sequence

from controller.domain.rankings import Merit
from controller.ranking.entries import Entry, order_of
from controller.ranking.pareto import above_chord, knee, pareto_front


def front_of(entries: Sequence[Entry]) -> list[Entry]:
    """Return those that no other one beats in both top-1 and median latency, the fastest first.

    What has no known accuracy is beaten by all that is as fast and has one.
    """
    return pareto_front(entries, _accuracy, _latency)


def preference(merit: Merit) -> Callable[[Entry], tuple[object, ...]]:
    """Return what entries are ordered by, the best first; best value as the most accurate."""
    if merit is Merit.LATENCY:
        return lambda entry: (entry.median_ms, -_accuracy(entry), *order_of(entry.measurement))
    if merit is Merit.MEMORY:
        return lambda entry: (memory_of(entry)[1], entry.median_ms, *order_of(entry.measurement))
    return lambda entry: (-_accuracy(entry), entry.median_ms, *order_of(entry.measurement))


def leaders(passing: Sequence[Entry]) -> Mapping[Merit, Entry]:
    """Return the first by each merit, of those that have what it is about."""
    known = [entry for entry in passing if entry.top1 is not None]
    about = {
        Merit.VALUE: known,
        Merit.ACCURACY: known,
        Merit.LATENCY: passing,
        Merit.MEMORY: [entry for entry in passing if entry.measurement.memory is not None],
    }
    return {merit: _leader(merit, entries) for merit, entries in about.items() if entries}


def ties_with(winner: Entry, passing: Sequence[Entry], merit: Merit) -> list[Entry]:
    """Return those that cannot be told apart from the winner, in the order of `passing`.

    - latency: both intervals overlap.
    - accuracy: so, and the top-1 is the same.
    - memory: what their processes needed overlaps.
    - value: as with accuracy; and who is on the front and could lie as far above the line through
      its ends, when its own latency is at the lower end of its interval and the winner's at the
      upper.
    """
    others = [entry for entry in passing if entry is not winner]
    if merit is Merit.LATENCY:
        return [entry for entry in others if entry.latency_ties_with(winner)]
    if merit is Merit.MEMORY:
        return [entry for entry in others if _memory_overlaps(entry, winner)]
    could_be = _could_be_best_value(winner, passing) if merit is Merit.VALUE else set()
    return [
        entry
        for entry in others
        if entry.id in could_be or (entry.top1 == winner.top1 and entry.latency_ties_with(winner))
    ]


def _leader(merit: Merit, entries: Sequence[Entry]) -> Entry:
    if merit is not Merit.VALUE:
        return min(entries, key=preference(merit))
    front = front_of(entries)
    best, most_accurate = knee(front, _accuracy, _latency), front[-1]
    # Of two ends without a knee between them, the fastest is no better value unless it is faster.
    is_the_fastest = best.median_ms == front[0].median_ms
    return most_accurate if is_the_fastest and best.latency_ties_with(most_accurate) else best


def _could_be_best_value(winner: Entry, passing: Sequence[Entry]) -> set[str]:
    front = front_of([entry for entry in passing if entry.top1 is not None])
    gain = above_chord(front, _accuracy, _latency)
    at_worst = gain(_accuracy(winner), winner.latency.high_ms)
    return {entry.id for entry in front if gain(_accuracy(entry), entry.latency.low_ms) >= at_worst}


def _accuracy(entry: Entry) -> float:
    return float("-inf") if entry.top1 is None else entry.top1


def _latency(entry: Entry) -> float:
    return entry.median_ms


def memory_of(entry: Entry) -> tuple[float, float]:
    """Return the least and the most that its processes needed, bytes; no end where unknown."""
    memory = entry.measurement.memory
    if memory is None:
        return float("inf"), float("inf")
    least = memory.least_peak_rss_bytes
    return memory.peak_rss_bytes if least is None else least, memory.peak_rss_bytes


def _memory_overlaps(entry: Entry, other: Entry) -> bool:
    (low, high), (other_low, other_high) = memory_of(entry), memory_of(other)
    return low <= other_high and other_low <= high
