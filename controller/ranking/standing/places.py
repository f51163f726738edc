"""At which places candidates may be, as far as their intervals tell."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controller.domain.rankings import Merit
from controller.ranking.entries import Entry
from controller.ranking.merits import front_of, memory_of
from controller.ranking.pareto import above_chord


@dataclass(frozen=True, slots=True)
class Places:
    """The best and the worst place that a candidate may have, from 1."""

    low: int
    high: int


def places(passing: Sequence[Entry], merit: Merit) -> Mapping[str, Places]:
    """Return by id at which places each candidate may be by a merit.

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
        passing: those that satisfy the constraints.
        merit: what orders them; of accuracy and value with known top-1.
    """
    spans = _spans(passing, merit)
    bests, worsts = sorted(best for best, _ in spans), sorted(worst for _, worst in spans)
    return {
        entry.id: Places(low=1 + bisect_left(worsts, best), high=bisect_right(bests, worst))
        for entry, (best, worst) in zip(passing, spans, strict=True)
    }


_Cost = tuple[float, ...]


def _spans(passing: Sequence[Entry], merit: Merit) -> list[tuple[_Cost, _Cost]]:
    """Return the least and the most cost of each, which order them as the merit does."""
    match merit:
        case Merit.LATENCY:
            return [((e.latency.low_ms,), (e.latency.high_ms,)) for e in passing]
        case Merit.MEMORY:
            return [((low,), (high,)) for low, high in map(memory_of, passing)]
        case Merit.ACCURACY:
            return [
                ((-_top1(e), e.latency.low_ms), (-_top1(e), e.latency.high_ms)) for e in passing
            ]
    gain = _gain(passing)
    return [
        ((-gain(_top1(e), e.latency.low_ms),), (-gain(_top1(e), e.latency.high_ms),))
        for e in passing
    ]


def _gain(passing: Sequence[Entry]) -> Callable[[float, float], float]:
    front = front_of(passing)
    if not front:
        return lambda top1, _: top1
    return above_chord(front, _top1, lambda entry: entry.median_ms)


def _top1(entry: Entry) -> float:
    return float("-inf") if entry.top1 is None else entry.top1
