"""The page of what converts says everything that the outcomes say, and nothing else."""

from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.views.conversion_page import conversion_page
from models.catalog.catalog import load_catalog
from models.catalog.stoppers import STOPPERS
from models.catalog.variants import Precision, Target
from models.passes import PASSES, PROGRAM_PASSES
from tests.unit.controller.samples.conversions import CRASH, made, missing, unkept, whole

CATALOG = load_catalog()
STOPPED = "SwinTransformerV2_tiny_patch4_window8_256"
CONVNEXT = [
    missing("ConvNeXt_tiny", Target.ARM),
    made("ConvNeXt_tiny", Target.X86, passes=("square_by_product",)),
    made("ConvNeXt_tiny", Target.ANY, passes=("square_by_product", "onnxslim"), seconds=15.0),
]


def page(*outcomes: ConversionOutcome) -> str:
    return conversion_page(outcomes, CATALOG, {"paddlelite": "2.13rc0", "onnxslim": "0.1"})


def test_a_row_says_how_near_each_file_came_and_what_was_rewritten() -> None:
    text = page(*CONVNEXT)
    assert (
        "| ConvNeXt | ConvNeXt_tiny | 224 | failed | ok, 2.0e-06 | ok, 2.0e-06 "
        "| square_by_product | 15 |\n"
    ) in text
    assert "Tools: paddlelite 2.13rc0, onnxslim 0.1.\n" in text
    assert "with synthetic weights" in text
    assert "over 4 inputs" in text


def test_rows_come_in_the_order_of_the_catalog_whatever_ended_first() -> None:
    text = page(*whole("MobileNetV1"), *whole("ResNet50"), *whole("PPHGNet_tiny"))
    places = [text.index(f"| {name} | 224 |") for name in ("PPHGNet_tiny", "ResNet50")]
    assert places == sorted(places)
    assert text.index("| ResNet50 | 224 |") < text.index("| MobileNetV1 | 224 |")


def test_the_figures_count_those_that_can_be_built_and_both_runtimes() -> None:
    stopped = [
        missing(STOPPED, target, "no", ConversionResult.REFUSED, input_size=256)
        for target in (Target.ARM, Target.X86, Target.ANY)
    ]
    text = page(*whole("ResNet50"), *whole("ResNet18"), *CONVNEXT, *stopped)
    assert "2 of the 3 backbones that can be built (66.7 %) have checked files" in text
    assert "Of 4 backbones tried, 1 cannot be built." in text
    assert "| ResNet | 2 | 2 | 2 | 2 | 2 |\n" in text
    assert "| ConvNeXt | 1 | 1 | 0 | 1 | 0 |\n" in text
    assert "| SwinTransformerV2 | 1 | 0 | 0 | 0 | 0 |\n" in text


def test_a_reason_stands_once_for_all_the_files_that_it_holds_for() -> None:
    outcomes = [missing("ResNet50", target) for target in (Target.ARM, Target.X86, Target.ANY)]
    lines = [line for line in page(*outcomes).splitlines() if line.startswith("- ")]
    assert lines == [
        f"- ResNet50 224 px, paddlelite arm, paddlelite x86, onnx any: failed: {CRASH}"
    ]


def test_what_was_checked_and_not_kept_counts_as_checked_and_is_told() -> None:
    text = page(*unkept("ResNet50"))
    assert "1 of the 1 backbones that can be built (100.0 %)" in text
    assert "3 files were made and checked, and not kept" in text
    assert "## Refused and failed" not in text


def test_each_precision_has_a_section_with_its_agreement() -> None:
    reduced = made(
        "ResNet50", Target.ANY, precision=Precision.INT8_STATIC, top1_agreement=0.75, seconds=3.2
    )
    refused = missing(
        "ResNet50",
        Target.X86,
        "too far",
        ConversionResult.REFUSED,
        precision=Precision.INT8_DYNAMIC,
    )
    dynamic = made("ResNet50", Target.ANY, precision=Precision.INT8_DYNAMIC, top1_agreement=1.0)
    text = page(*whole("ResNet50"), reduced, refused, dynamic)
    static = section(text, "In int8-static")
    assert "| backbone | px | batch | ONNX | top-1 | s |\n" in static
    assert "| ResNet50 | 224 | 1 | ok, 2.0e-06 | 3/4 | 3 |\n" in static
    assert "1 of the 1 files asked for are ok. The tolerance is 0.0001. Top-1 is" in static
    assert "| ResNet50 | 224 | 1 | refused | ok, 2.0e-06 | 4/4 | 12 |\n" in section(
        text, "In int8-dynamic"
    )
    assert "1 of the 2 files asked for are ok." in section(text, "In int8-dynamic")
    assert "- ResNet50 int8-dynamic 224 px, paddlelite x86: refused: too far" in text
    assert "1 of the 1 backbones" in text


