"""Tiers: which backbones are worth trying on which class of device."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalog import Backbone, load_catalog
from models.tiers import TIER_RULES, Tier, exclusion, select_tier

NET = Backbone("Net", "Net", "Net", 76.0, 93.0, 5.0, 1.5, 224, False, False, "net.md")

figures = st.none() | st.floats(0.1, 100)
backbones = st.lists(
    st.builds(
        replace,
        st.just(NET),
        name=st.uuids().map(str),
        series=st.sampled_from("ABC"),
        top1=st.none() | st.sampled_from([74.0, 75.0, 80.0, 81.0, 85.0, 86.0]),
        params_m=figures,
        flops_g=st.none() | st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0]),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"flops_g": 2.0}, "2 G multiply-adds are not below 2 G"),
        ({"params_m": 40.0}, "40 M parameters are not below 40 M"),
        ({"top1": 75.0}, "top-1 of 75 % is not above 75 %"),
        ({"top1": None}, "a figure is not published"),
        ({"flops_g": None}, "a figure is not published"),
        ({"params_m": None}, "a figure is not published"),
    ],
)
def test_limits_are_strict_and_missing_figures_never_qualify(
    changed: dict[str, float | None], reason: str
) -> None:
    assert exclusion(NET, TIER_RULES[Tier.MOBILE]) is None
    changed_net = replace(NET, **changed)  # type: ignore[arg-type]
    assert exclusion(changed_net, TIER_RULES[Tier.MOBILE]) == reason


def test_exactly_four_gflops_falls_between_desktop_and_server() -> None:
    between = load_catalog().get("RegNetX_4GF")
    desktop = exclusion(between, TIER_RULES[Tier.DESKTOP])
    server = exclusion(between, TIER_RULES[Tier.SERVER])
    assert desktop == "4 G multiply-adds are not below 4 G"
    assert server == "4 G multiply-adds are not above 4 G"


def test_the_mobile_tier_is_what_its_rule_says() -> None:
    chosen = select_tier(load_catalog(), Tier.MOBILE)
    by_hand = {
        b.name
        for b in load_catalog()
        if b.flops_g and b.params_m and b.top1
        if b.flops_g < 2 and b.params_m < 40 and b.top1 > 75
    }
    assert {b.name for b in chosen} == by_hand
    assert {"PPLCNetV2_base", "ReXNet_2_0", "LeViT_128S"} <= by_hand


@settings(deadline=None)
@given(backbones, st.sampled_from(Tier))
def test_a_tier_is_ordered_by_accuracy_and_within_its_limits(
    candidates: list[Backbone], tier: Tier
) -> None:
    chosen = select_tier(candidates, tier)
    assert all(exclusion(backbone, TIER_RULES[tier]) is None for backbone in chosen)
    accuracies = [backbone.top1 or 0 for backbone in chosen]
    assert accuracies == sorted(accuracies, reverse=True)


@settings(deadline=None)
@given(backbones)
def test_each_series_sends_its_best_to_the_desktop(candidates: list[Backbone]) -> None:
    chosen = select_tier(candidates, Tier.DESKTOP)
    within = [b for b in candidates if exclusion(b, TIER_RULES[Tier.DESKTOP]) is None]
    assert sorted(b.series for b in chosen) == sorted({b.series for b in within})
    for best in chosen:
        assert best.top1 == max(b.top1 or 0 for b in within if b.series == best.series)


@settings(deadline=None)
@given(backbones)
def test_the_server_keeps_all_above_85_percent(candidates: list[Backbone]) -> None:
    chosen = select_tier(candidates, Tier.SERVER)
    within = [b for b in candidates if exclusion(b, TIER_RULES[Tier.SERVER]) is None]
    assert {b.name for b in within if (b.top1 or 0) > 85} <= {b.name for b in chosen}
    modest = [b.series for b in chosen if (b.top1 or 0) <= 85]
    assert len(modest) == len(set(modest))
