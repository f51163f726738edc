"""Tiers: which backbones are worth trying on which class of device."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.series import COUNTS_AS, group_of
from models.catalog.tiers import TIER_RULES, RejectionKind, Tier, apply_rule, exclusion, select_tier
from protos.inputs import square

NET = Backbone("Net", "Net", "Net", 76.0, 93.0, 5.0, 1.5, square(224), False, False, "net.md")

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
        ({"top1": None}, "no top-1 accuracy is published"),
        ({"flops_g": None}, "parameters or multiply-adds are neither published nor counted"),
        ({"params_m": None}, "parameters or multiply-adds are neither published nor counted"),
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
    assert desktop is not None
    assert desktop.startswith("4 G multiply-adds")
    assert "not below 4 G;" in desktop
    assert server is not None
    assert "not above 4 G;" in server
    assert desktop.partition("; ")[2] == server.partition("; ")[2]
    for tier, expected in {
        Tier.MOBILE: [],
        Tier.DESKTOP: ["RegNetX_4GF"],
        Tier.SERVER: ["RegNetX_4GF"],
    }.items():
        rejected = apply_rule(load_catalog(), tier).rejected
        assert [r.backbone for r in rejected if r.between_tiers] == expected


def test_what_we_counted_stands_in_for_cost_that_nobody_published() -> None:
    uncosted = replace(NET, flops_g=None, params_m=None)
    counted = replace(uncosted, counted_flops_g=1.5, counted_params_m=5.0)
    assert exclusion(counted, TIER_RULES[Tier.MOBILE]) is None
    too_much = replace(NET, counted_flops_g=2.5, counted_params_m=50.0)
    assert exclusion(too_much, TIER_RULES[Tier.MOBILE]) is None


def test_no_tier_takes_a_backbone_whose_accuracy_is_not_known() -> None:
    unknown = {b.name for b in load_catalog() if b.top1 is None}
    assert len(unknown) == 26
    unknown.add("MobileNetV3_large_x1_0_ssld_int8")
    for tier in Tier:
        selection = apply_rule(load_catalog(), tier)
        kinds = {r.backbone: r.kind for r in selection.rejected}
        assert {kinds[name] for name in unknown} == {RejectionKind.ACCURACY_UNKNOWN}


def test_versions_of_one_series_compete_with_each_other() -> None:
    first = replace(NET, name="B4", series="PP-HGNetV2", flops_g=2.0, top1=83.6)
    other = replace(NET, name="tiny", series="PP-HGNet", flops_g=2.0, top1=79.8)
    selection = apply_rule([other, first], Tier.DESKTOP)
    assert [b.name for b in selection.chosen] == ["B4"]
    (rejection,) = selection.rejected
    assert rejection.reason.startswith("B4 ")
    assert rejection.reason.endswith(" 83.6 %")
    assert rejection.kind is RejectionKind.BETTER_IN_SERIES


def test_equal_accuracy_is_said_and_the_cheaper_stays() -> None:
    dear = replace(NET, name="dear", flops_g=3.0)
    selection = apply_rule([dear, NET], Tier.DESKTOP)
    assert selection.chosen == (NET,)
    (rejection,) = selection.rejected
    assert rejection.kind is RejectionKind.BETTER_IN_SERIES
    assert rejection.reason.startswith("Net ")
    assert "as accurate" in rejection.reason


def test_each_series_that_counts_as_another_is_in_the_catalog() -> None:
    series = {b.series for b in load_catalog()}
    assert series >= set(COUNTS_AS) | set(COUNTS_AS.values())
    assert group_of("MobileNetV2") == "MobileNetV2"


@settings(deadline=None)
@given(backbones, st.sampled_from(Tier))
def test_every_backbone_is_chosen_or_rejected_with_a_reason(
    candidates: list[Backbone], tier: Tier
) -> None:
    selection = apply_rule(candidates, tier)
    chosen = [b.name for b in selection.chosen]
    rejected = [r.backbone for r in selection.rejected]
    assert sorted(chosen + rejected) == sorted(b.name for b in candidates)
    assert all(r.reason for r in selection.rejected)
    assert list(selection.chosen) == select_tier(candidates, tier)


def test_the_mobile_tier_is_what_its_rule_says() -> None:
    chosen = select_tier(load_catalog(), Tier.MOBILE)
    by_hand = {
        b.name
        for b in load_catalog()
        if (b.top1 or 0) > 75 and not b.name.endswith("_int8")
        if (b.flops_g or b.counted_flops_g or math.inf) < 2
        if (b.params_m or b.counted_params_m or math.inf) < 40
    }
    assert {b.name for b in chosen} == by_hand
    assert {"PPLCNetV2_base", "ReXNet_2_0", "LeViT_128S", "PPHGNetV2_B0"} <= by_hand


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
