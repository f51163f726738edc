"""Which backbone is best on a device: a pure function of its measurements and the constraints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.domain.measurements import Measurement
from controller.domain.rankings import WITH_FIGURES, Candidate, Constraints, Ranking
from controller.figures.minutes import at_minute
from controller.ranking.entries import Entry, held_back, order_of, select_entries
from controller.ranking.losing import breaches, dominated, off_the_winner, tied
from controller.ranking.pareto import pareto_front
from controller.ranking.suggestion import (
    suggest_repeat,
    suggest_sweep,
    unmeasured_backbones,
    weights_in_use,
)
from models.catalog.catalog import IMAGENET, Backbone, Catalog
from models.catalog.tiers import TIER_RULES, Tier, exclusion, select_tier
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime


@dataclass(frozen=True, slots=True)
class DatasetAccuracy:
    """The fp32 top-1 of backbones on a dataset, percent, by name."""

    dataset: str
    top1: Mapping[str, float]


def rank(
    device: str,
    measurements: Sequence[Measurement],
    constraints: Constraints,
    catalog: Catalog,
    runtimes: Sequence[Runtime] = tuple(Runtime),
    *,
    accuracy: DatasetAccuracy | None = None,
) -> Ranking:
    """Rank a device's measurements under constraints.

    The winner is the most accurate, or the fastest where `Constraints.wants_fastest`. The Pareto
    front holds the candidates within the constraints that no other one beats in both top-1 and
    median latency, judged by the points and not by the intervals.

    Args:
        device: name of the device; measurements of others do not count.
        measurements: oldest first: of a candidate's, the last with a most preferred verdict counts.
        constraints: `runtime`, `threads` and `only` say what is looked at, `at_minute` sustained
            measurements alone and their figures of that minute, the others what may win.
        catalog: where tiers and backbones that were not measured are looked up.
        runtimes: those of the device, for the sweep that is suggested.
        accuracy: of what was not measured, on the dataset that the measurements' accuracy is of;
            the published one without it. Tiers are by the published one whatever the dataset.
    """
    measured_here = [m for m in measurements if m.device == device]
    scope = _scope(measured_here, constraints)
    entries, left_out = select_entries(scope, catalog, constraints)
    held = held_back(left_out)
    excluded = _excluded([*entries, *held], constraints, catalog)
    passing = [entry for entry in entries if not excluded[entry.id]]
    merit = _merit(constraints)
    winner = min(passing, key=merit, default=None)
    front = pareto_front(passing, lambda entry: entry.top1, lambda entry: entry.median_ms)
    ties = [] if winner is None else [e for e in passing if _is_tied(e, winner, constraints)]
    candidates = _judge(entries, excluded, front, ties, winner)
    told = {entry.id for entry in (*front, *ties)}
    accuracy = accuracy or published_accuracy(catalog)
    missing = _missing([*entries, *held], constraints, catalog, accuracy)
    could_win = [] if winner else sorted((e for e in held if not excluded[e.id]), key=merit)
    suggested = None
    if could_win:
        suggested = suggest_repeat(device, [entry.measurement for entry in could_win])
    elif winner is None:
        weights = weights_in_use(measured_here)
        suggested = suggest_sweep(device, missing, constraints, runtimes, weights)
    would_win_with = {entry.measurement.verdict for entry in could_win}
    return Ranking(
        device=device,
        constraints=constraints,
        winner=None if winner is None else candidates[winner.id],
        ties=tuple(candidates[entry.id] for entry in ties),
        pareto_front=tuple(candidates[entry.id] for entry in front),
        others=tuple(candidate for id_, candidate in candidates.items() if id_ not in told),
        left_out=tuple(left_out),
        unmeasured=tuple(b.name for b in missing) if winner is None or constraints.tier else (),
        suggested_sweep=suggested,
        accuracy_dataset=accuracy.dataset,
        would_win_with=tuple(sorted(would_win_with, key=WITH_FIGURES.index)),
    )


def published_accuracy(catalog: Catalog) -> DatasetAccuracy:
    """Return what the catalog publishes."""
    return DatasetAccuracy(IMAGENET, {b.name: b.top1 for b in catalog if b.top1 is not None})


def _merit(constraints: Constraints) -> Callable[[Entry], tuple[object, ...]]:
    if constraints.wants_fastest:
        return lambda entry: (entry.median_ms, -entry.top1, *order_of(entry.measurement))
    return lambda entry: (-entry.top1, entry.median_ms, *order_of(entry.measurement))


def _is_tied(entry: Entry, winner: Entry, constraints: Constraints) -> bool:
    if entry is winner or not entry.latency_ties_with(winner):
        return False
    return entry.top1 == winner.top1 or constraints.wants_fastest


def _scope(measurements: Iterable[Measurement], constraints: Constraints) -> list[Measurement]:
    """Return what is looked at, with the figures of the minute that is asked for."""
    minute = constraints.at_minute
    return [
        measurement if minute is None else at_minute(measurement, minute)
        for measurement in measurements
        if constraints.runtime in (None, measurement.runtime)
        and constraints.threads in (None, measurement.threads)
    ]


def _excluded(
    entries: Iterable[Entry], constraints: Constraints, catalog: Catalog
) -> Mapping[str, tuple[Reason, ...]]:
    """Return by id why an entry may not win; empty where it may."""
    tier = constraints.tier
    members = None if tier is None else {b.name for b in select_tier(catalog, tier)}
    excluded: dict[str, tuple[Reason, ...]] = {}
    for entry in entries:
        backbone = entry.measurement.backbone
        if tier is not None and members is not None and backbone not in members:
            excluded[entry.id] = (_outside(backbone, catalog, tier),)
        else:
            excluded[entry.id] = breaches(entry, constraints)
    return excluded


def _outside(backbone: str, catalog: Catalog, tier: Tier) -> Reason:
    if backbone not in catalog:
        return reason(ReasonCode.NOT_IN_CATALOG, {"tier": tier.value})
    limits = exclusion(catalog.get(backbone), TIER_RULES[tier])
    if limits is None:
        return reason(ReasonCode.SURPASSED_IN_SERIES, {"tier": tier.value})
    return reason(ReasonCode.OUTSIDE_TIER, {"tier": tier.value, "detail": limits})


def _judge(
    entries: Sequence[Entry],
    excluded: Mapping[str, tuple[Reason, ...]],
    front: Sequence[Entry],
    ties: Sequence[Entry],
    winner: Entry | None,
) -> dict[str, Candidate]:
    """Say by id what became of every entry, in the entries' order."""
    latency_ties = _latency_ties(entries)
    on_front = {entry.id for entry in front}
    with_winner = {entry.id for entry in ties}

    def lost_because(entry: Entry) -> tuple[Reason, ...]:
        if winner is None or excluded[entry.id]:
            return excluded[entry.id]
        if entry is winner:
            return ()
        if entry.id in with_winner:
            return (tied(entry, winner),)
        if entry.id in on_front:
            return (off_the_winner(entry, winner),)
        return (dominated(entry, _dominator(entry, front, winner)),)

    return {
        entry.id: Candidate(
            measurement=entry.measurement,
            on_pareto_front=entry.id in on_front,
            latency_ties=latency_ties[entry.id],
            lost_because=lost_because(entry),
        )
        for entry in entries
    }


