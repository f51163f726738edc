"""What figures say of each claim: holds, does not hold, or not decidable."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy

from controller.domain.rankings.survey import (
    ClaimedBest,
    ClaimResult,
    Contradiction,
    DistillationClaim,
    DistilledPair,
    FlopsClaim,
    ValueClaim,
)
from controller.ranking.pareto import above_chord, pareto_front
from models.catalog.catalog import INT8_ACCURACY, Backbone, Catalog

CLAIMED_BEST: Final = ("ReXNet_2_0", "EfficientNetB2")
"""What the source says is the best value of the mobile tier."""

LEAST_BACKBONES: Final = 10
"""A rank correlation of fewer has an interval that decides nothing."""

TELLING_CORRELATION: Final = 0.9
"""Spearman's coefficient from which on the order of multiply-adds stands for that of latency."""

GAIN_POINTS: Final = (2.0, 4.0)
"""What the source says that distillation gives, points of top-1."""

MOST_CONTRADICTIONS: Final = 5

_RESAMPLES: Final = 2_000
_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backbone costs, with the ends of its interval; all above 0."""

    middle: float
    low: float
    high: float


def best_value(tier: Sequence[Backbone], costs: Mapping[str, Cost]) -> ValueClaim:
    """Say whether the claimed backbones are the best value of a tier.

    Places are by `above_chord`: how far a backbone lies above the line from the cheapest to the
    most accurate of the front, with the cost on a logarithmic scale. Whoever is beaten by what is
    as accurate and has an interval below its own is no best value, whatever else is not known yet.
    """
    known = [backbone for backbone in tier if backbone.name in costs]
    unknown = tuple(backbone.name for backbone in tier if backbone.name not in costs)
    places = _places(known, costs)
    claimed = tuple(
        ClaimedBest(
            backbone=name, place=places.get(name), beaten_by=tuple(_beaten_by(name, known, costs))
        )
        for name in CLAIMED_BEST
    )
    return ValueClaim(
        result=_value_result(claimed, is_whole=not unknown),
        claimed=claimed,
        known=len(known),
        of=len(tier),
        unknown=unknown,
    )


def _value_result(claimed: Sequence[ClaimedBest], *, is_whole: bool) -> ClaimResult:
    if any(each.beaten_by for each in claimed):
        return ClaimResult.CONTRADICTED
    if not is_whole:
        return ClaimResult.UNDECIDED
    are_first = all(each.place is not None and each.place <= len(claimed) for each in claimed)
    return ClaimResult.HOLDS if are_first else ClaimResult.CONTRADICTED


def _places(known: Sequence[Backbone], costs: Mapping[str, Cost]) -> dict[str, int]:
    if not known:
        return {}

    def cost(backbone: Backbone) -> float:
        return costs[backbone.name].middle

    gain = above_chord(pareto_front(known, _top1, cost), _top1, cost)
    ordered = sorted(known, key=lambda each: (-gain(_top1(each), cost(each)), each.name))
    return {backbone.name: place for place, backbone in enumerate(ordered, 1)}


def _beaten_by(name: str, known: Sequence[Backbone], costs: Mapping[str, Cost]) -> Iterator[str]:
    itself = next((backbone for backbone in known if backbone.name == name), None)
    if itself is None:
        return
    for other in sorted(known, key=lambda each: costs[each.name].middle):
        if _top1(other) >= _top1(itself) and costs[other.name].high < costs[name].low:
            yield other.name


def _top1(backbone: Backbone) -> float:
    return backbone.top1 or 0.0


def low_flops(flops_g: Mapping[str, float], costs: Mapping[str, Cost]) -> FlopsClaim:
    """Say how multiply-adds order latency: Spearman's rank correlation, and Kendall's tau-b.

    The interval is a percentile bootstrap over backbones (scipy.stats.bootstrap, pairs resampled
    together), so that it is of backbones like these.

    Args:
        flops_g: 10^9 multiply-adds by backbone.
        costs: latencies by backbone, ms; those without multiply-adds do not count.
    """
    names = [name for name in costs if name in flops_g]
    contradictions = tuple(_contradictions(names, flops_g, costs))
    if len(names) < LEAST_BACKBONES:
        return FlopsClaim(
            result=ClaimResult.UNDECIDED,
            backbone_count=len(names),
            contradictions=contradictions,
        )
    x = np.array([flops_g[name] for name in names])
    y = np.array([costs[name].middle for name in names])
    interval = scipy.stats.bootstrap(
        (x, y),
        _spearman,
        n_resamples=_RESAMPLES,
        batch=100,
        paired=True,
        vectorized=True,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    return FlopsClaim(
        result=_flops_result(float(interval.low), float(interval.high)),
        backbone_count=len(names),
        spearman=float(_spearman(x, y)),
        spearman_low=float(interval.low),
        spearman_high=float(interval.high),
        kendall=float(scipy.stats.kendalltau(x, y).statistic),
        contradictions=contradictions,
    )


def _spearman(x: Any, y: Any, axis: int = -1) -> Any:
    """Pearson's correlation of the ranks, which is Spearman's; 0 where one side is constant."""
    of_x, of_y = (scipy.stats.rankdata(each, axis=axis) for each in (x, y))
    of_x, of_y = (each - each.mean(axis=axis, keepdims=True) for each in (of_x, of_y))
    scale = np.sqrt((of_x**2).sum(axis=axis) * (of_y**2).sum(axis=axis))
    return (of_x * of_y).sum(axis=axis) / np.where(scale > 0, scale, 1.0)


def _flops_result(low: float, high: float) -> ClaimResult:
    if high < TELLING_CORRELATION:
        return ClaimResult.HOLDS
    return ClaimResult.CONTRADICTED if low >= TELLING_CORRELATION else ClaimResult.UNDECIDED


def _contradictions(
    names: Sequence[str], flops_g: Mapping[str, float], costs: Mapping[str, Cost]
) -> list[Contradiction]:
    found = [
        Contradiction(
            fewer=fewer,
            more=more,
            flops_ratio=flops_g[more] / flops_g[fewer],
            latency_ratio=costs[fewer].middle / costs[more].middle,
        )
        for fewer, more in itertools.permutations(names, 2)
        if flops_g[fewer] < flops_g[more] and costs[fewer].low > costs[more].high
    ]
    # What multiply-adds promise, times what is measured instead.
    found.sort(key=lambda pair: (-pair.flops_ratio * pair.latency_ratio, pair.fewer, pair.more))
    return found[:MOST_CONTRADICTIONS]


def distillation_gains(catalog: Catalog) -> DistillationClaim:
    """Say what distilled weights gain in published top-1 beside plain ones of the same network.

    Plain are those that are neither distilled nor saw other images, at the same input size, the
    first of the catalog. Figures of int8 weights do not count. The interval of the median is a
    percentile bootstrap over the pairs.
    """
    pairs = sorted(_pairs(catalog), key=lambda pair: (-pair.gain, pair.distilled))
    gains = np.array([pair.gain for pair in pairs])
    least, most = GAIN_POINTS
    within = int(np.count_nonzero((gains >= least) & (gains <= most)))
    if len(pairs) < LEAST_BACKBONES:
        return DistillationClaim(result=ClaimResult.UNDECIDED, pairs=tuple(pairs), within=within)
    interval = scipy.stats.bootstrap(
        (gains,),
        np.median,
        n_resamples=_RESAMPLES,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    ).confidence_interval
    low, high = float(interval.low), float(interval.high)
    is_within, is_outside = least <= low and high <= most, high < least or low > most
    decided = ClaimResult.HOLDS if is_within else ClaimResult.CONTRADICTED
    return DistillationClaim(
        result=decided if is_within or is_outside else ClaimResult.UNDECIDED,
        pairs=tuple(pairs),
        within=within,
        median_gain=float(np.median(gains)),
        median_low=low,
        median_high=high,
    )


def _pairs(catalog: Catalog) -> Iterator[DistilledPair]:
    plain: dict[tuple[str, object], Backbone] = {}
    for each in catalog:
        if each.top1 is not None and not each.distilled and not each.extra_data:
            plain.setdefault((each.architecture, each.input_size), each)
    for each in catalog:
        beside = plain.get((each.architecture, each.input_size))
        if not each.distilled or each.name in INT8_ACCURACY:
            continue
        if beside is not None and beside.top1 is not None and each.top1 is not None:
            yield DistilledPair(
                distilled=each.name, plain=beside.name, gain=round(each.top1 - beside.top1, 2)
            )
