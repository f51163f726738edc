"""What the constraints require, one thing after the other, and what each of them excludes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.domain.rankings import Constraints
from controller.domain.rankings.limits import Bound, Criterion, Limit, LimitEffect, figure_of
from controller.ranking.entries import Entry
from models.catalog.catalog import Backbone, Catalog
from models.catalog.tiers import TIER_RULES, Tier, exclusion, select_tier
from protos.reasons import Reason, ReasonCode, reason


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a winner has to satisfy.

    Attributes:
        criterion: what it is about.
        breach: why an entry does not satisfy it; None where it does.
        limit: of a figure, how much; None where it is about a kind.
    """

    criterion: Criterion
    breach: Callable[[Entry], Reason | None]
    limit: Limit | None = None


def requirements(constraints: Constraints, catalog: Catalog) -> tuple[Requirement, ...]:
    """Return everything that a winner has to satisfy, kinds first."""
    return (*_kinds(constraints, catalog), *map(_of_figure, constraints.every_limit))


def exclusions(
    entries: Iterable[Entry], required: Sequence[Requirement]
) -> Mapping[str, tuple[Reason, ...]]:
    """Return by id why an entry may not win; empty where it may.

    Of what is of another kind than was asked for, no figure is told.
    """
    return {entry.id: tuple(_breaches(entry, required)) for entry in entries}


def breaches(
    entries: Iterable[Entry], required: Sequence[Requirement]
) -> Mapping[str, tuple[int, ...]]:
    """Return by id the places of the requirements that an entry does not satisfy."""
    return {
        entry.id: tuple(at for at, each in enumerate(required) if each.breach(entry) is not None)
        for entry in entries
    }


def effects(
    entries: Sequence[Entry],
    required: Sequence[Requirement],
    broken: Mapping[str, tuple[int, ...]],
) -> tuple[LimitEffect, ...]:
    """Tell what each requirement excludes of the entries, and what misses it by the least.

    `broken` are their `breaches`.
    """
    return tuple(
        _effect(
            requirement,
            excluded=[entry for entry in entries if place in broken[entry.id]],
            nearly=[entry for entry in entries if broken[entry.id] in ((), (place,))],
        )
        for place, requirement in enumerate(required)
        if entries
    )


def _effect(
    requirement: Requirement, excluded: Sequence[Entry], nearly: Sequence[Entry]
) -> LimitEffect:
    limit = requirement.limit
    found = LimitEffect(
        criterion=requirement.criterion,
        limit=limit,
        excluded=len(excluded),
        would_leave=len(nearly),
    )
    among = nearly or excluded
    if not among:
        return found
    if limit is None:
        fastest = min(among, key=lambda entry: entry.median_ms)
        return replace(found, nearest=fastest.measurement)
    known = [(entry, figure_of(limit.criterion, entry.measurement)) for entry in among]
    measured = [
        (limit.overstep(figure), figure, entry) for entry, figure in known if figure is not None
    ]
    if not measured:
        return found
    over, figure, nearest = min(measured, key=lambda each: (each[0], each[2].median_ms, each[2].id))
    return replace(found, nearest=nearest.measurement, figure=figure, over=over)


def _breaches(entry: Entry, required: Sequence[Requirement]) -> Iterator[Reason]:
    is_of_other_kind = False
    for each in required:
        if is_of_other_kind and each.limit is not None:
            return
        found = each.breach(entry)
        if found is not None:
            is_of_other_kind = is_of_other_kind or each.limit is None
            yield found


def _kinds(constraints: Constraints, catalog: Catalog) -> Iterator[Requirement]:
    tier = constraints.tier
    if tier is not None:
        members = frozenset(b.name for b in select_tier(catalog, tier))
        yield Requirement(Criterion.TIER, lambda entry: _of_tier(entry, catalog, tier, members))
    series = constraints.series
    if series:
        yield Requirement(Criterion.SERIES, lambda entry: _of_series(entry, series))
    for criterion, wanted in (
        (Criterion.DISTILLED, constraints.distilled),
        (Criterion.EXTRA_DATA, constraints.extra_data),
    ):
        if wanted is not None:
            yield _weights_are(criterion, wanted, catalog)


