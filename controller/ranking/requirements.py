"""What the constraints require, one thing after the other, and what each of them excludes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from controller.domain.rankings import Constraints
from controller.domain.rankings.limits import Bound, Criterion, Limit, LimitEffect, figure_of
from controller.ranking.entries import Entry
from controller.ranking.entries.columns import Columns, Kind, Mask, Rows
from models.catalog.catalog import Backbone, Catalog
from models.catalog.tiers import TIER_RULES, Tier, exclusion, select_tier
from protos.reasons import Reason, ReasonCode, reason


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a winner has to satisfy.

    Attributes:
        criterion: what it is about.
        breaches: which rows do not satisfy it.
        why: why an entry that does not satisfy it does not.
        limit: of a figure, how much; None where it is about a kind.
    """

    criterion: Criterion
    breaches: Callable[[Columns], Mask]
    why: Callable[[Entry], Reason]
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Exclusions:
    """What the requirements exclude of all rows.

    Attributes:
        required: in their order.
        broken: of each of them, which rows do not satisfy it.
        is_excluded: which rows do not satisfy something.
    """

    required: Sequence[Requirement]
    broken: Sequence[Mask]
    is_excluded: Mask

    def passing(self, rows: Rows) -> Rows:
        """Rows that satisfy everything."""
        return rows[~self.is_excluded[rows]]

    def reasons(self, entry: Entry, row: int) -> tuple[Reason, ...]:
        """Why an entry may not win; empty where it may.

        Of what is of another kind than was asked for, no figure is told.
        """
        broken = [each for each, mask in zip(self.required, self.broken, strict=True) if mask[row]]
        is_of_other_kind = any(each.limit is None for each in broken)
        return tuple(
            each.why(entry) for each in broken if not is_of_other_kind or each.limit is None
        )


def requirements(constraints: Constraints, catalog: Catalog) -> tuple[Requirement, ...]:
    """Return everything that a winner has to satisfy, kinds first."""
    return (*_kinds(constraints, catalog), *map(_of_figure, constraints.every_limit))


def exclusions(columns: Columns, required: Sequence[Requirement]) -> Exclusions:
    """Find what does not satisfy the requirements."""
    broken = [each.breaches(columns) for each in required]
    is_excluded = np.zeros(len(columns), dtype=bool)
    for mask in broken:
        is_excluded |= mask
    return Exclusions(required, broken, is_excluded)


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a requirement excludes, and the row that misses it by the least; None without any."""

    effect: LimitEffect
    row: int | None


def effects(columns: Columns, entries: Rows, excluded: Exclusions) -> tuple[Nearest, ...]:
    """Tell what each requirement excludes of the entries, and what misses it by the least."""
    if not len(entries):
        return ()
    broken = np.array([mask[entries] for mask in excluded.broken], dtype=bool)
    count = broken.sum(axis=0)
    return tuple(
        _nearest(columns, requirement, entries, is_broken, (count - is_broken) == 0)
        for requirement, is_broken in zip(excluded.required, broken, strict=True)
    )


def _nearest(
    columns: Columns, requirement: Requirement, entries: Rows, is_broken: Mask, is_nearly: Mask
) -> Nearest:
    limit = requirement.limit
    found = LimitEffect(
        criterion=requirement.criterion,
        limit=limit,
        excluded=int(is_broken.sum()),
        would_leave=int(is_nearly.sum()),
    )
    among = entries[is_nearly if is_nearly.any() else is_broken]
    if not len(among):
        return Nearest(found, None)
    if limit is None:
        # Entries come in the order of their medians.
        return Nearest(found, int(among[0]))
    figures = columns.figure(limit.criterion)
    known = among[~np.isnan(figures[among])]
    if not len(known):
        return Nearest(found, None)
    over = limit.overstep(figures[known])
    at = np.lexsort((columns.id_place[known], columns.median_ms[known], over))[0]
    nearest = int(known[at])
    told = replace(found, figure=float(figures[nearest]), over=float(over[at]))
    return Nearest(told, nearest)


def _kinds(constraints: Constraints, catalog: Catalog) -> Iterator[Requirement]:
    tier = constraints.tier
    if tier is not None:
        members = frozenset(b.name for b in select_tier(catalog, tier))
        yield _of_kind(Criterion.TIER, lambda kind: _of_tier(kind, catalog, tier, members))
    series = constraints.series
    if series:
        yield _of_kind(Criterion.SERIES, lambda kind: _of_series(kind, series))
    for criterion, wanted in (
        (Criterion.DISTILLED, constraints.distilled),
        (Criterion.EXTRA_DATA, constraints.extra_data),
    ):
        if wanted is not None:
            yield _of_kind(criterion, partial(_weights_are, criterion, wanted, catalog))


def _of_kind(criterion: Criterion, breach: Callable[[Kind], Reason | None]) -> Requirement:
    """Require something of what is measured; of each backbone it is found once."""
    known = cache(breach)

    def breaches(columns: Columns) -> Mask:
        of_kinds = np.array([known(kind) is not None for kind in columns.kinds], dtype=bool)
        return of_kinds[columns.kind]

    def why(entry: Entry) -> Reason:
        found = known(Kind(entry.measurement.backbone, entry.measurement.series))
        # It is asked of what does not satisfy it.
        assert found is not None
        return found

    return Requirement(criterion, breaches, why)


def _of_tier(kind: Kind, catalog: Catalog, tier: Tier, members: frozenset[str]) -> Reason | None:
    backbone = kind.backbone
    if backbone in members:
        return None
    if backbone not in catalog:
        return reason(ReasonCode.NOT_IN_CATALOG, {"tier": tier.value})
    limits = exclusion(catalog.get(backbone), TIER_RULES[tier])
    if limits is None:
        return reason(ReasonCode.SURPASSED_IN_SERIES, {"tier": tier.value})
    return reason(ReasonCode.OUTSIDE_TIER, {"tier": tier.value, "detail": limits})


def _of_series(kind: Kind, wanted: Sequence[str]) -> Reason | None:
    series = kind.series
    if series.casefold() in (each.casefold() for each in wanted):
        return None
    return reason(ReasonCode.OF_OTHER_SERIES, {"series": series, "wanted": ", ".join(wanted)})


def _weights_are(criterion: Criterion, wanted: bool, catalog: Catalog, kind: Kind) -> Reason | None:
    name = kind.backbone
    known = is_of_kind(catalog.get(name), criterion) if name in catalog else None
    words = {"criterion": criterion.value}
    if known is None:
        return reason(ReasonCode.KIND_UNKNOWN, words)
    if known is wanted:
        return None
    told = {**words, "is": "yes" if known else "no"}
    return reason(ReasonCode.WEIGHTS_OF_OTHER_KIND, told)


def is_of_kind(backbone: Backbone, criterion: Criterion) -> bool:
    """Say whether a backbone's weights are distilled, or saw extra data."""
    return backbone.distilled if criterion is Criterion.DISTILLED else backbone.extra_data


def _of_figure(limit: Limit) -> Requirement:
    def breaches(columns: Columns) -> Mask:
        # What is not known is within no limit.
        return ~(limit.overstep(columns.figure(limit.criterion)) <= 0)

    def why(entry: Entry) -> Reason:
        figure = figure_of(limit.criterion, entry.measurement)
        return _unknown(limit.criterion) if figure is None else _beyond(limit, entry, figure)

    return Requirement(limit.criterion, breaches, why, limit)


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