def _dominator(entry: Entry, front: Sequence[Entry], winner: Entry) -> Entry:
    """Return the winner where it beats the entry, else the most accurate of the front that does."""
    beating = [
        other for other in front if other.top1 >= entry.top1 and other.median_ms <= entry.median_ms
    ]
    return winner if winner in beating else max(beating, key=lambda other: other.top1)


def _latency_ties(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    ties: dict[str, list[str]] = {entry.id: [] for entry in entries}
    by_low = sorted(entries, key=lambda entry: entry.latency.low_ms)
    for place, entry in enumerate(by_low):
        for other in by_low[place + 1 :]:
            if other.latency.low_ms > entry.latency.high_ms:
                break
            ties[entry.id].append(other.id)
            ties[other.id].append(entry.id)
    return {id_: tuple(sorted(ids)) for id_, ids in ties.items()}


def _missing(
    entries: Iterable[Entry],
    constraints: Constraints,
    catalog: Catalog,
    accuracy: DatasetAccuracy,
) -> list[Backbone]:
    measured = {entry.measurement.backbone for entry in entries}
    tier = constraints.tier
    considered = catalog if tier is None else select_tier(catalog, tier)
    with_accuracy = (replace(each, top1=accuracy.top1.get(each.name)) for each in considered)
    return unmeasured_backbones(with_accuracy, measured, constraints)
