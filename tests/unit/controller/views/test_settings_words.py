"""Candidates that were measured differently are told apart, and say what is not as usual."""

from dataclasses import replace
from typing import Any

import pytest

from controller.cli.printing.rankings.comparison import print_comparison
from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.results import print_results
from controller.domain.comparisons import Limits
from controller.domain.measurements import DelegationFigures, Measurement
from controller.domain.rankings import Constraints
from controller.domain.selectors import parse_selector
from controller.ranking.comparison import compare
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.entries import select_entries
from controller.ranking.ranking import rank
from controller.views.settings_words import settings_words
from controller.views.wording import candidate_name, headline
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from protos.inputs import ImageSize, square
from protos.measuring import MeasureSettings
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    PARTLY,
    catalog,
    measurement,
    settings,
)
from tests.unit.controller.samples.pages import printed

CHANGES: list[tuple[MeasureSettings, str]] = [
    (settings(cores=(0, 4, 5, 6, 7)), "cores 0,4-7"),
    (settings(cores=(3,)), "core 3"),
    (settings(flush_denormals=True), "denormals flushed"),
    (settings(paced_fps=29.97), "paced 29.97 fps"),
    (
        settings(onnxruntime=OnnxRuntimeOptions(graph_optimization=GraphOptimization.BASIC)),
        "basic graph optimization",
    ),
    (
        settings(onnxruntime=OnnxRuntimeOptions(graph_optimization=GraphOptimization.DISABLED)),
        "no graph optimization",
    ),
    (settings(onnxruntime=OnnxRuntimeOptions(spinning=False)), "no spinning"),
    (settings(onnxruntime=OnnxRuntimeOptions(arena=False)), "no arena"),
]
each_change = pytest.mark.parametrize(
    ("told", "words"), CHANGES, ids=[words for _, words in CHANGES]
)


XNNPACK = settings(onnxruntime=OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider"))


@each_change
def test_a_candidate_says_what_is_out_of_the_ordinary(told: MeasureSettings, words: str) -> None:
    measured = measurement("Good", settings=told)
    assert settings_words(measured) == (words,)
    assert distinction(measured) != Distinction()
    assert f", {words}, pretrained)" in candidate_name(measured)
    ranking = rank(DEVICE, [measured], Constraints(), catalog(Good=75))
    assert headline(ranking).endswith(f", {words})")


@pytest.mark.parametrize("told", [None, settings(), settings(onnxruntime=None)])
def test_what_is_as_usual_is_not_said(told: MeasureSettings | None) -> None:
    measured = measurement("Good", settings=told)
    assert settings_words(measured) == ()
    assert distinction(measured) == Distinction()
    assert candidate_name(measured).endswith("1 thread, pretrained)")


@each_change
def test_a_newer_measurement_replaces_an_older_one_of_the_same_settings_only(
    told: MeasureSettings, words: str
) -> None:
    usual = measurement("Good", 10, settings=settings(), measurement_id="usual")
    older = measurement("Good", 12, settings=told, measurement_id="older")
    newer = measurement("Good", 11, settings=told, measurement_id="newer")
    entries, left_out = select_entries([usual, older, newer], Constraints())
    assert [entry.id for entry in entries] == ["usual", "newer"], words
    assert left_out == []


@each_change
def test_a_comparison_pairs_what_was_measured_alike(told: MeasureSettings, words: str) -> None:
    before = [
        measurement("Good", 10, settings=settings(), sweep_id="a" * 12, measurement_id="1"),
        measurement("Good", 20, settings=told, sweep_id="a" * 12, measurement_id="2"),
    ]
    after = [measurement("Good", 21, settings=told, sweep_id="b" * 12, measurement_id="3")]
    found = compare(parse_selector("a" * 12), parse_selector("b" * 12), before, after, Limits())
    assert [(pair.a.measurement_id, pair.b.measurement_id) for pair in found.pairs] == [("2", "3")]
    assert [left.measurement.measurement_id for left in found.left_out] == ["1"], words


def across(onnx: MeasureSettings, lite: MeasureSettings) -> list[tuple[Measurement, Measurement]]:
    both = [
        measurement("Good", settings=onnx),
        measurement("Good", runtime=Runtime.PADDLELITE, settings=lite),
    ]
    a, b = parse_selector("runtime:onnxruntime"), parse_selector("runtime:paddlelite")
    return [(pair.a, pair.b) for pair in compare(a, b, both, both, Limits()).pairs]


def test_two_runtimes_pair_whatever_one_of_them_alone_was_told() -> None:
    told = settings(onnxruntime=OnnxRuntimeOptions(spinning=False))
    assert len(across(told, settings(Runtime.PADDLELITE))) == 1


def test_two_runtimes_on_other_cores_do_not_pair() -> None:
    on_core_0 = settings(cores=(0,))
    assert across(on_core_0, settings(Runtime.PADDLELITE)) == []
    assert len(across(on_core_0, settings(Runtime.PADDLELITE, cores=(0,)))) == 1


SMALL: dict[str, Any] = {
    "measurement_id": "small",
    "input_size": square(160),
    "precision": Precision.INT8_STATIC,
    "batch": 4,
}


@pytest.mark.parametrize(
    ("backbone", "input_size", "is_told"),
    [
        ("MobileNetV1", square(224), False),
        ("MobileNetV1", square(160), True),
        ("InceptionV4", square(299), False),
        ("InceptionV4", square(224), True),
        ("Mine", square(64), False),
        ("Mine", ImageSize(48, 192), True),
    ],
)
def test_a_size_that_is_not_the_backbones_own_is_told(
    backbone: str, input_size: ImageSize, is_told: bool
) -> None:
    measured = measurement(backbone, input_size=input_size)
    assert (f", {input_size} px, pretrained)" in candidate_name(measured)) is is_told


@pytest.mark.parametrize("show", ["ranking", "results", "comparison"])
def test_what_was_measured_of_one_backbone_is_told_apart_wherever_it_is_shown(show: str) -> None:
    both = [measurement("MobileNetV1"), measurement("MobileNetV1", **SMALL)]
    if show == "ranking":
        page = printed(print_ranking, rank(DEVICE, both, Constraints(), load_catalog()), width=120)
    elif show == "results":
        page = printed(print_results, both, width=120)
    else:
        a, b = parse_selector("runtime:onnxruntime"), parse_selector("before:2999-01-01")
        page = printed(print_comparison, compare(a, b, both, both, Limits()), width=120)
    assert page.count("int8-static, 160 px, batch 4") >= 1
    assert page.count("MobileNetV1") > page.count("int8-static, 160 px, batch 4")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "delegated as far as nobody knows"),
        (PARTLY, "partly delegated: 30 of 40 nodes, 90% of their time"),
        (replace(PARTLY, providers=PARTLY.providers[:1], is_full=True), "fully delegated"),
    ],
    ids=["unknown", "partly", "fully"],
)
def test_beside_a_provider_stands_how_much_it_ran(
    told: DelegationFigures | None, words: str
) -> None:
    measured = measurement("Good", settings=XNNPACK, delegation=told)
    assert settings_words(measured) == ("XnnpackExecutionProvider", words)
    assert distinction(measured) != Distinction()
    assert settings_words(measurement("Good", settings=settings(), delegation=told)) == ()