def _of_tier(entry: Entry, catalog: Catalog, tier: Tier, members: frozenset[str]) -> Reason | None:
    backbone = entry.measurement.backbone
    if backbone in members:
        return None
    if backbone not in catalog:
        return reason(ReasonCode.NOT_IN_CATALOG, {"tier": tier.value})
    limits = exclusion(catalog.get(backbone), TIER_RULES[tier])
    if limits is None:
        return reason(ReasonCode.SURPASSED_IN_SERIES, {"tier": tier.value})
    return reason(ReasonCode.OUTSIDE_TIER, {"tier": tier.value, "detail": limits})


def _of_series(entry: Entry, wanted: Sequence[str]) -> Reason | None:
    series = entry.measurement.series
    if series.casefold() in (each.casefold() for each in wanted):
        return None
    return reason(ReasonCode.OF_OTHER_SERIES, {"series": series, "wanted": ", ".join(wanted)})


def _weights_are(criterion: Criterion, wanted: bool, catalog: Catalog) -> Requirement:
    def breach(entry: Entry) -> Reason | None:
        name = entry.measurement.backbone
        known = is_of_kind(catalog.get(name), criterion) if name in catalog else None
        words = {"criterion": criterion.value}
        if known is None:
            return reason(ReasonCode.KIND_UNKNOWN, words)
        if known is wanted:
            return None
        told = {**words, "is": "yes" if known else "no"}
        return reason(ReasonCode.WEIGHTS_OF_OTHER_KIND, told)

    return Requirement(criterion, breach)


def is_of_kind(backbone: Backbone, criterion: Criterion) -> bool:
    """Say whether a backbone's weights are distilled, or saw extra data."""
    return backbone.distilled if criterion is Criterion.DISTILLED else backbone.extra_data


def _of_figure(limit: Limit) -> Requirement:
    def breach(entry: Entry) -> Reason | None:
        figure = figure_of(limit.criterion, entry.measurement)
        if figure is None:
            return _unknown(limit.criterion)
        return None if limit.overstep(figure) <= 0 else _beyond(limit, entry, figure)

    return Requirement(limit.criterion, breach, limit)


def _unknown(criterion: Criterion) -> Reason:
    if criterion is Criterion.MEMORY:
        return reason(ReasonCode.MEMORY_UNKNOWN)
    return reason(ReasonCode.FIGURE_UNKNOWN, {"criterion": criterion.value})


def _beyond(limit: Limit, entry: Entry, figure: float) -> Reason:
    match limit.criterion, limit.bound:
        case Criterion.LATENCY, Bound.AT_MOST:
            low_ms, high_ms = entry.latency.low_ms, entry.latency.high_ms
            crosses = low_ms <= limit.value
            code = ReasonCode.LATENCY_CROSSES_LIMIT if crosses else ReasonCode.LATENCY_OVER_LIMIT
            return reason(code, low_ms=low_ms, high_ms=high_ms, limit_ms=limit.value)
        case Criterion.MEMORY, Bound.AT_MOST:
            return reason(
                ReasonCode.MEMORY_OVER_LIMIT, peak_rss_bytes=figure, limit_bytes=limit.value
            )
        case Criterion.TOP1, Bound.AT_LEAST:
            return reason(
                ReasonCode.TOP1_UNDER_LIMIT, top1_percent=figure, limit_percent=limit.value
            )
    return reason(
        ReasonCode.FIGURE_BEYOND_LIMIT,
        {"criterion": limit.criterion.value, "bound": limit.bound.value},
        figure=figure,
        limit=limit.value,
    )
