"""Why a backbone is where it is in a ranking: who beats it, by how much, and what it lacks."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from controller.domain.measurements import Measurement
from controller.domain.rankings import Candidate, Constraints, Merit, Ranking
from controller.domain.rankings.explanations import MOST_RIVALS, Explanation, Goal, Lack, Rival
from controller.domain.rankings.limits import FIGURES, Bound, Criterion, figure_of
from controller.domain.rankings.rows import table_of
from controller.figures.statistics import median_ratio
from controller.ranking.entries import Entry, entry_of, order_of
from controller.ranking.entries.making import columns_of
from controller.ranking.merits import costs_of, front_of
from controller.ranking.pareto import above_chord

_USUAL_AXES: Final = (Criterion.LATENCY, Criterion.TOP1)
_LEAST_POINTS: Final = 1e-9


class _Costs:
    """What candidates cost, as rankings have it; `axes` are the figures of the front."""

    def __init__(self, shown: Sequence[Candidate], axes: Sequence[Criterion]) -> None:
        self.axes = axes
        self._columns = columns_of(table_of([each.measurement for each in shown]))
        self._rows = {each.measurement.measurement_id: row for row, each in enumerate(shown)}
        self._costs = {axis: costs_of(self._columns, axis) for axis in FIGURES}

    def of(self, axis: Criterion, entry: Entry) -> float:
        """By a figure, the less the better; without end where it is not known."""
        return float(self._costs[axis][self._rows[entry.id]])

    def is_surely_smaller(self, entry: Entry, other: Entry) -> bool:
        """Whether each of its processes needed less memory than any of the other's."""
        least, most = self._columns.memory
        return bool(most[self._rows[entry.id]] < least[self._rows[other.id]])


def explain(ranking: Ranking, backbone: str) -> Explanation:
    """Tell why a backbone is where it is in a ranking, by its best setting there.

    A rival is the winner, and whoever is by every figure of the Pareto front at least as good and
    by one better, by points; that it is so by the intervals, too, is told. How far latencies are
    apart is `statistics.median_ratio`.
    """
    shown = _shown(ranking)
    own = [each for each in shown if each.measurement.backbone == backbone]
    candidate = min(own, key=_best_first, default=None)
    passing = [entry_of(each.measurement) for each in shown if each.rank_low]
    winner = None if ranking.winner is None else ranking.winner.measurement
    rivals: list[Rival] = []
    lacks: tuple[Lack, ...] = ()
    if candidate is not None:
        entry = entry_of(candidate.measurement)
        costs = _Costs(shown, ranking.constraints.front or _USUAL_AXES)
        rivals = _rivals(entry, passing, winner, costs)
        lacks = tuple(_lacks(entry, candidate, passing, ranking, costs))
    return Explanation(
        device=ranking.device,
        backbone=backbone,
        constraints=ranking.constraints,
        candidate=candidate,
        candidate_count=len(passing),
        winner=winner,
        rivals=tuple(rivals[:MOST_RIVALS]),
        rival_count=len(rivals),
        lacks=lacks,
        left_out=tuple(e for e in ranking.left_out if e.measurement.backbone == backbone),
        accuracy_dataset=ranking.accuracy_dataset,
        merit=ranking.merit,
    )


def _shown(ranking: Ranking) -> list[Candidate]:
    shown = (ranking.winner, *ranking.ties, *ranking.pareto_front, *ranking.others)
    return list({each.measurement.measurement_id: each for each in shown if each}.values())


def _best_first(candidate: Candidate) -> tuple[object, ...]:
    """Order settings of a backbone: the winner, those within the constraints, the best places."""
    unranked = candidate.rank_low == 0
    reasons = len(candidate.lost_because)
    median_ms = entry_of(candidate.measurement).median_ms
    return unranked, candidate.rank_low, candidate.rank_high, reasons, median_ms


def _rivals(
    entry: Entry, passing: Sequence[Entry], winner: Measurement | None, costs: _Costs
) -> list[Rival]:
    def beats(other: Entry) -> bool:
        pairs = [(costs.of(axis, other), costs.of(axis, entry)) for axis in costs.axes]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    first = "" if winner is None else winner.measurement_id
    beating = [
        other for other in passing if other.id != entry.id and (other.id == first or beats(other))
    ]
    beating.sort(key=lambda each: (each.id != first, each.median_ms, order_of(each.measurement)))
    told = tuple(dict.fromkeys((*costs.axes, Criterion.MEMORY)))
    return [_rival(entry, other, told, costs) for other in beating]


def _rival(entry: Entry, other: Entry, axes: Sequence[Criterion], costs: _Costs) -> Rival:
    ratio = median_ratio(entry.latency, reference=other.latency)
    better = [axis for axis in axes if costs.of(axis, other) < costs.of(axis, entry)]
    own_memory, other_memory = entry.measurement.memory, other.measurement.memory
    return Rival(
        measurement=other.measurement,
        better_in=tuple(better),
        surely_in=tuple(axis for axis in better if _surely(axis, entry, other, ratio.low, costs)),
        latency_ratio=ratio.ratio,
        latency_ratio_low=ratio.low,
        latency_ratio_high=ratio.high,
        top1_points=None if entry.top1 is None or other.top1 is None else other.top1 - entry.top1,
        memory_bytes=None
        if own_memory is None or other_memory is None
        else own_memory.peak_rss_bytes - other_memory.peak_rss_bytes,
    )


