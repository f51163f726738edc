"""What is kept of predictions so that they can be judged, and what is none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from controller.domain.jobs import PlannedJob
from controller.domain.rankings.predictions import Predicted
from controller.fleet.rounds.expecting import expected_of
from controller.fleet.rounds.foretelling import (
    LastTold,
    PredictedPrior,
    Where,
    foretold,
    foretold_of,
    predicted_prior,
)
from controller.ranking.racing.beliefs import Prior
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from protos.inputs import ImageSize
from protos.runtimes import OnnxRuntimeOptions
from tests.unit.controller.fleet.test_expecting import DOES, NAMES, racing
from tests.unit.controller.samples.measurements import settings

CATALOG = load_catalog()
PREDICTED = Predicted(
    backbone="MobileNetV1", value=10.0, low=9.0, high=11.5, deviation=0.06, degrees=8
)
PHONE = Where("id-of-phone", settings().runtime, 2)


def planned(name: str = "MobileNetV1", device: str = "id-of-phone") -> PlannedJob:
    variant = Variant(name, Format.ONNX, Precision.FP32, Target.ANY, ImageSize(224, 224))
    return PlannedJob(device, variant, settings(threads=2))


def told(names: Sequence[str] = ("MobileNetV1",)) -> LastTold:
    last = LastTold()
    last.put(PHONE, [replace(PREDICTED, backbone=name) for name in names], 12)
    return last


def test_what_the_model_expects_is_kept_with_its_interval_and_what_it_knew() -> None:
    measured = NAMES[:14]
    expected = expected_of(racing(NAMES, measured), (), DOES, 0.01)
    kept = foretold_of(list(expected), expected)
    assert kept.keys() == expected.keys()
    for job_id, each in kept.items():
        assert each.low_ms <= each.median_ms <= each.high_ms
        assert each.median_ms == expected[job_id].median_ms
        assert (each.confidence, each.known_count) == (0.9, len(measured))


def test_what_an_earlier_sweep_measured_and_what_nobody_expects_is_no_prediction() -> None:
    measured, before, others = NAMES[:12], NAMES[12:16], NAMES[16:]
    earlier = [replace(each, has_ended=True) for each in racing(before, before)]
    expected = expected_of(racing(NAMES, measured), earlier, DOES, 0.01)
    ids = {name: f"{name} 1 fp32" for name in NAMES}
    assert {ids[name] for name in before} <= expected.keys()
    kept = foretold_of([*ids.values(), "nobody's"], expected)
    assert kept.keys() == expected.keys() & {ids[name] for name in others}


def test_of_what_is_not_ordered_nothing_is_kept() -> None:
    expected = {"a": predicted_prior(PREDICTED, 12), "b": predicted_prior(PREDICTED, 12)}
    assert foretold_of(["b"], expected) == {"b": foretold(PREDICTED, 12)}
    assert foretold_of(["c"], {"c": Prior(median_ms=10.0, deviation=0.06)}) == {}


def test_a_race_is_decided_as_by_the_same_expectation_without_more() -> None:
    prior = predicted_prior(PREDICTED, 12)
    assert isinstance(prior, PredictedPrior)
    assert (prior.median_ms, prior.deviation, prior.degrees) == (10.0, 0.06, 8)


def test_what_was_told_of_a_device_counts_for_each_sweep_that_would_measure_it() -> None:
    last = told(["MobileNetV1", "ResNet50"])
    for _ in range(2):
        # The first may not have begun, or was cancelled.
        found = last.told_of([planned(), planned(device="another")], CATALOG)
        assert found == {planned(): foretold(PREDICTED, 12)}
    found = last.told_of([planned("ResNet50")], CATALOG)
    assert found.keys() == {planned("ResNet50")}


@pytest.mark.parametrize(
    "odd",
    [
        {"precision": Precision.FP16},
        {"batch": 8},
        {"input_size": ImageSize(160, 160)},
        {"format": Format.PADDLELITE, "target": Target.NNAPI},
        {"backbone": "ResNet50"},
    ],
)
def test_what_is_made_otherwise_is_not_what_was_predicted(odd: dict[str, Any]) -> None:
    job = replace(planned(), variant=replace(planned().variant, **odd))
    assert told().told_of([job, planned()], CATALOG).keys() == {planned()}


@pytest.mark.parametrize(
    "odd",
    [
        {"threads": 1},
        {"cores": (1,)},
        {"flush_denormals": True},
        {"sustained_minutes": 2},
        {"onnxruntime": OnnxRuntimeOptions(arena=False)},
    ],
)
def test_what_is_measured_otherwise_is_not_what_was_predicted(odd: dict[str, Any]) -> None:
    job = replace(planned(), settings=replace(planned().settings, **odd))
    sentinel = replace(planned(), is_sentinel=True)
    assert told().told_of([job, sentinel, planned()], CATALOG).keys() == {planned()}


def test_what_is_predicted_anew_takes_the_place_of_all_that_was_before() -> None:
    last = told(["MobileNetV1", "ResNet50"])
    last.put(PHONE, [replace(PREDICTED, value=10.5)], 20)
    found = last.told_of([planned(), planned("ResNet50")], CATALOG)
    assert found == {planned(): foretold(replace(PREDICTED, value=10.5), 20)}


def test_of_so_many_settings_those_that_were_told_first_are_forgotten() -> None:
    last = told()
    for number in range(128):
        last.put(Where(f"device {number}", PHONE.runtime, 2), [PREDICTED], 12)
    assert last.told_of([planned()], CATALOG) == {}
    assert last.told_of([planned(device="device 127")], CATALOG)
