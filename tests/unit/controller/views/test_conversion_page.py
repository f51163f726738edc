"""The page of what converts says everything that the outcomes say, and nothing else.

`pages/converts-*.txt` are kept up to the tables of passes, which grow with the passes. When a page
was meant to change, write it anew and look at what differs:

    python -c "from tests.unit.controller.views import test_conversion_page as each;
    print(each.kept_part('float32'))" > tests/unit/controller/views/pages/converts-float32.txt
"""

import pytest

from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.views.conversions.page import conversion_page
from controller.views.conversions.rows import TARGETS
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.precisions import Precision
from models.catalog.stoppers import STOPPERS
from models.catalog.variants import Target
from models.passes import PASSES, PROGRAM_PASSES
from protos.inputs import square
from tests.unit.controller.samples.conversions import CRASH, made, missing, unkept, whole
from tests.unit.controller.samples.pages import kept

CATALOG = load_catalog()
STOPPED = "SwinTransformerV2_tiny_patch4_window8_256"
NAMES = ("ResNet18", "ResNet50", "ConvNeXt_tiny", "MobileNetV1", "PPLCNet_x1_0", STOPPED)
SOME = Catalog(backbone for backbone in CATALOG if backbone.name in NAMES)
SQUARED = ("square_by_product",)
SIMPLIFIED = (*SQUARED, "onnxslim")
FLOAT32 = (
    *whole("MobileNetV1", passes=("onnxslim",)),
    *whole("ResNet50", passes=("onnxslim",)),
    # The simplifier spoiled it, and it amplifies rounding.
    *whole("ResNet18", parity_tolerance=4e-3, max_relative_difference=2e-3),
    missing("ConvNeXt_tiny", Target.ARM),
    made("ConvNeXt_tiny", Target.X86, passes=SQUARED),
    made("ConvNeXt_tiny", Target.ANY, passes=SIMPLIFIED, seconds=15.0),
    *(
        missing(STOPPED, target, "no", ConversionResult.REFUSED, input_size=square(256))
        for target in TARGETS
    ),
)
"""One series after the other fails in another way; the last backbone was not asked for."""

PRECISIONS = (
    *whole("ResNet50", passes=("onnxslim",)),
    *whole("ResNet50", input_size=square(192), batch=4),
    made("ResNet50", Target.ARM, precision=Precision.FP16, top1_agreement=1.0),
    made("ResNet50", Target.ANY, precision=Precision.FP16, top1_agreement=0.5),
    made(
        "ResNet50",
        Target.ANY,
        precision=Precision.INT8_STATIC,
        top1_agreement=0.75,
        parity_input_count=16,
        seconds=3.2,
    ),
    made("ResNet50", Target.ANY, precision=Precision.INT8_DYNAMIC, top1_agreement=1.0),
    missing(
        "ResNet50",
        Target.X86,
        "too far",
        ConversionResult.REFUSED,
        precision=Precision.INT8_DYNAMIC,
    ),
)
PAGES = {"float32": FLOAT32, "precisions": PRECISIONS, "not-kept": tuple(unkept("ResNet50"))}


def page(*outcomes: ConversionOutcome, catalog: Catalog = CATALOG) -> str:
    return conversion_page(outcomes, catalog, {"paddlelite": "2.13rc0", "onnxslim": "0.1"})


def kept_part(name: str) -> str:
    """A page up to the tables of passes."""
    return page(*PAGES[name], catalog=SOME).partition("Before the export")[0].rstrip()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_is_kept(name: str) -> None:
    assert f"{kept_part(name)}\n" == kept(__file__, f"converts-{name}")


def test_rows_come_in_the_order_of_the_catalog_whatever_ended_first() -> None:
    text = page(*whole("MobileNetV1"), *whole("ResNet50"), *whole("PPHGNet_tiny"))
    order = [
        text.index(f"| {name} | 224 |") for name in ("PPHGNet_tiny", "ResNet50", "MobileNetV1")
    ]
    assert order == sorted(order)


def test_a_reason_stands_once_for_all_the_files_that_it_holds_for() -> None:
    lines = page(*(missing("ResNet50", target) for target in TARGETS)).splitlines()
    (told,) = (line for line in lines if line.startswith("- "))
    files, _, why = told.partition(": failed: ")
    assert [file.strip() for file in files.split(",")[1:]] == [
        "paddlelite arm",
        "paddlelite x86",
        "onnx any",
    ]
    assert why == CRASH


def test_what_the_figures_do_not_count_is_told_by_name_only_where_it_is_the_less() -> None:
    *most, last = [backbone.name for backbone in CATALOG]
    reduced = made(last, Target.ANY, precision=Precision.INT8_STATIC)
    everything_else = [
        made(name, Target.ANY, input_size=CATALOG.get(name).input_size) for name in most
    ]
    assert f"{len(CATALOG)} backbones: {last}.\n" in page(*everything_else, reduced)
    assert f"{len(CATALOG)} backbones.\n" in page(*whole("ResNet50"))


def test_a_page_of_fp32_alone_says_nothing_of_other_precisions() -> None:
    assert "## In fp" not in page(*whole("ResNet50"))
    assert "## In int8" not in page(*whole("ResNet50"))


def test_no_file_is_named_that_the_simplifier_spoiled_where_there_is_none() -> None:
    assert "by onnxslim.\n" in page(*whole("ResNet50", passes=("onnxslim",)))


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


def test_the_series_that_passes_name_are_in_the_catalog() -> None:
    known = {backbone.series for backbone in CATALOG}
    assert {series for each in (*PASSES, *PROGRAM_PASSES) for series in each.series} <= known
