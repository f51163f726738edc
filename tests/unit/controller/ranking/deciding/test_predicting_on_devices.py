"""What `edgerank predict` learns from, and what it says where it cannot tell."""

from dataclasses import replace
from typing import Any

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MemoryFigures, Verdict
from controller.domain.rankings.predicted import (
    DevicePredictions,
    PredictQuestion,
    check_question,
    with_top1,
)
from controller.ranking.prediction.device import (
    features_by_name,
    fit_setting,
    predict_on_device,
)
from controller.ranking.prediction.evidence import Setting, gather
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.features import load_features
from models.catalog.precisions import Precision
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, figures, measurement

CATALOG: Catalog = load_catalog()
FEATURES = features_by_name(CATALOG, load_features())
SOME = tuple(name for name in sorted(FEATURES) if FEATURES[name].multiply_adds < 600e6)[::2]


def taken(name: str, factor: float = 1.0, **changes: Any) -> Measurement:
    """A measurement that is the sum of a network's works, so that it can be predicted."""
    does = FEATURES[name]
    latency_ms = factor * (1.0 + 15 * does.multiply_adds / 1e9 + does.traffic_bytes / 1e8)
    usual = {"latency": figures(latency_ms), "input_size": CATALOG.get(name).input_size}
    return measurement(name, **{**usual, **changes})


def asked(
    measured: list[Measurement], *names: str, runtimes: tuple[Runtime, ...] = (Runtime.ONNXRUNTIME,)
) -> DevicePredictions:
    """What is predicted of some backbones."""
    question = PredictQuestion(device=DEVICE, backbones=names)
    return predict_on_device(question, measured, tuple(CATALOG), FEATURES, runtimes)


def test_what_was_measured_tells_of_what_was_not() -> None:
    wanted = SOME[20]
    told = asked([taken(name) for name in SOME[:16]], wanted, SOME[0])
    (setting,) = told.settings
    truth = taken(wanted).latency
    assert truth is not None
    assert [each.backbone for each in setting.predicted] == [wanted]
    assert setting.predicted[0].latency_ms.value == pytest.approx(truth.median_ms, rel=0.1)
    assert sorted(setting.rests_on) == sorted(SOME[:16])
    assert setting.latency_errors is not None
    assert told.suggested_sweep is None


def test_a_device_without_measurements_is_told_what_to_sweep() -> None:
    told = asked([], SOME[0])
    (setting,) = told.settings
    assert not setting.predicted
    assert [each.reason.code for each in setting.unpredicted] == [
        ReasonCode.PREDICTION_FEW_MEASURED
    ]
    assert setting.unpredicted[0].reason.figures == {"measured": 0, "needed": 8}
    sweep = told.suggested_sweep
    assert sweep is not None
    assert sweep.devices == (DEVICE,)
    assert len(set(sweep.backbones)) == 12


def test_the_sweep_for_another_number_of_threads_measures_what_one_thread_has() -> None:
    question = PredictQuestion(device=DEVICE, backbones=SOME[:1], threads=7)
    measured = [taken(name) for name in FEATURES if name in CATALOG]
    told = predict_on_device(question, measured, tuple(CATALOG), FEATURES, (Runtime.ONNXRUNTIME,))
    first = asked([], SOME[0]).suggested_sweep
    sweep = told.suggested_sweep
    assert first is not None
    assert sweep is not None
    assert (sweep.backbones, sweep.threads) == (first.backbones, (7,))


def test_where_a_setting_has_too_few_the_sweep_is_of_that_setting() -> None:
    few = [taken(name, threads=4) for name in SOME[:3]]
    both = (Runtime.PADDLELITE, Runtime.ONNXRUNTIME)
    sweep = asked(few, SOME[20], runtimes=both).suggested_sweep
    assert sweep is not None
    assert (sweep.runtimes, sweep.threads) == ((Runtime.ONNXRUNTIME,), (4,))
    # Of two settings the one that has enough is not measured again.
    enough = [taken(name) for name in SOME[:16]]
    sweep = asked([*few, *enough], SOME[20], runtimes=both).suggested_sweep
    assert sweep is not None
    assert sweep.threads == (4,)


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.DISTURBED},
        {"precision": Precision.FP16},
        {"batch": 4},
        {"emulator": "qemu"},
    ],
    ids=str,
)
def test_what_is_of_something_else_is_not_learned_from(changes: dict[str, Any]) -> None:
    told = asked([taken(name, **changes) for name in SOME[:16]], SOME[20])
    assert not any(setting.predicted for setting in told.settings)


