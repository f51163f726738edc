"""A conversion ends in a table of 80 columns that says what is there and why the rest is not."""

import io

import pytest
from rich.console import Console

from controller.cli.convert import raise_if_not_made
from controller.cli.printing.conversions import MOST_WHOLE_ROWS, print_conversions
from controller.cli.printing.follow import follow_conversion
from controller.domain.conversions import ConversionOutcome, ConversionResult, ConversionSnapshot
from controller.domain.errors import EdgerankError
from controller.views.conversion_rows import conversion_rows
from models.catalog.catalog import load_catalog
from models.catalog.variants import Target, variants_of
from tests.unit.controller.samples.conversions import CRASH, missing, unkept, whole

CATALOG = load_catalog()
RESNET50 = variants_of(CATALOG.get("ResNet50"))
CACHED = ConversionResult.CACHED
UNKEPT = unkept("ResNet50")


def printed(*outcomes: ConversionOutcome) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_conversions(console, conversion_rows(outcomes, CATALOG))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_row_says_ok_refused_or_failed_with_seconds_and_reason() -> None:
    long_name = "SwinTransformerV2_large_patch4_window24_384_22kto1k"
    refused = [
        missing(long_name, target, "export: no", ConversionResult.REFUSED, input_size=384)
        for target in (Target.ARM, Target.X86, Target.ANY)
    ]
    text = printed(*whole("ResNet50"), missing("ResNet18", Target.ANY), *refused)
    assert max(map(len, text.splitlines())) <= 80
    assert "ResNet50 fp32 224 1 ok ok ok 12" in " ".join(text.split())
    assert "ResNet18 fp32 224 1 - - failed 12" in " ".join(text.split())
    assert f"ResNet18, onnx any: {CRASH}" in " ".join(text.split())
    assert text.count("export: no") == 1
    assert "7 artifacts: 3 ok (3 made now, 0 found), 3 refused, 1 failed" in text


def test_what_was_checked_and_not_kept_is_no_failure() -> None:
    text = printed(*UNKEPT, missing("ResNet18", Target.ANY))
    assert "ResNet50 fp32 224 1 checked checked checked 12" in " ".join(text.split())
    assert "3 files were made and checked, and not kept" in text
    assert "4 artifacts: 0 ok (0 made now, 0 found), 3 checked and not kept, 0 refused, 1" in text


def test_only_what_could_not_be_made_ends_in_an_error() -> None:
    raise_if_not_made([*whole("ResNet18"), *UNKEPT])
    with pytest.raises(EdgerankError, match="0 of 4 artifacts were refused and 1 failed"):
        raise_if_not_made([*UNKEPT, missing("ResNet18", Target.ANY)])


def test_a_line_of_what_was_not_kept_does_not_call_it_failed() -> None:
    snapshot = ConversionSnapshot(artifacts_total=3, artifacts_done=3, ended=tuple(UNKEPT))
    console = Console(file=io.StringIO(), width=200)
    follow_conversion([snapshot], console, dict.fromkeys(RESNET50, 3.0))
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.count("checked ") == told.count("not kept") == 3
    assert "failed" not in told


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
    assert follow_conversion(snapshots, console, costs) == outcomes
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.count("ResNet18") == 3
    assert "ResNet50" not in told
