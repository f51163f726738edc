"""Limits in words: what was asked for, who does not satisfy it, and who misses by the least."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from controller.domain.quantities import format_latency, format_memory, format_number
from controller.domain.rankings import Constraints
from controller.domain.rankings.certainty import Certainty
from controller.domain.rankings.limits import Bound, Criterion, Limit, LimitEffect
from controller.views.counting import counted
from controller.views.reasons.writing import Writers
from protos.reasons import ReasonCode

_BOUNDS: Final[Mapping[Bound, str]] = MappingProxyType(
    {Bound.AT_MOST: "at most", Bound.AT_LEAST: "at least"}
)
CRITERIA: Final[Mapping[Criterion, str]] = MappingProxyType(
    {
        Criterion.LATENCY: "median latency",
        Criterion.P90: "p90 latency",
        Criterion.P99: "p99 latency",
        Criterion.MEMORY: "memory",
        Criterion.ARTIFACT_SIZE: "file size",
        Criterion.PARAMS: "parameters",
        Criterion.TOP1: "top-1",
        Criterion.TIER: "tier",
        Criterion.SERIES: "series",
        Criterion.DISTILLED: "distilled weights",
        Criterion.EXTRA_DATA: "extra training data",
    }
)
"""What each criterion is called."""


def amount(criterion: Criterion, figure: float) -> str:
    """Write a figure of a criterion with its unit, as people read it: 41.2 ms, 80 MB, 75.3 %."""
    return _AMOUNTS[criterion](figure)


def limit_words(limit: Limit) -> str:
    """Say a limit: p99 latency at most 20 ms; the usual ones without naming the figure."""
    bound = f"{_BOUNDS[limit.bound]} {_asked_amount(limit)}"
    if limit.criterion in (Criterion.LATENCY, Criterion.MEMORY):
        return bound
    if limit.criterion is Criterion.TOP1:
        return f"{bound} top-1"
    if limit.criterion is Criterion.PARAMS:
        return f"{_BOUNDS[limit.bound]} {limit.value:g} million parameters"
    return f"{CRITERIA[limit.criterion]} {bound}"


def constraint_words(constraints: Constraints) -> str:
    """Say what was asked for: at most 20 ms, mobile tier; empty without constraints."""
    return ", ".join(_constraints(constraints))


def front_words(constraints: Constraints) -> str:
    """Title a Pareto front by its figures."""
    if not constraints.front:
        return "Pareto front: top-1 against median latency, fastest first"
    return f"Pareto front: {', '.join(CRITERIA[each] for each in constraints.front)}"


def fleet_effect_words(effect: LimitEffect, constraints: Constraints) -> str:
    """Say what one constraint excludes somewhere in a fleet, and what misses it least, where."""
    nearest = effect.nearest
    name = "" if nearest is None else f"{nearest.backbone} on {nearest.device}"
    return _effect_words(effect, constraints, "backbone", name)


def effect_words(effect: LimitEffect, constraints: Constraints) -> str:
    """Say what one constraint excludes, what is left without it, and what misses it least."""
    name = "" if effect.nearest is None else effect.nearest.backbone
    return _effect_words(effect, constraints, "candidate", name)


def _effect_words(effect: LimitEffect, constraints: Constraints, what: str, nearest: str) -> str:
    named = _effect_name(effect, constraints)
    if not effect.excluded:
        return f"{named} excludes none"
    excluded = f"{named} excludes {counted(effect.excluded, what)}"
    left = effect.would_leave or "none"
    others = f"{excluded}; without it {left} would be left"
    if not nearest:
        return others
    of = "of these" if effect.would_leave else "of all"
    if effect.figure is None or effect.over is None:
        return f"{others}, the fastest {of} is {nearest}"
    has, over = amount(effect.criterion, effect.figure), amount(effect.criterion, effect.over)
    if effect.criterion is Criterion.TOP1:
        # A difference of percentages is no percentage.
        over = f"{round(effect.over, 2):g} points"
    # It is the upper end of an interval.
    has = f"up to {has}" if effect.criterion is Criterion.LATENCY else has
    way = "under" if effect.limit and effect.limit.bound is Bound.AT_LEAST else "over"
    return f"{others}, the nearest {of} is {nearest} with {has}, {over} {way} the limit"


def uncertain_words(certainty: Certainty) -> str:
    """Say that nobody is surely the first, and what would tell."""
    alone = sum(each.low_ms is None for each in certainty.may_be_first)
    count = len(certainty.may_be_first)
    why = (
        f"{alone:,} of them measured by one process, which tells nothing of others"
        if alone
        else "their intervals overlap"
    )
    return (
        f"{count:,} of {counted(certainty.candidate_count, 'candidate')} may be the first at "
        f"{100 * certainty.confidence:g} %, {why}; measure these again with more repetitions"
    )


def _effect_name(effect: LimitEffect, constraints: Constraints) -> str:
    if effect.limit is not None:
        return limit_words(effect.limit)
    return _KINDS[effect.criterion](constraints)


def _constraints(constraints: Constraints) -> Iterator[str]:
    yield from map(limit_words, constraints.every_limit)
    yield from (_KINDS[each](constraints) for each in _kinds_asked(constraints))
    for setting in (constraints.runtime, constraints.precision):
        if setting is not None:
            yield setting.value
    if constraints.threads is not None:
        yield counted(constraints.threads, "thread")
    if constraints.only:
        yield f"only {' and '.join(each.value for each in constraints.only)}"
    if constraints.at_minute is not None:
        yield f"at minute {constraints.at_minute}"
    if constraints.paced_fps is not None:
        yield f"at {constraints.paced_fps:g} fps"


def _kinds_asked(constraints: Constraints) -> Iterator[Criterion]:
    """Name the kinds of things that were asked for."""
    asked = {
        Criterion.TIER: constraints.tier is not None,
        Criterion.SERIES: bool(constraints.series),
        Criterion.DISTILLED: constraints.distilled is not None,
        Criterion.EXTRA_DATA: constraints.extra_data is not None,
    }
    yield from (criterion for criterion, is_asked in asked.items() if is_asked)


def _tier(constraints: Constraints) -> str:
    return "" if constraints.tier is None else f"{constraints.tier.value} tier"


def _series(constraints: Constraints) -> str:
    return f"series {' or '.join(constraints.series)}"


def _distilled(constraints: Constraints) -> str:
    return "distilled" if constraints.distilled else "not distilled"


def _extra_data(constraints: Constraints) -> str:
    return "with extra data" if constraints.extra_data else "without extra data"


_KINDS: Final[Mapping[Criterion, Callable[[Constraints], str]]] = MappingProxyType(
    {
        Criterion.TIER: _tier,
        Criterion.SERIES: _series,
        Criterion.DISTILLED: _distilled,
        Criterion.EXTRA_DATA: _extra_data,
    }
)


def _asked_amount(limit: Limit) -> str:
    """Write a limit as exactly as it was asked for."""
    if limit.criterion in (Criterion.LATENCY, Criterion.P90, Criterion.P99):
        return f"{limit.value:,g} ms"
    if limit.criterion is Criterion.TOP1:
        return f"{limit.value:g} %"
    return amount(limit.criterion, limit.value)


def _memory(size_bytes: float) -> str:
    return format_memory(round(size_bytes))


_AMOUNTS: Final[Mapping[Criterion, Callable[[float], str]]] = MappingProxyType(
    {
        Criterion.LATENCY: format_latency,
        Criterion.P90: format_latency,
        Criterion.P99: format_latency,
        Criterion.MEMORY: _memory,
        Criterion.ARTIFACT_SIZE: _memory,
        Criterion.PARAMS: lambda millions: f"{format_number(millions)} million",
        Criterion.TOP1: lambda percent: f"{round(percent, 2):g} %",
    }
)


def _beyond(figures: Mapping[str, float], words: Mapping[str, str]) -> str:
    criterion, bound = Criterion(words["criterion"]), Bound(words["bound"])
    figure, limit = (amount(criterion, figures[each]) for each in ("figure", "limit"))
    way = "over" if bound is Bound.AT_MOST else "under"
    return f"its {CRITERIA[criterion]} of {figure} is {way} the limit of {limit}"


def _weights(_figures: Mapping[str, float], words: Mapping[str, str]) -> str:
    return f"it is {'' if words['is'] == 'yes' else 'not '}of {_kind(words)}"


def _kind(words: Mapping[str, str]) -> str:
    return CRITERIA[Criterion(words["criterion"])]


SENTENCES: Final[Writers] = {
    ReasonCode.FIGURE_BEYOND_LIMIT: _beyond,
    ReasonCode.FIGURE_UNKNOWN: lambda _, words: f"its {_kind(words)} is not known",
    ReasonCode.OF_OTHER_SERIES: lambda _, words: (
        f"it is of the series {words['series']}, not of {words['wanted']}"
    ),
    ReasonCode.WEIGHTS_OF_OTHER_KIND: _weights,
    ReasonCode.KIND_UNKNOWN: lambda _, words: (
        f"nothing is known of its {_kind(words)}, as the catalog does not have it"
    ),
}
