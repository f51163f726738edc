"""Predictions: exact where latency is a sum of works, honest where they cannot be made."""

import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    KnownFigure,
    PredictionQuestion,
    Unpredictable,
)
from controller.ranking.prediction import fit, predict, predicted_logs
from models.catalog.features import NetworkFeatures


def network(seed: int, scale: float = 1.0) -> NetworkFeatures:
    """A small network of convolutions, the same for a seed."""
    drawn = random.Random(seed)
    pointwise = int(drawn.uniform(50e6, 400e6) * scale)
    depthwise = int(drawn.uniform(5e6, 40e6) * scale)
    activations = int(drawn.uniform(2e6, 9e6) * scale)
    return NetworkFeatures(
        params=int(drawn.uniform(1e6, 6e6) * scale),
        multiply_adds=pointwise + depthwise,
        activations=activations,
        traffic_bytes=activations * 10,
        pointwise_count=drawn.randrange(20, 40),
        pointwise_cost=pointwise,
        depthwise_count=drawn.randrange(10, 20),
        depthwise_cost=depthwise,
        cheap_count=30,
        cheap_cost=activations,
    )


NETWORKS: Mapping[str, NetworkFeatures] = {f"net{seed}": network(seed) for seed in range(40)}


def takes_ms(features: NetworkFeatures, per_giga: float = 20.0) -> float:
    """What a device takes whose latency is a sum of works."""
    return 1.0 + per_giga * features.pointwise_cost / 1e9 + 50 * features.depthwise_cost / 1e9


def known(count: int, factor: float = 1.0) -> list[KnownFigure]:
    """What the first networks are measured at."""
    return [
        KnownFigure(backbone=name, value=factor * takes_ms(NETWORKS[name]))
        for name in list(NETWORKS)[:count]
    ]


def asked(count: int = 16, **changes: object) -> PredictionQuestion:
    """What the other networks would be measured at."""
    question = {"known": known(count), "wanted": tuple(NETWORKS), "features": NETWORKS}
    return PredictionQuestion(**{**question, **changes})  # type: ignore[arg-type]


def test_a_sum_of_works_is_predicted_within_five_percent() -> None:
    told = predict(asked())
    errors = [abs(p.value / takes_ms(NETWORKS[p.backbone]) - 1) for p in told.predicted]
    assert len(errors) == len(NETWORKS) - 16
    assert max(errors) < 0.05
    assert told.rests_on == tuple(NETWORKS)[:16]
    assert told.errors is not None
    assert told.errors.count == 16
    assert all(p.low <= p.value <= p.high for p in told.predicted)


def test_the_same_question_has_the_same_answer() -> None:
    assert predict(asked()) == predict(asked())


def test_other_weights_of_a_measured_network_are_told_by_it() -> None:
    twin = {**NETWORKS, "net3 distilled": NETWORKS["net3"], "net5 distilled": NETWORKS["net5"]}
    # Far from what its works would cost, as networks of a kind of their own are.
    measured = [*known(3), KnownFigure(backbone="net3", value=90.0), *known(16)[4:]]
    wanted = ("net3 distilled", "net5 distilled")
    told = fit(asked(known=measured, wanted=wanted, features=twin)).told(wanted[:1], 0.9)
    (same,) = told.predicted
    assert same.value == pytest.approx(90.0)
    assert same.low == pytest.approx(90 / 1.11, rel=0.02)
    assert told.rests_on == ("net3",)
    assert told.errors is None
    both = predict(asked(known=measured, wanted=("net3 distilled", "net30"), features=twin))
    assert {each.backbone for each in both.predicted} == {"net3 distilled", "net30"}
    assert both.errors is not None


def test_too_few_measured_backbones_are_told_as_such() -> None:
    told = predict(asked(LEAST_MEASURED - 1))
    assert not told.predicted
    assert {each.why for each in told.not_predicted} == {Unpredictable.FEW_MEASURED}


def test_a_network_ten_times_as_large_is_not_predicted() -> None:
    features = {**NETWORKS, "huge": network(99, scale=10)}
    told = predict(asked(features=features, wanted=("huge", "net30")))
    assert [(each.backbone, each.why) for each in told.not_predicted] == [
        ("huge", Unpredictable.FAR_AWAY)
    ]
    assert [each.backbone for each in told.predicted] == ["net30"]


def test_work_of_a_kind_that_nothing_measured_does_is_not_predicted() -> None:
    usual = network(5)
    attention = NetworkFeatures(
        params=usual.params,
        multiply_adds=usual.multiply_adds,
        activations=usual.activations,
        traffic_bytes=usual.traffic_bytes,
        product_count=usual.pointwise_count + usual.depthwise_count,
        product_cost=usual.multiply_adds,
    )
    told = predict(asked(features={**NETWORKS, "vit": attention}, wanted=("vit",)))
    assert [each.why for each in told.not_predicted] == [Unpredictable.FAR_AWAY]


def test_networks_without_features_are_told_from_other_devices() -> None:
    times = {name: takes_ms(each, per_giga=35.0) for name, each in NETWORKS.items()}
    others = tuple(
        Elsewhere(setting=f"other{k}", values={n: v * k for n, v in times.items()}) for k in (1, 3)
    )
    mine = [KnownFigure(backbone=n, value=2 * times[n]) for n in list(NETWORKS)[:12]]
    told = predict(
        PredictionQuestion(known=mine, wanted=(*NETWORKS, "nowhere"), features={}, elsewhere=others)
    )
    assert told.settings == ("other1", "other3")
    assert max(abs(p.value / (2 * times[p.backbone]) - 1) for p in told.predicted) < 0.03
    assert [(each.backbone, each.why) for each in told.not_predicted] == [
        ("nowhere", Unpredictable.UNKNOWN_NETWORK)
    ]