def test_each_runtime_and_number_of_threads_is_predicted_by_itself() -> None:
    two = [taken(name, 0.5, threads=2) for name in SOME[:16]]
    told = asked([*(taken(name) for name in SOME[:16]), *two], SOME[20])
    one, both = told.settings
    assert (one.threads, both.threads) == (1, 2)
    ratio = both.predicted[0].latency_ms.value / one.predicted[0].latency_ms.value
    assert ratio == pytest.approx(0.5, rel=0.1)
    # With two threads the same backbones were measured, which tells nothing of another one.
    assert one.settings == ()
    more = asked([*(taken(name) for name in SOME[:16]), *two, taken(SOME[20], 0.5, threads=2)])
    assert len(more.settings[0].settings) == 1


def test_memory_is_told_by_what_networks_hold_and_latency_by_what_they_do() -> None:
    def held(name: str) -> float:
        return 50e6 + 8 * FEATURES[name].params + FEATURES[name].activations

    known = [
        taken(name, memory=MemoryFigures(peak_rss_bytes=int(held(name)), baseline_rss_bytes=0))
        for name in SOME[:16]
    ]
    evidence = gather(known, tuple(CATALOG), load_features(), {})
    fitted = fit_setting(Setting(DEVICE, known[0].runtime, known[0].threads), evidence)
    wanted = SOME[16:40]
    memory = fitted.memory.told(wanted, 0.9).predicted
    latency = fitted.latency.told(wanted, 0.9).predicted
    assert len(memory) == len(latency) >= 12
    off = [abs(each.value / held(each.backbone) - 1) for each in memory]
    assert max(off) < 0.05
    assert all(each.value < 1e4 for each in latency)


@pytest.mark.parametrize("confidence", [0.0, 0.49, 1.0, float("nan")])
def test_a_confidence_that_no_interval_has_is_refused(confidence: float) -> None:
    question = replace(PredictQuestion(device=DEVICE), confidence=confidence)
    with pytest.raises(EdgerankError) as refused:
        check_question(question)
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_what_came_quantised_is_not_predicted() -> None:
    with pytest.raises(EdgerankError) as refused:
        check_question(PredictQuestion(device=DEVICE, precision=Precision.INT8))
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_another_precision_is_predicted_by_itself_and_learns_from_fp32_which_does_not_from_it() -> (
    None
):
    int8 = Precision.INT8_DYNAMIC
    in_fp32 = [taken(name) for name in SOME]
    in_int8 = [taken(name, 0.5, precision=int8) for name in SOME[:12]]
    plain = PredictQuestion(device=DEVICE, backbones=SOME[20:21])
    truth = taken(SOME[20], 0.5).latency
    assert truth is not None

    def told(question: PredictQuestion, measured: list[Measurement]) -> DevicePredictions:
        runtimes = (Runtime.ONNXRUNTIME,)
        return predict_on_device(question, measured, tuple(CATALOG), FEATURES, runtimes)

    both = told(replace(plain, precision=int8), [*in_fp32, *in_int8])
    (setting,) = both.settings
    assert setting.precision is int8
    assert sorted(setting.rests_on) == sorted(SOME[:12])
    assert setting.settings == (f"{DEVICE}, onnxruntime, 1",)
    assert setting.predicted[0].latency_ms.value == pytest.approx(truth.median_ms, rel=0.05)
    some, every_int8 = in_fp32[:16], [taken(name, 0.5, precision=int8) for name in SOME]
    assert told(plain, [*some, *every_int8]) == told(plain, some)
    # Where too little is measured in it, that is what the sweep measures.
    sweep = told(replace(plain, precision=int8), in_fp32).suggested_sweep
    assert sweep is not None
    assert sweep.precisions == (int8,)


def test_beside_a_prediction_stands_the_top1_of_its_precision() -> None:
    both = asked([taken(name) for name in SOME[:16]], *SOME[20:22])
    known, unknown = SOME[20:22]
    top1s = {(known, Precision.FP32): 70.0, (unknown, Precision.FP16): 69.0}
    (setting,) = with_top1(both, top1s).settings
    assert {each.backbone: each.top1 for each in setting.predicted} == {known: 70.0, unknown: None}
