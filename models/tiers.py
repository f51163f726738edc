"""Tiers of devices, and the backbones that each is worth trying on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from models.catalog import Backbone


class Tier(str, Enum):
    """Class of device."""

    MOBILE = "mobile"
    DESKTOP = "desktop"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class TierRule:
    """Limits that a backbone must be strictly within; missing figures never qualify.

    Attributes:
        above_flops_g: lower limit of 1e9 multiply-adds.
        below_flops_g: upper limit of the same.
        below_params_m: upper limit of millions of parameters.
        above_top1: lower limit of top-1, percent.
        best_of_series: only the most accurate backbone of each series stays.
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


@dataclass(frozen=True, slots=True)
class _Figures:
    flops_g: float
    params_m: float
    top1: float


def select_tier(backbones: Iterable[Backbone], tier: Tier) -> list[Backbone]:
    """Return the backbones of a tier, the most accurate first.

    Among equally accurate ones the cheaper comes first; it alone is the best of its series.
    """
    rule = TIER_RULES[tier]
    within = [backbone for backbone in backbones if exclusion(backbone, rule) is None]
    within.sort(key=_merit)
    if not rule.best_of_series:
        return within
    best: dict[str, Backbone] = {}
    for backbone in within:
        best.setdefault(backbone.series, backbone)
    return [
        backbone
        for backbone in within
        if best[backbone.series] is backbone or (backbone.top1 or 0) > rule.always_above_top1
    ]


def exclusion(backbone: Backbone, rule: TierRule) -> str | None:
    """Return why a backbone is outside a rule's limits, or None if it is within.

    Whether a better one of its series takes its place is not looked at.
    """
    figures = _figures(backbone)
    if figures is None:
        return "a figure is not published"
    if figures.flops_g <= rule.above_flops_g:
        return f"{figures.flops_g:g} G multiply-adds are not above {rule.above_flops_g:g} G"
    if figures.flops_g >= rule.below_flops_g:
        return f"{figures.flops_g:g} G multiply-adds are not below {rule.below_flops_g:g} G"
    if figures.params_m >= rule.below_params_m:
        return f"{figures.params_m:g} M parameters are not below {rule.below_params_m:g} M"
    if figures.top1 <= rule.above_top1:
        return f"top-1 of {figures.top1:g} % is not above {rule.above_top1:g} %"
    return None


def _figures(backbone: Backbone) -> _Figures | None:
    if backbone.flops_g is None or backbone.params_m is None or backbone.top1 is None:
        return None
    return _Figures(backbone.flops_g, backbone.params_m, backbone.top1)


def _merit(backbone: Backbone) -> tuple[float, float, str]:
    return (-(backbone.top1 or 0), backbone.flops_g or 0, backbone.name)
