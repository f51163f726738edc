"""How far off predictions were that were made before what they are of was measured."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.measurements import Verdict
from controller.domain.rankings.predictions import EarlierErrors, Foretold, MeasuredLater
from controller.ranking.racing.earlier import Judged, judged
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Target
from protos.inputs import ImageSize
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import settings

CATALOG = {each.name: each for each in load_catalog()}
NAMES = ("MobileNetV1", "MobileNetV2", "ResNet50", "PPLCNet_x1_0")
HERE = Judged(settings().runtime, 1)


def later(
    measured_ms: float, predicted_ms: float = 10.0, name: str = "MobileNetV1", **told: Any
) -> MeasuredLater:
    """Predicted within a tenth, and measured then."""
    foretold = {
        "median_ms": predicted_ms,
        "low_ms": predicted_ms / 1.1,
        "high_ms": predicted_ms * 1.1,
        "confidence": 0.9,
        "known_count": 12,
    }
    return MeasuredLater(
        backbone=name,
        foretold=Foretold(**(foretold | told)),
        median_ms=measured_ms,
        verdict=Verdict.OK,
        settings=settings(threads=1),
        precision=Precision.FP32,
        target=Target.ANY,
        input_size=CATALOG[name].input_size,
        batch=1,
        emulator="",
    )


def errors(*predicted: MeasuredLater) -> EarlierErrors:
    (found,) = judged(predicted, CATALOG).values()
    return found


def test_errors_are_relative_to_what_was_measured_and_the_worst_is_named() -> None:
    found = errors(
        later(10.0, known_count=12),
        later(8.0, name="ResNet50", known_count=40),
        later(12.5, name="MobileNetV2", known_count=20),
    )
    assert (found.count, found.least_known, found.most_known) == (3, 12, 40)
    assert found.median == pytest.approx(0.2)
    assert found.mean == pytest.approx((0 + 0.25 + 0.2) / 3)
    assert found.within_interval == pytest.approx(1 / 3)
    assert found.promised == pytest.approx(0.9)
    assert (found.worst.backbone, found.worst.measured_ms) == ("ResNet50", 8.0)


def test_each_setting_is_told_apart() -> None:
    two = replace(later(12.5), settings=settings(threads=2))
    lite = replace(later(20.0), settings=settings(threads=1, runtime=Runtime.PADDLELITE))
    found = judged([later(10.0), two, lite], CATALOG)
    assert {(each.runtime, each.threads): told.count for each, told in found.items()} == {
        (settings().runtime, 1): 1,
        (settings().runtime, 2): 1,
        (Runtime.PADDLELITE, 1): 1,
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"verdict": Verdict.DISTURBED},
        {"verdict": Verdict.THROTTLED},
        {"emulator": "qemu"},
        {"precision": Precision.INT8},
        {"batch": 8},
        {"input_size": ImageSize(32, 32)},
        {"backbone": "somebody's own"},
        {"settings": settings(threads=1, cores=(2,))},
        {"settings": settings(threads=1, sustained_minutes=5)},
    ],
)
def test_nothing_is_judged_by_figures_that_predictions_are_not_made_of(odd: dict[str, Any]) -> None:
    assert judged([replace(later(99.0), **odd)], CATALOG) == {}
    assert errors(later(10.0), replace(later(99.0), **odd)).worst.measured_ms == 10.0


def test_where_nothing_was_predicted_nothing_is_told() -> None:
    assert judged([], CATALOG) == {}


def test_one_prediction_is_judged_once_by_what_was_measured_first() -> None:
    found = errors(later(12.5), later(10.0), later(10.0, name="ResNet50"), later(11.0, 10.5))
    assert found.count == 3
    assert found.worst.measured_ms == 12.5


times = st.floats(1e-3, 1e6)
pairs = st.lists(st.tuples(st.sampled_from(NAMES), times, times), min_size=1, max_size=30)


def each_its_own(told: Sequence[tuple[str, float, float]]) -> list[MeasuredLater]:
    """Predictions that are not the same one, also where they tell the same."""
    return [
        later(measured, predicted, name, known_count=12 + number)
        for number, (name, measured, predicted) in enumerate(told)
    ]


@given(pairs)
def test_what_is_told_of_any_predictions_holds_together(
    told: Sequence[tuple[str, float, float]],
) -> None:
    found = errors(*each_its_own(told))
    assert found.count == len(told)
    assert 0 <= found.median <= found.worst.error
    assert 0 <= found.mean <= found.worst.error * (1 + 1e-9)
    assert 0 <= found.within_interval <= 1
    inside = sum(p / 1.1 <= m <= p * 1.1 for _, m, p in told)
    assert math.isclose(found.within_interval, inside / len(told))
    assert (found.worst.backbone, found.worst.measured_ms, found.worst.predicted_ms) in set(told)


@given(pairs, st.floats(1e-2, 1e2))
def test_a_slower_device_that_is_predicted_as_much_slower_is_judged_alike(
    told: Sequence[tuple[str, float, float]], times_slower: float
) -> None:
    here = errors(*each_its_own(told))
    there = errors(
        *each_its_own([(name, m * times_slower, p * times_slower) for name, m, p in told])
    )
    assert there.median == pytest.approx(here.median, rel=1e-6, abs=1e-9)
    assert there.mean == pytest.approx(here.mean, rel=1e-6, abs=1e-9)


@given(pairs)
def test_the_order_in_which_things_were_predicted_changes_nothing(
    told: Sequence[tuple[str, float, float]],
) -> None:
    predicted = each_its_own(told)
    forth, back = errors(*predicted), errors(*reversed(predicted))
    assert forth.worst.error == back.worst.error
    assert forth.mean == pytest.approx(back.mean)
    assert (forth.median, forth.within_interval) == (back.median, back.within_interval)