@settings(max_examples=10, deadline=None)
@given(factor=st.floats(0.01, 1000))
def test_a_device_that_is_slower_by_a_factor_is_predicted_slower_by_it(factor: float) -> None:
    one = predict(asked(12, wanted=("net30", "net31")))
    other = predict(asked(12, known=known(12, factor), wanted=("net30", "net31")))
    for a, b in zip(one.predicted, other.predicted, strict=True):
        assert math.isclose(b.value / a.value, factor, rel_tol=0.02)


@pytest.mark.parametrize("confidence", [0.5, 0.8])
def test_more_confidence_is_a_wider_interval(confidence: float) -> None:
    noisy = [
        KnownFigure(backbone=f.backbone, value=f.value * random.Random(i).uniform(0.9, 1.1))
        for i, f in enumerate(known(24))
    ]
    wide = predict(asked(known=noisy, confidence=0.9)).predicted
    narrow = predict(asked(known=noisy, confidence=confidence)).predicted
    assert all(n.low >= w.low and n.high <= w.high for n, w in zip(narrow, wide, strict=True))


def test_a_setting_that_has_the_measured_ones_alone_makes_nobody_sure_of_the_others() -> None:
    # By the measured ones it would look like the perfect model of this setting.
    twin = Elsewhere(setting="twin", values={each.backbone: 1.5 * each.value for each in known(16)})
    told = predict(asked(elsewhere=[twin]))
    assert told.predicted == predict(asked()).predicted
    assert told.settings == ()


def odd(name: str) -> float:
    """A factor of a network's own, the same wherever it is measured."""
    return random.Random(f"odd {name}").uniform(0.7, 1.4)


HERE = {name: odd(name) * takes_ms(each) for name, each in NETWORKS.items()}
PIONEERS = tuple(NETWORKS)[:16]
# Its networks are off in other ways, and nothing is a sum of works.
UNLIKE = {
    name: takes_ms(each, per_giga=90.0) * random.Random(f"unlike {name}").uniform(0.7, 1.4)
    for name, each in NETWORKS.items()
}


def asked_beside(*elsewhere: Elsewhere) -> PredictionQuestion:
    """What others than the pioneers take here, where no latency is an exact sum."""
    mine = [KnownFigure(backbone=name, value=HERE[name]) for name in PIONEERS]
    return asked(known=mine, elsewhere=elsewhere)


def test_a_twin_that_has_the_pioneers_alone_changes_nothing() -> None:
    twin = Elsewhere(setting="twin", values={name: 1.5 * HERE[name] for name in PIONEERS})
    unlike = Elsewhere(setting="unlike", values=UNLIKE)
    alone = predict(asked_beside(unlike))
    assert predict(asked_beside(twin, unlike)) == alone
    assert predict(asked_beside(unlike, twin)) == alone


def test_a_twin_makes_nobody_sure_but_of_those_that_it_has() -> None:
    has = tuple(NETWORKS)[:24]
    twin = Elsewhere(setting="twin", values={name: 1.5 * HERE[name] for name in has})
    unlike = Elsewhere(setting="unlike", values=UNLIKE)
    told = {each.backbone: each for each in predict(asked_beside(twin, unlike)).predicted}
    alone = {each.backbone: each for each in predict(asked_beside(unlike)).predicted}
    for name, each in told.items():
        if name in has:
            assert each.value == pytest.approx(HERE[name], rel=0.05)
        else:
            assert each == alone[name]
    others = [name for name in told if name not in has]
    held = [told[name].low <= HERE[name] <= told[name].high for name in others]
    assert sum(held) >= 0.8 * len(others)


def test_measured_ones_that_a_twin_has_not_do_not_say_how_sure_the_others_are() -> None:
    twin = {name: 1.5 * value for name, value in HERE.items() if name not in PIONEERS[10:]}
    told = predict(asked_beside(Elsewhere(setting="twin", values=twin)))
    assert told.settings == ("twin",)
    assert told.errors is not None
    assert told.errors.count == 10


def test_only_the_setting_that_was_learned_from_is_named() -> None:
    same = {name: 1.5 * value for name, value in HERE.items()}
    others = [Elsewhere(setting=f"unlike{place}", values=UNLIKE) for place in range(3)]
    told = predict(asked_beside(*others, Elsewhere(setting="same", values=same)))
    assert told.settings == ("same",)


def test_costs_are_learned_from_a_setting_that_has_few_of_the_measured_ones_or_none() -> None:
    def layers(name: str) -> float:
        return float(NETWORKS[name].pointwise_count + NETWORKS[name].depthwise_count)

    names = list(NETWORKS)
    mine = [KnownFigure(backbone=name, value=layers(name)) for name in names[:16]]
    for first in (10, 16):
        there = {name: 2 * layers(name) for name in names[first:30]}
        told = predict(asked(known=mine, elsewhere=[Elsewhere(setting="there", values=there)]))
        assert told.settings == ("there",)
        for each in told.predicted:
            assert each.value == pytest.approx(layers(each.backbone), rel=0.003)


def test_logarithms_are_those_of_the_prediction_and_tell_any_part_of_it_at_any_confidence() -> None:
    question = asked()
    logs = predicted_logs(question)
    for each in predict(question).predicted:
        told = logs[each.backbone]
        ends = (math.exp(told.median), math.exp(told.low), math.exp(told.high))
        assert ends == pytest.approx((each.value, each.low, each.high))
    fitted = fit(question)
    (name,) = list(logs)[:1]
    assert fitted.logs([name, "nobody"], question.confidence) == {name: logs[name]}
    assert fitted.logs([name], 0.5)[name].high < logs[name].high
