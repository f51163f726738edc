"""The page of what converts: one row a series, every refusal with its reason."""

from __future__ import annotations

import math
from pathlib import Path

from models import survey
from models.catalog import Backbone, load_catalog
from models.passes import PASSES
from models.pipeline import Converted, Parity, Refused
from models.survey import TOOLS, conversion_page, smallest_of_each_series
from models.tools import tool_versions
from models.variants import WeightsKind, fp32_variants
from models.weights import Weights

BACKBONE = load_catalog().get("ConvNeXt_tiny")
PAGE = Path(survey.__file__).parents[1] / "docs" / "conversion.md"


def fates(backbone: Backbone) -> list[Converted | Refused]:
    weights = Weights(WeightsKind.SYNTHETIC, backbone.architecture, "ab", "seed 0", None, None)
    arm, x86, onnx = fp32_variants(backbone)
    return [
        Refused(arm, "paddle_lite", "the child died by SIGSEGV, saying nothing", 1.0),
        *(
            Converted(
                variant=variant,
                conversion_key="cd",
                weights=weights,
                path=Path("file"),
                sha256="ef",
                size_bytes=1,
                parity=Parity(2.04e-6, 1e-4, 4, "own format"),
                tool_versions={},
                seconds=12.4,
                passes=("square_by_product",),
            )
            for variant in (x86, onnx)
        ),
    ]


def test_a_row_says_how_near_each_target_came_and_what_was_rewritten() -> None:
    page = conversion_page([(BACKBONE, fates(BACKBONE))], {"paddlelite": "2.13rc0"})
    assert (
        "| ConvNeXt | ConvNeXt_tiny | 224 | refused | ok, 2.0e-06 | ok, 2.0e-06 "
        "| square_by_product | 12 |\n"
    ) in page
    assert "Tools: paddlelite 2.13rc0.\n" in page


def test_a_refusal_is_told_with_its_step_and_reason() -> None:
    page = conversion_page([(BACKBONE, fates(BACKBONE))], {})
    assert (
        "## Refused\n\n- ConvNeXt_tiny, paddlelite arm: paddle_lite: the child died by SIGSEGV"
    ) in page


def test_every_pass_is_on_the_page_with_its_operator() -> None:
    page = conversion_page([], {})
    for each in PASSES:
        assert f"| {each.name} | `{each.operator}` |" in page


def test_a_series_that_cannot_be_converted_is_on_the_page_with_what_stops_it() -> None:
    page = conversion_page([], {})
    assert "| SwinTransformerV2 | paddlelite, onnx | paddleclas 2.6.0 | its forward" in page


def test_each_series_sends_its_cheapest_backbone() -> None:
    chosen = smallest_of_each_series(load_catalog())
    assert len(chosen) == len({b.series for b in load_catalog()})
    for backbone in chosen:
        rivals = [b for b in load_catalog() if b.series == backbone.series]
        costs = [b.counted_flops_g or b.flops_g or math.inf for b in rivals]
        assert (backbone.counted_flops_g or backbone.flops_g) == min(costs)


def test_the_committed_page_is_of_these_series_and_these_tools() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for backbone in smallest_of_each_series(load_catalog()):
        assert f"| {backbone.series} | {backbone.name} | {backbone.input_size} |" in page
    for package, version in tool_versions(TOOLS).items():
        assert f"{package} {version}" in page


def test_the_series_that_passes_name_are_in_the_catalog() -> None:
    known = {backbone.series for backbone in load_catalog()}
    assert {series for each in PASSES for series in each.series} <= known
