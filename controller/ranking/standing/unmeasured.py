"""What might be better than all that was measured: told beside a ranking, never in it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from controller.domain.rankings import MOST_BACKBONES, Candidate, Merit, Ranking
from controller.domain.rankings.beside import (
    PredictedBeside,
    PredictedCandidate,
    PredictionBasis,
    Prospect,
    PublishedBeside,
    PublishedCandidate,
)
from controller.domain.rankings.limits import Criterion
from controller.domain.rankings.predicted import DevicePredictions, PredictedSetting
from controller.domain.rankings.reference import Agreement, DeviceReference
from controller.domain.sweeps import SweepSpec
from controller.ranking.pareto import knee, pareto_front
from controller.ranking.suggestion import may_qualify, suggest_sweep, weights_in_use
from models.catalog.catalog import Catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import select_tier

# A percentile is at least the median, so that a limit on one is a limit on the other as well.
_OF_LATENCY: Final = (Criterion.LATENCY, Criterion.P90, Criterion.P99)
_BY_MEDIAN: Final = (Criterion.P90, Criterion.P99)
_BEST_FIRST: Final = tuple(Prospect)
_JUDGED: Final = (Agreement.AGREES, Agreement.DISAGREES)

_OfferedT = TypeVar("_OfferedT", PredictedCandidate, PublishedCandidate)


@dataclass(frozen=True, slots=True)
class _Point:
    """What a candidate would be ranked by; no memory where none is known."""

    top1: float
    latency_ms: float
    peak_rss_bytes: float | None = None


class _Measured:
    """What is measured and within the constraints, for whatever else is held against it."""

    def __init__(self, ranking: Ranking, front: Sequence[Candidate]) -> None:
        self._constraints = ranking.constraints
        self._merit = ranking.merit
        self._winner = None if ranking.winner is None else _point_of(ranking.winner)
        self._front = [_point_of(each) for each in front]

    def prospect(self, likely: _Point, at_best: _Point) -> Prospect | None:
        """What it would be by its likely figures, else by its best ones; None where nothing."""
        if self._is_within(likely):
            if self._would_win(likely):
                return Prospect.WINNER
            if not self._is_beaten(likely):
                return Prospect.FRONT
        is_unbeaten = self._would_win(at_best) or not self._is_beaten(at_best)
        return Prospect.PERHAPS if self._is_within(at_best) and is_unbeaten else None

    def _is_within(self, point: _Point) -> bool:
        for limit in self._constraints.every_limit:
            if limit.criterion in _OF_LATENCY and limit.overstep(point.latency_ms) > 0:
                return False
            known = point.peak_rss_bytes if limit.criterion is Criterion.MEMORY else None
            if known is not None and limit.overstep(known) > 0:
                return False
        return True

    def _is_beaten(self, point: _Point) -> bool:
        return any(
            each.top1 >= point.top1 and each.latency_ms <= point.latency_ms for each in self._front
        )

    def _would_win(self, point: _Point) -> bool:
        winner = self._winner
        if winner is None:
            return True
        match self._merit:
            case Merit.LATENCY:
                return point.latency_ms < winner.latency_ms
            case Merit.MEMORY:
                ours, theirs = point.peak_rss_bytes, winner.peak_rss_bytes
                return ours is not None and theirs is not None and ours < theirs
            case Merit.ACCURACY:
                ahead = (point.top1, -point.latency_ms)
                return ahead > (winner.top1, -winner.latency_ms)
        front = pareto_front([*self._front, point], _top1, _latency)
        return knee(front, _top1, _latency) is point


def predicted_beside(
    ranking: Ranking, front: Sequence[Candidate], told: DevicePredictions, catalog: Catalog
) -> PredictedBeside:
    """Offer what is predicted to be within the constraints and unbeaten by what was measured.

    Args:
        ranking: of what was measured, by published accuracy on ImageNet.
        front: of top-1 and median latency within its constraints, whatever front was asked for.
        told: predictions for its device.
        catalog: where accuracy, tiers and kinds are looked up.
    """
    constraints = ranking.constraints
    is_asked_precision = constraints.precision in (None, Precision.FP32)
    names = _qualifying(ranking, catalog) if is_asked_precision else frozenset()
    measured = _Measured(ranking, front)
    found = [
        candidate
        for setting in told.settings
        if constraints.runtime in (None, setting.runtime)
        and constraints.threads in (None, setting.threads)
        for candidate in _predicted(setting, names, measured, catalog)
    ]
    best = _best_of_each(found, lambda each: each.backbone, _order_of_predicted(ranking.merit))
    offered = best[:MOST_BACKBONES]
    return PredictedBeside(
        confidence=told.confidence,
        candidates=tuple(offered),
        candidate_count=len(best),
        rests_on=tuple(_basis(each) for each in told.settings if _is_of(each, offered)),
        unheld=_unheld(
            ranking, is_memory_known=all(each.peak_rss_bytes is not None for each in offered)
        ),
        suggested_sweep=_measuring(ranking, offered, catalog) if best else _enabling(told),
    )


def published_beside(
    ranking: Ranking, front: Sequence[Candidate], told: DeviceReference | None, catalog: Catalog
) -> PublishedBeside:
    """Offer what was published of devices like this one and is unbeaten by what was measured.

    What was measured in the published setting is left to that measurement. Of a setting that is
    asked for only the precision is held against: runtimes are published by other names.

    Args:
        ranking: as with `predicted_beside`.
        front: likewise.
        told: what was published beside the device's measurements; None where nothing was.
        catalog: where accuracy, tiers and kinds are looked up.
    """
    if told is None:
        return PublishedBeside()
    measured, names = _Measured(ranking, front), _qualifying(ranking, catalog)
    precision = ranking.constraints.precision
    found: list[PublishedCandidate] = []
    for pair in told.pairs:
        published = pair.published
        is_asked = precision is None or published.precision == precision.value
        if pair.agreement in _JUDGED or published.backbone not in names or not is_asked:
            continue
        top1 = catalog.get(published.backbone).top1
        point = _Point(_known(top1), published.latency_ms)
        prospect = measured.prospect(point, point)
        if prospect is not None:
            found.append(PublishedCandidate(published=published, prospect=prospect, fp32_top1=top1))
    best = _best_of_each(found, lambda each: each.published.backbone, _order_of_published(ranking))
    return PublishedBeside(
        published_devices=told.published_devices,
        candidates=tuple(best[:MOST_BACKBONES]),
        candidate_count=len(best),
        unheld=_unheld(ranking, is_memory_known=False),
    )


def _qualifying(ranking: Ranking, catalog: Catalog) -> frozenset[str]:
    """Return the names that nothing excludes which is known without measuring."""
    constraints = ranking.constraints
    considered = catalog if constraints.tier is None else select_tier(catalog, constraints.tier)
    return frozenset(
        each.name
        for each in considered
        if may_qualify(each, constraints) and not (constraints.needs_accuracy and each.top1 is None)
    )


def _predicted(
    setting: PredictedSetting, names: frozenset[str], measured: _Measured, catalog: Catalog
) -> Iterable[PredictedCandidate]:
    for each in setting.predicted:
        if each.backbone not in names:
            continue
        latency, memory = each.latency_ms, each.peak_rss_bytes
        top1 = catalog.get(each.backbone).top1
        prospect = measured.prospect(
            _Point(_known(top1), latency.value, None if memory is None else memory.value),
            _Point(_known(top1), latency.low, None if memory is None else memory.low),
        )
        if prospect is not None:
            yield PredictedCandidate(
                backbone=each.backbone,
                runtime=setting.runtime,
                threads=setting.threads,
                prospect=prospect,
                latency_ms=latency,
                peak_rss_bytes=memory,
                top1=top1,
            )


def _best_of_each(
    found: Iterable[_OfferedT],
    name: Callable[[_OfferedT], str],
    order: Callable[[_OfferedT], tuple[float, ...]],
) -> list[_OfferedT]:
    """Return one of each backbone, in the order in which they are worth measuring."""
    best: dict[str, _OfferedT] = {}
    ordered = sorted(found, key=lambda each: (_BEST_FIRST.index(each.prospect), *order(each)))
    for each in ordered:
        best.setdefault(name(each), each)
    return list(best.values())


def _order_of_predicted(merit: Merit) -> Callable[[PredictedCandidate], tuple[float, ...]]:
    def order(each: PredictedCandidate) -> tuple[float, ...]:
        memory = float("inf") if each.peak_rss_bytes is None else each.peak_rss_bytes.value
        return _order(merit, _Point(_known(each.top1), each.latency_ms.value, memory))

    return order


def _order_of_published(ranking: Ranking) -> Callable[[PublishedCandidate], tuple[float, ...]]:
    return lambda each: _order(
        ranking.merit, _Point(_known(each.fp32_top1), each.published.latency_ms)
    )


def _order(merit: Merit, point: _Point) -> tuple[float, ...]:
    if merit is Merit.LATENCY:
        return point.latency_ms, -point.top1
    if merit is Merit.MEMORY and point.peak_rss_bytes is not None:
        return point.peak_rss_bytes, point.latency_ms
    return -point.top1, point.latency_ms


def _unheld(ranking: Ranking, *, is_memory_known: bool) -> tuple[Criterion, ...]:
    memory = () if is_memory_known else (Criterion.MEMORY,)
    unknown = (*_BY_MEDIAN, Criterion.ARTIFACT_SIZE, *memory)
    limited = {limit.criterion for limit in ranking.constraints.every_limit}
    return tuple(each for each in unknown if each in limited)


def _is_of(setting: PredictedSetting, offered: Sequence[PredictedCandidate]) -> bool:
    key = setting.runtime, setting.threads
    return any((each.runtime, each.threads) == key for each in offered)


def _basis(setting: PredictedSetting) -> PredictionBasis:
    return PredictionBasis(
        runtime=setting.runtime,
        threads=setting.threads,
        rests_on=setting.rests_on,
        settings=setting.settings,
        latency_errors=setting.latency_errors,
        memory_errors=setting.memory_errors,
        earlier_errors=setting.earlier_errors,
    )


def _measuring(
    ranking: Ranking, offered: Sequence[PredictedCandidate], catalog: Catalog
) -> SweepSpec | None:
    """Return the sweep that measures what is offered, in each setting that any of it has."""
    shown = filter(None, (ranking.winner, *ranking.pareto_front, *ranking.others))
    spec = suggest_sweep(
        ranking.device,
        [catalog.get(each.backbone) for each in offered],
        ranking.constraints,
        tuple(dict.fromkeys(each.runtime for each in offered)),
        weights_in_use(each.measurement for each in shown),
    )
    threads = tuple(sorted({each.threads for each in offered}))
    return None if spec is None else replace(spec, threads=threads)


def _enabling(told: DevicePredictions) -> SweepSpec | None:
    has_any = any(setting.predicted for setting in told.settings)
    return None if has_any else told.suggested_sweep


def _point_of(candidate: Candidate) -> _Point:
    measurement = candidate.measurement
    # What was ranked has figures.
    assert measurement.latency is not None
    memory = measurement.memory
    return _Point(
        _known(measurement.top1),
        measurement.latency.median_ms,
        None if memory is None else memory.peak_rss_bytes,
    )


def _known(top1: float | None) -> float:
    return float("-inf") if top1 is None else top1


def _top1(point: _Point) -> float:
    return point.top1


def _latency(point: _Point) -> float:
    return point.latency_ms
