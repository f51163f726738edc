"""Tiers of devices, and the backbones that each is worth trying on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from models.catalog.catalog import INT8_ACCURACY, Backbone
from models.catalog.series import group_of


class Tier(Enum):
    """Class of device."""

    MOBILE = "mobile"
    DESKTOP = "desktop"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class TierRule:
    """Limits that a backbone must be strictly within; missing figures never qualify.

    The limits hold for published figures. Where nobody published parameters or multiply-adds,
    those that we counted take their place; nothing takes the place of an accuracy.

    Attributes:
        above_flops_g: lower limit of 1e9 multiply-adds.
        below_flops_g: upper limit of the same.
        below_params_m: upper limit of millions of parameters.
        above_top1: lower limit of top-1, percent.
        best_of_series: only the most accurate backbone of each series stays, series that count
            as one (`models.catalog.series`) taken together.
        always_above_top1: one that exceeds this top-1 stays although its series has a better one.
    """

    above_flops_g: float = 0.0
    below_flops_g: float = math.inf
    below_params_m: float = math.inf
    above_top1: float = 0.0
    best_of_series: bool = False
    always_above_top1: float = math.inf


TIER_RULES: Mapping[Tier, TierRule] = MappingProxyType(
    {
        Tier.MOBILE: TierRule(below_flops_g=2, below_params_m=40, above_top1=75),
        Tier.DESKTOP: TierRule(
            above_flops_g=1, below_flops_g=4, below_params_m=60, best_of_series=True
        ),
        Tier.SERVER: TierRule(
            above_flops_g=4, above_top1=80, best_of_series=True, always_above_top1=85
        ),
    }
)
"""The rules.

Mobile: under 2 G multiply-adds, under 40 M parameters, top-1 above 75 %.
Desktop: above 1 G and below 4 G, under 60 M, the best of each series.
Server: above 4 G, top-1 above 80 %, the best of each series unless top-1 is above 85 %.
"""


class RejectionKind(str, Enum):
    """What a rule found wrong with a backbone, in the order in which it looks."""

    ACCURACY_UNKNOWN = "accuracy unknown"
    COST_UNKNOWN = "cost unknown"
    MULTIPLY_ADDS = "multiply-adds"
    PARAMETERS = "parameters"
    TOP1 = "top-1"
    BETTER_IN_SERIES = "better one in its series"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A backbone that a tier's rule left out.

    Attributes:
        backbone: name of the backbone.
        kind: what the rule looked at.
        reason: why, with figures, for a person.
        between_tiers: whether it is exactly on the border of two tiers, so that neither takes it.
    """

    backbone: str
    kind: RejectionKind
    reason: str
    between_tiers: bool = False


@dataclass(frozen=True, slots=True)
class TierSelection:
    """What a tier's rule makes of some backbones.

    Attributes:
        tier: which tier.
        chosen: the backbones of the tier, the most accurate first.
        rejected: all others that were considered, in the order in which they were given.
    """

    tier: Tier
    chosen: tuple[Backbone, ...]
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Figures:
    flops_g: float
    params_m: float
    top1: float


def select_tier(backbones: Iterable[Backbone], tier: Tier) -> list[Backbone]:
    """Return the backbones of a tier, the most accurate first.

    Among equally accurate ones the cheaper comes first; it alone is the best of its series.
    """
    return list(apply_rule(backbones, tier).chosen)


def apply_rule(backbones: Iterable[Backbone], tier: Tier) -> TierSelection:
    """Split backbones into those of a tier, and the others with the reason of each."""
    rule = TIER_RULES[tier]
    considered = list(backbones)
    within: list[Backbone] = []
    rejections: dict[str, Rejection] = {}
    for backbone in considered:
        rejection = _reject(backbone, rule)
        if rejection is None:
            within.append(backbone)
        else:
            rejections[backbone.name] = rejection
    within.sort(key=_merit)
    if rule.best_of_series:
        rejections.update((r.backbone, r) for r in _reject_surpassed(within, rule))
    return TierSelection(
        tier,
        tuple(backbone for backbone in within if backbone.name not in rejections),
        tuple(rejections[b.name] for b in considered if b.name in rejections),
    )