def test_an_agreement_that_differs_is_told_by_file() -> None:
    files = [
        made("ResNet50", target, precision=Precision.FP16, top1_agreement=agreement)
        for target, agreement in ((Target.ARM, 1.0), (Target.ANY, 0.5))
    ]
    assert "| Paddle Lite arm 4/4, ONNX 2/4 | 12 |\n" in section(page(*files), "In fp16")


def test_other_sizes_and_batches_of_fp32_have_no_agreement() -> None:
    text = page(*whole("ResNet50", input_size=192, batch=4))
    row = "| ResNet50 | 192 | 4 | ok, 2.0e-06 | ok, 2.0e-06 | ok, 2.0e-06 | 12 |\n"
    assert row in section(text, "In fp32, other sizes and batches")
    assert "top-1" not in section(text, "In fp32, other sizes and batches")


def test_what_the_figures_do_not_count_is_told_by_name_only_where_it_is_the_less() -> None:
    *most, last = [backbone.name for backbone in CATALOG]
    reduced = made(last, Target.ANY, precision=Precision.INT8_STATIC)
    words = "not asked for in float32 at batch 1 and the evaluation size: {} of the catalog's "
    everything_else = [
        made(name, Target.ANY, input_size=CATALOG.get(name).input_size) for name in most
    ]
    text = page(*everything_else, reduced)
    assert words.format(1) + f"{len(CATALOG)} backbones: {last}.\n" in text
    text = page(*whole("ResNet50"))
    assert words.format(len(most)) + f"{len(CATALOG)} backbones.\n" in text


def test_the_inputs_of_every_precision_are_told() -> None:
    more = made("ResNet50", Target.ANY, precision=Precision.INT8_STATIC, parity_input_count=16)
    assert "over 4 or 16 inputs" in page(*whole("ResNet50"), more)


def section(text: str, heading: str) -> str:
    """What stands between a heading and the next one."""
    return text.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def test_a_page_of_fp32_alone_says_nothing_of_other_precisions() -> None:
    assert "## In fp" not in page(*whole("ResNet50"))
    assert "## In int8" not in page(*whole("ResNet50"))


def test_files_that_the_simplifier_spoiled_are_named() -> None:
    simplified = [made("ResNet50", Target.ANY, passes=("onnxslim",)), made("ResNet18", Target.ANY)]
    assert "simplified by onnxslim, except of ResNet18 224 px:" in page(*simplified)
    assert "simplified by onnxslim.\n" in page(simplified[0])


def test_every_pass_and_every_stopped_series_is_on_the_page() -> None:
    text = page()
    before, after = text.split("In the exported program, for one tool and precision only:")
    for each in PASSES:
        assert f"| {each.name} | `{each.operator}` |" in before
    for each in PROGRAM_PASSES:
        assert f"| {each.name} | `{each.operator}` |" in after
    for stopper in STOPPERS:
        assert f"| {stopper.series} |" in text
        assert stopper.reason in text


def test_a_tolerance_is_shown_where_a_network_amplifies_rounding() -> None:
    wide = made("ResNet50", Target.ANY, parity_tolerance=4e-3, max_relative_difference=2e-3)
    text = page(wide, made("ResNet50", Target.X86))
    assert "| ok, 2.0e-06 | ok, 2.0e-03 of 4.0e-03 |" in text
    assert "That of float32 is 0.0001, and shown where" in " ".join(text.split())


def test_the_series_that_passes_name_are_in_the_catalog() -> None:
    known = {backbone.series for backbone in CATALOG}
    assert {series for each in (*PASSES, *PROGRAM_PASSES) for series in each.series} <= known
