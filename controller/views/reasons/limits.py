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
