"""A conversion ends in a table that says what is there and why the rest is not.

Tables are kept in `pages/conversions.txt`. When one was meant to change, write them anew and look
at what differs:

    python -c "from tests.unit.controller.cli.printing.test_conversions import *
    print(bound(pages()), end='')" > tests/unit/controller/cli/printing/pages/conversions.txt
"""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from controller.cli.convert import raise_if_not_made
from controller.cli.printing.conversions import MOST_WHOLE_ROWS, print_conversions
from controller.cli.printing.follow import follow_conversion
from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSnapshot
from controller.domain.errors import EdgerankError, ErrorCode
from controller.views.conversions.rows import TARGETS, conversion_rows
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Target, variants_of
from protos.inputs import square
from protos.reasons import ReasonCode, reason
from tests.unit.controller.samples.conversions import made, missing, unkept, whole
from tests.unit.controller.samples.pages import COLUMNS, bound, kept
from tests.unit.controller.samples.pages import printed as on_terminal

CATALOG = load_catalog()
RESNET50 = variants_of(CATALOG.get("ResNet50"))
CACHED = ConversionResult.CACHED
UNKEPT = unkept("ResNet50")
LONGEST = "SwinTransformerV2_large_patch4_window24_384_22kto1k"


def printed(*outcomes: ConversionOutcome) -> str:
    return on_terminal(print_conversions, conversion_rows(outcomes, CATALOG))


def pages() -> dict[str, str]:
    refused = [
        missing(LONGEST, target, "export: no", ConversionResult.REFUSED, input_size=square(384))
        for target in TARGETS
    ]
    failed = missing("ResNet18", Target.ANY)
    return {
        "ok, refused or failed, with seconds and reason": printed(
            *whole("ResNet50"), failed, *refused
        ),
        "what was checked and not kept is no failure": printed(*UNKEPT, failed),
        "what was found": printed(*whole("ResNet50", result=CACHED)),
        "what twins do not know": printed(
            made("ResNet50", Target.ARM, checked_through=CheckedThrough.X86_TWIN)
        ),
        "nor what half precision does": printed(
            made(
                "ResNet50",
                Target.ARM,
                precision=Precision.FP16,
                checked_through=CheckedThrough.FP32_AND_FP16_TWINS,
            )
        ),
    }


def test_conversions_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "conversions")


def test_a_table_fits_a_terminal_whatever_is_in_it() -> None:
    assert all(len(line) <= COLUMNS for page in pages().values() for line in page.splitlines())


def test_only_what_could_not_be_made_ends_in_an_error() -> None:
    raise_if_not_made([*whole("ResNet18"), *UNKEPT])
    with pytest.raises(EdgerankError, match="1 failed") as error:
        raise_if_not_made([*UNKEPT, missing("ResNet18", Target.ANY)])
    assert error.value.code is ErrorCode.EXECUTION


def test_a_line_of_what_was_not_kept_does_not_call_it_failed() -> None:
    snapshot = ConversionSnapshot(artifacts_total=3, artifacts_done=3, ended=tuple(UNKEPT))
    console = Console(file=io.StringIO(), width=200)
    follow_conversion([snapshot], console, dict.fromkeys(RESNET50, 3.0))
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.count("checked ") == told.count("not kept") == 3
    assert "failed" not in told


def test_accelerators_have_columns_where_they_were_asked_for() -> None:
    refused = missing("ResNet50", Target.NNAPI, "optimise: no", ConversionResult.REFUSED)
    text = printed(*whole("ResNet50"), made("ResNet50", Target.OPENCL), refused)
    assert "paddlelite nnapi: optimise: no" in text
    assert re.search(r"arm +x86 +opencl +nnapi", text)
    assert "opencl" not in printed(*whole("ResNet50"))


def test_of_many_rows_only_those_that_lack_a_file_are_shown() -> None:
    names = [backbone.name for backbone in CATALOG][: MOST_WHOLE_ROWS + 1]
    outcomes = [outcome for name in names[1:] for outcome in whole(name, result=CACHED)]
    text = printed(*outcomes, missing(names[0], Target.ANY))
    assert names[0] in text
    assert names[1] not in text
    assert f"{3 * MOST_WHOLE_ROWS} found" in text


def test_what_is_found_is_not_told_one_by_one_and_what_is_made_is() -> None:
    outcomes = (*whole("ResNet50", result=CACHED), *whole("ResNet18"))
    snapshots = [
        ConversionSnapshot(artifacts_total=6, artifacts_done=done, ended=(outcome,))
        for done, outcome in enumerate(outcomes, start=1)
    ]
    console = Console(file=io.StringIO(), width=200)
    costs = dict.fromkeys(RESNET50, 3.0)
    why = reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "AsOnnx"})
    snapshots[0] = replace(snapshots[0], left_out=(why,))
    assert follow_conversion(snapshots, console, costs) == outcomes
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.count("ResNet18") == 3
    assert "ResNet50" not in told
    assert told.count("left out: AsOnnx ") == 1