def exclusion(backbone: Backbone, rule: TierRule) -> str | None:
    """Return why a backbone is outside a rule's limits, or None if it is within.

    Whether a better one of its series takes its place is not looked at.
    """
    rejection = _reject(backbone, rule)
    return None if rejection is None else rejection.reason


def _reject(backbone: Backbone, rule: TierRule) -> Rejection | None:
    if backbone.top1 is None:
        return Rejection(
            backbone.name, RejectionKind.ACCURACY_UNKNOWN, "no top-1 accuracy is published"
        )
    if backbone.name in INT8_ACCURACY:
        reason = "its top-1 accuracy is published for int8 weights, not for fp32 ones"
        return Rejection(backbone.name, RejectionKind.ACCURACY_UNKNOWN, reason)
    figures = _figures(backbone, backbone.top1)
    if figures is None:
        reason = "parameters or multiply-adds are neither published nor counted"
        return Rejection(backbone.name, RejectionKind.COST_UNKNOWN, reason)
    broken = _broken_limit(figures, rule)
    if broken is None:
        return None
    kind, reason = broken
    is_between = figures.flops_g in _limits(rule) and _is_between_tiers(figures.flops_g)
    if is_between:
        reason += "; one tier ends and another begins exactly there, it falls between the two"
    return Rejection(backbone.name, kind, reason, is_between)


def _broken_limit(figures: _Figures, rule: TierRule) -> tuple[RejectionKind, str] | None:
    if figures.flops_g <= rule.above_flops_g:
        reason = f"{figures.flops_g:g} G multiply-adds are not above {rule.above_flops_g:g} G"
        return RejectionKind.MULTIPLY_ADDS, reason
    if figures.flops_g >= rule.below_flops_g:
        reason = f"{figures.flops_g:g} G multiply-adds are not below {rule.below_flops_g:g} G"
        return RejectionKind.MULTIPLY_ADDS, reason
    if figures.params_m >= rule.below_params_m:
        reason = f"{figures.params_m:g} M parameters are not below {rule.below_params_m:g} M"
        return RejectionKind.PARAMETERS, reason
    if figures.top1 <= rule.above_top1:
        reason = f"top-1 of {figures.top1:g} % is not above {rule.above_top1:g} %"
        return RejectionKind.TOP1, reason
    return None


def _limits(rule: TierRule) -> tuple[float, float]:
    return (rule.above_flops_g, rule.below_flops_g)


def _is_between_tiers(flops_g: float) -> bool:
    """Say whether one tier ends and another begins exactly here, and none includes it."""
    rules = TIER_RULES.values()
    return (
        any(rule.below_flops_g == flops_g for rule in rules)
        and any(rule.above_flops_g == flops_g for rule in rules)
        and not any(rule.above_flops_g < flops_g < rule.below_flops_g for rule in rules)
    )


def _reject_surpassed(within: Sequence[Backbone], rule: TierRule) -> list[Rejection]:
    """Reject all but the best of each series, except those that are good enough by themselves.

    Args:
        within: backbones within the rule's limits, the best first.
        rule: the rule.
    """
    best: dict[str, Backbone] = {}
    for backbone in within:
        best.setdefault(group_of(backbone.series), backbone)
    rejections = []
    for backbone in within:
        better = best[group_of(backbone.series)]
        if better is backbone or (backbone.top1 or 0) > rule.always_above_top1:
            continue
        if better.top1 == backbone.top1:
            reason = f"{better.name} of its series is as accurate and comes first"
        else:
            reason = f"{better.name} of its series has a top-1 of {better.top1:g} %"
        rejections.append(Rejection(backbone.name, RejectionKind.BETTER_IN_SERIES, reason))
    return rejections


def _figures(backbone: Backbone, top1: float) -> _Figures | None:
    flops_g = backbone.counted_flops_g if backbone.flops_g is None else backbone.flops_g
    params_m = backbone.counted_params_m if backbone.params_m is None else backbone.params_m
    if flops_g is None or params_m is None:
        return None
    return _Figures(flops_g, params_m, top1)


def _merit(backbone: Backbone) -> tuple[float, float, str]:
    return (-(backbone.top1 or 0), backbone.flops_g or backbone.counted_flops_g or 0, backbone.name)
