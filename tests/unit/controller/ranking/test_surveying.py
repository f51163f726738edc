"""What figures say of the source article's claims: holds, does not hold, or not decidable."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from controller.domain.measurements import Measurement
from controller.domain.rankings.survey import ClaimResult
from controller.ranking.surveying import flops_of, survey
from controller.ranking.surveying.claims import (
    LEAST_BACKBONES,
    Cost,
    best_value,
    distillation_gains,
    low_flops,
)
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.tiers import Tier, select_tier
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, backbone, measurement

MOBILE = select_tier(load_catalog(), Tier.MOBILE)


def _exactly(cost: float) -> Cost:
    return Cost(cost, cost * 0.99, cost * 1.01)


def _measured(name: str, median_ms: float, **changes: object) -> Measurement:
    known = load_catalog().get(name)
    half_width_ms = median_ms * 0.01
    return measurement(
        name, median_ms, half_width_ms, known.top1, input_size=known.input_size, **changes
    )


def test_who_have_the_first_two_places_of_the_whole_tier_are_the_best_value() -> None:
    costs = {b.name: _exactly(50.0) for b in MOBILE}
    costs |= {"EfficientNetB2": _exactly(1.0), "ReXNet_2_0": _exactly(1.5)}
    claim = best_value(MOBILE, costs)
    assert claim.result is ClaimResult.HOLDS
    assert sorted(each.place or 0 for each in claim.claimed) == [1, 2]
    assert (claim.known, claim.of, claim.unknown) == (len(MOBILE), len(MOBILE), ())


def test_one_that_is_surely_beaten_contradicts_whatever_else_is_unknown() -> None:
    rexnet = next(b for b in MOBILE if b.name == "ReXNet_2_0")
    better = next(b for b in MOBILE if (b.top1 or 0) > (rexnet.top1 or 0))
    beaten = {better.name: _exactly(5.0), rexnet.name: _exactly(20.0)}
    claim = best_value(MOBILE, beaten)
    assert claim.result is ClaimResult.CONTRADICTED
    assert claim.claimed[0].beaten_by == (better.name,)
    # Intervals that overlap beat nobody.
    tied = {better.name: Cost(5.0, 4.0, 21.0), rexnet.name: Cost(20.0, 19.0, 21.0)}
    assert best_value(MOBILE, tied).result is ClaimResult.UNDECIDED
    assert best_value(MOBILE, {}).result is ClaimResult.UNDECIDED


NAMES = [f"N{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("latencies", "result"),
    [
        ([*range(1, 21)], ClaimResult.CONTRADICTED),
        ([*range(20, 0, -1)], ClaimResult.HOLDS),
        ([*range(1, 10)], ClaimResult.UNDECIDED),
    ],
)
def test_a_rank_correlation_decides_on_low_multiply_adds(
    latencies: list[float], result: ClaimResult
) -> None:
    flops = {name: float(place) for place, name in enumerate(NAMES, 1)}
    costs = {name: _exactly(cost) for name, cost in zip(NAMES, latencies, strict=False)}
    claim = low_flops(flops, costs)
    assert claim.result is result
    assert (claim.spearman is None) is (len(latencies) < LEAST_BACKBONES)


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=LEAST_BACKBONES, max_size=16
    ).filter(lambda pairs: len({x for x, _ in pairs}) > 1 and len({y for _, y in pairs}) > 1)
)
def test_the_correlation_is_spearmans_and_its_interval_is_one(
    pairs: list[tuple[int, int]],
) -> None:
    flops = {name: float(x) for name, (x, _) in zip(NAMES, pairs, strict=False)}
    costs = {name: _exactly(y) for name, (_, y) in zip(NAMES, pairs, strict=False)}
    claim = low_flops(flops, costs)
    x, y = zip(*pairs, strict=True)
    assert claim.spearman is not None
    assert math.isclose(claim.spearman, stats.spearmanr(x, y).statistic, abs_tol=1e-9)
    assert claim.spearman_low is not None
    assert claim.spearman_high is not None
    assert -1 - 1e-9 <= claim.spearman_low <= claim.spearman_high <= 1 + 1e-9


def test_the_pairs_that_contradict_most_come_first_and_overlaps_are_none() -> None:
    flops = {"small": 1.0, "middle": 2.0, "large": 8.0}
    costs = {"small": _exactly(30.0), "middle": Cost(10.5, 9.0, 12.0), "large": Cost(10, 9, 12)}
    found = low_flops(flops, costs).contradictions
    assert [(each.fewer, each.more) for each in found] == [("small", "large"), ("small", "middle")]
    assert (found[0].flops_ratio, found[0].latency_ratio) == (8.0, 3.0)


def test_distilled_weights_stand_beside_plain_ones_of_the_same_network_and_size() -> None:
    plain = [backbone(f"A{n}", 70.0, architecture=f"A{n}") for n in range(12)]
    distilled = [
        backbone(f"A{n}_ssld", 73.0, architecture=f"A{n}", distilled=True, extra_data=True)
        for n in range(12)
    ]
    alone = backbone("B_ssld", 90.0, distilled=True)
    claim = distillation_gains(Catalog([*plain, *distilled, alone]))
    assert claim.result is ClaimResult.HOLDS
    assert (len(claim.pairs), claim.within, claim.median_gain) == (12, 12, 3.0)
    assert distillation_gains(Catalog([])).result is ClaimResult.UNDECIDED


def test_the_catalog_itself_says_of_distillation_what_its_figures_say() -> None:
    claim = distillation_gains(load_catalog())
    gains = {pair.distilled: pair.gain for pair in claim.pairs}
    assert gains["MobileNetV1_ssld"] == 6.9
    assert "MobileNetV3_large_x1_0_ssld_int8" not in gains
    assert claim.result is ClaimResult.HOLDS
    assert (claim.within, len(claim.pairs)) == (15, 21)


def test_a_device_is_looked_at_in_the_setting_of_most_backbones() -> None:
    measured = {
        DEVICE: [
            _measured("PPLCNet_x1_0", 3.0),
            _measured("MobileNetV2", 6.0),
            _measured("MobileNetV2", 4.0, threads=4),
            _measured("MobileNetV2", 1.0, runtime=Runtime.PADDLELITE, emulator="qemu-user"),
        ],
        "idle": [],
    }
    found = survey(measured, load_catalog())
    [device] = found.devices
    assert (device.device, device.runtime, device.threads) == (DEVICE, Runtime.ONNXRUNTIME, 1)
    assert device.low_flops.backbone_count == 2
    assert found.without_figures == ("idle",)
    mobile = next(table for table in found.tiers if table.tier is Tier.MOBILE)
    assert [row.backbone for row in mobile.backbones] == [each.name for each in MOBILE]
    for row in mobile.backbones:
        flops_g = flops_of(load_catalog().get(row.backbone))
        assert flops_g is not None
        assert row.top1_per_flops_g == pytest.approx(row.top1 / flops_g)
        assert not row.latencies or row.backbone in ("PPLCNet_x1_0", "MobileNetV2")