def _surely(axis: Criterion, entry: Entry, other: Entry, ratio_low: float, costs: _Costs) -> bool:
    """Say whether the other is better by this figure whatever the intervals say."""
    match axis:
        case Criterion.LATENCY:
            return ratio_low > 1
        case Criterion.MEMORY:
            return costs.is_surely_smaller(other, entry)
        case Criterion.P90 | Criterion.P99:
            # Percentiles have no interval.
            return False
    return True


def _lacks(
    entry: Entry,
    candidate: Candidate,
    passing: Sequence[Entry],
    ranking: Ranking,
    costs: _Costs,
) -> Iterator[Lack]:
    if not candidate.rank_low:
        yield from _to_qualify(entry, ranking.constraints)
    wanted: list[Lack] = []
    if not candidate.on_pareto_front:
        for axis in costs.axes:
            wanted += _to_be_on_the_front(entry, passing, axis, costs)
    winner = ranking.winner
    if winner is not None and winner.measurement.measurement_id != entry.id:
        wanted += _to_win(entry, entry_of(winner.measurement), passing, ranking.merit, costs)
    # What only a limit keeps back may be ahead of all that is within.
    yield from (lack for lack in wanted if not _is_ahead(lack))


def _is_ahead(lack: Lack) -> bool:
    if lack.has is None:
        return False
    return lack.has > lack.value if lack.bound is Bound.AT_LEAST else lack.has < lack.value


def _to_qualify(entry: Entry, constraints: Constraints) -> Iterator[Lack]:
    for limit in constraints.every_limit:
        figure = figure_of(limit.criterion, entry.measurement)
        if figure is None or limit.overstep(figure) > 0:
            yield Lack(
                goal=Goal.WITHIN,
                criterion=limit.criterion,
                bound=limit.bound,
                value=limit.value,
                has=figure,
            )


def _to_be_on_the_front(
    entry: Entry, passing: Sequence[Entry], axis: Criterion, costs: _Costs
) -> Iterator[Lack]:
    """Yield what has to be surpassed by one figure: the best of those as good by all others."""
    others = [each for each in costs.axes if each is not axis]
    as_good = [
        costs.of(axis, each)
        for each in passing
        if each.id != entry.id and all(costs.of(o, each) <= costs.of(o, entry) for o in others)
    ]
    if as_good and math.isfinite(best := min(as_good)):
        yield _lack(Goal.FRONT, axis, best, entry, costs)


def _to_win(
    entry: Entry, winner: Entry, passing: Sequence[Entry], merit: Merit, costs: _Costs
) -> Iterator[Lack]:
    told = partial(_lack, Goal.WIN, entry=entry, costs=costs)
    match merit:
        case Merit.LATENCY:
            yield told(Criterion.LATENCY, costs.of(Criterion.LATENCY, winner))
        case Merit.MEMORY:
            yield told(Criterion.MEMORY, costs.of(Criterion.MEMORY, winner))
        case Merit.ACCURACY:
            yield told(Criterion.TOP1, costs.of(Criterion.TOP1, winner))
        case Merit.VALUE:
            yield from _to_be_worth_more(entry, winner, passing, costs)


def _to_be_worth_more(
    entry: Entry, winner: Entry, passing: Sequence[Entry], costs: _Costs
) -> Iterator[Lack]:
    """Yield the latency, and the top-1, at which an entry is as far above the line as the winner.

    The line through the front's ends stays where it is; `above_chord` is linear in top-1 and in
    the logarithm of latency, so that two of its values tell either.
    """
    front = front_of(passing)
    if entry.top1 is None or winner.top1 is None or not front:
        return
    gain = above_chord(front, lambda each: each.top1 or 0.0, lambda each: each.median_ms)
    wanted = gain(winner.top1, winner.median_ms)
    missing = wanted - gain(entry.top1, entry.median_ms)
    # Less is what rounding leaves of nothing.
    if missing <= _LEAST_POINTS:
        return
    yield _lack(Goal.WIN, Criterion.TOP1, -(entry.top1 + missing), entry, costs)
    slope = gain(entry.top1, entry.median_ms / math.e) - gain(entry.top1, entry.median_ms)
    if slope > 0:
        needed_ms = entry.median_ms * math.exp(-missing / slope)
        yield _lack(Goal.WIN, Criterion.LATENCY, needed_ms, entry, costs)


def _lack(goal: Goal, criterion: Criterion, cost: float, entry: Entry, costs: _Costs) -> Lack:
    """Turn a cost back into a figure; of top-1 it is its negative."""
    is_benefit = criterion is Criterion.TOP1
    own = costs.of(criterion, entry)
    return Lack(
        goal=goal,
        criterion=criterion,
        bound=Bound.AT_LEAST if is_benefit else Bound.AT_MOST,
        value=-cost if is_benefit else cost,
        has=None if not math.isfinite(own) else (-own if is_benefit else own),
    )
