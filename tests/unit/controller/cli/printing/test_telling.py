"""A line is printed as it is: whole, and with every character of a name; waiting is said."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.text import Text

from controller.cli.accuracy import print_datasets
from controller.cli.printing.follow import follow_conversion
from controller.cli.printing.telling import SILENT_S, print_line
from controller.domain.catalog import AccuracyMetric, Dataset
from controller.domain.conversions import ConversionSnapshot
from controller.domain.sweeps import Activity, ActivityKind
from models.catalog.precisions import Precision
from tests.unit.controller.cli.printing.test_follow import Terminal
from tests.unit.controller.samples.conversions import whole
from tests.unit.controller.samples.pages import printed

# What a terminal's markup, its names of smileys, and its width would each take something of.
NAMES = ("flowers[v2]", "[red]roses", ":rose: 2026", "花[夏]", f"{'deep/' * 30}page.html")


@pytest.mark.parametrize("name", NAMES)
def test_a_line_keeps_every_character_and_stays_one(name: str) -> None:
    line = f"report written to {name}"
    assert printed(print_line, line, width=40) == f"{line}\n"
    assert printed(print_line, Text(line), width=40) == f"{line}\n"


@pytest.mark.parametrize("name", NAMES[:4])
def test_a_dataset_is_listed_by_its_whole_name(name: str) -> None:
    dataset = Dataset(
        name=name,
        backbone_count=2,
        figure_count=2,
        metrics=(AccuracyMetric.TOP1,),
        precisions=(Precision.FP32,),
        of_other_files=("Mine",),
    )
    page = printed(print_datasets, (dataset,))
    assert page.count(name) == 2


def test_a_conversion_says_what_it_waits_for_and_nothing_of_what_has_ended() -> None:
    terminal = Terminal(is_terminal=False)
    converting = Activity(kind=ActivityKind.CONVERTING, backbone="ResNet50", step="export")
    waiting = "still waiting for weights, or for room to convert"

    def half_minute() -> Iterator[None]:
        terminal.now_s += SILENT_S
        yield None

    def conversion() -> Iterator[ConversionSnapshot | None]:
        begun = ConversionSnapshot(artifacts_total=3, artifacts_done=0, activity=converting)
        yield from half_minute()
        assert terminal.lines == [f"0/0 artifacts  {waiting}"]
        yield begun
        yield from half_minute()
        assert terminal.lines[-1] == "0/3 artifacts  still ResNet50: export"
        yield replace(begun, artifacts_done=3, activity=None, ended=tuple(whole("ResNet50")))
        yield from half_minute()
        assert terminal.lines[-1] == f"3/3 artifacts  {waiting}"

    follow_conversion(conversion(), terminal.console, {})
