"""A ranking on the terminal, kept in `pages/ranking.txt`.

When a page was meant to change, write them anew and look at what differs:

    python -c "from tests.unit.controller.cli.printing.rankings.test_ranking import *
    print(bound(pages()), end='')" > tests/unit/controller/cli/printing/rankings/pages/ranking.txt
"""

from dataclasses import replace

import pytest

from controller.cli.printing.rankings.device import print_ranking
from controller.domain.measurements import Measurement, MemoryFigures, Verdict
from controller.domain.rankings import Constraints, Merit, Ranking
from controller.ranking.ranking import DatasetAccuracy, rank
from controller.views.sweeps.commands import sweep_command
from controller.views.wording import SYNTHETIC_NOTE, WIDE_NOTE, memory_range_words, notes
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    catalog,
    failed,
    figures,
    measurement,
    paced,
    settings,
    sustained,
)
from tests.unit.controller.samples.pages import COLUMNS, bound, kept, printed
from tests.unit.controller.samples.reasons import WIDE

WITHIN_20_MS = Constraints(max_latency_ms=20)
SHARED = reason(ReasonCode.CORES_SHARED, share=0.34)
TOLD = settings(relative_half_width=0.01)
MEASURED = (
    measurement("MobileNetV3_large_x1_0", 6.1, 0.04, top1=75.32),
    measurement("MobileNetV3_large_x1_0", 6.12, 0.04, top1=75.32, threads=2),
    measurement("PPLCNet_x1_0", 4.312, 0.04, top1=71.32, runtime=Runtime.PADDLELITE),
    measurement("MobileNetV1", 9.5, 0.04, top1=70.99),
    measurement("ReXNet_2_0", 19.5, 1, top1=81.22),
    failed("LeViT_128S"),
)
MARKED = (
    replace(MEASURED[0], weights=WeightsKind.SYNTHETIC, verdict=Verdict.WIDE, reasons=(WIDE,)),
    replace(MEASURED[2], latency=replace(figures(4.312), repetition_count=1)),
)
DOUBTFUL = (
    measurement("A", 5, top1=76, verdict=Verdict.WIDE, settings=TOLD, reasons=(WIDE,)),
    measurement("B", 6, top1=77, verdict=Verdict.WIDE, settings=TOLD, reasons=(WIDE,)),
    measurement("C", 7, top1=78, verdict=Verdict.DISTURBED, settings=TOLD, reasons=(SHARED,)),
    failed("D"),
)
UNKNOWN = (
    measurement("A", 5, top1=76),
    measurement("B", 6, top1=None),
    measurement("C", 6, top1=None, precision=Precision.INT8_STATIC),
    measurement("D", 6, top1=None, weights=WeightsKind.OWN),
    measurement("E", 6, top1=None, input_size=square(160), accuracy_input_size=square(224)),
    measurement("F", 6, top1=75, verdict=Verdict.THROTTLED),
)
MANY = catalog(**{f"Net{number:02}": 70 + number / 4 for number in range(20)})


def ranked(*measured: Measurement, within: Constraints = WITHIN_20_MS) -> Ranking:
    known = catalog(A=76, B=77, C=78, D=79, E=75, F=75)
    return rank(DEVICE, measured, within, known)


def rankings() -> dict[str, Ranking]:
    """What is printed, by the title of its page."""
    strict = Constraints(only=(Verdict.OK,))
    hot = sustained("A", {1: 10, 2: 12.5}, top1=76)
    flowers = DatasetAccuracy("flowers", {})
    return {
        "a winner with a tie, a front, losers and a failure": ranked(*MEASURED),
        "the fastest of those that are accurate enough": ranked(
            *MEASURED, within=Constraints(min_top1=71)
        ),
        "the best value, beside the most accurate and the fastest": ranked(
            *MEASURED, within=Constraints()
        ),
        "by latency without any known accuracy": ranked(
            *UNKNOWN, within=Constraints(by=Merit.LATENCY)
        ),
        "none qualifies": ranked(
            *MEASURED, within=Constraints(max_latency_ms=1, max_memory_bytes=30_000_000)
        ),
        "provenance and doubt are marked and explained": ranked(*MARKED),
        "none has a verdict that counts": ranked(*DOUBTFUL, within=strict),
        "doubt is counted in the first line": ranked(*DOUBTFUL, within=Constraints()),
        "only what was asked for counts": ranked(
            *DOUBTFUL, measurement("E", 4, top1=75), within=strict
        ),
        "what is not known of those that are left out": ranked(*UNKNOWN, within=Constraints()),
        "a minute of sustained inference": ranked(hot, within=Constraints(at_minute=2)),
        "on a clock, beside back to back": ranked(
            paced("A", 10, 25),
            paced("B", 5, 40),
            within=Constraints(max_latency_ms=30, paced_fps=30),
        ),
        "accuracy on another dataset": rank(
            DEVICE, [measurement("A", 5)], Constraints(), catalog(A=76), accuracy=flowers
        ),
        "nothing was measured": rank(DEVICE, [], Constraints(min_top1=71), MANY),
        "names are text": ranked(measurement("[red]Net[/red]")),
    }


def pages() -> dict[str, str]:
    shown = {title: printed(print_ranking, ranking) for title, ranking in rankings().items()}
    marks = ["emulated (qemu-user): latencies are those of another CPU"]
    emulated = printed(print_ranking, ranked(measurement("A", 5)), marks)
    return {**shown, "an emulated device is marked before its figures": emulated}


def test_rankings_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "ranking")


@pytest.mark.parametrize("width", [COLUMNS, 120])
def test_no_line_is_wider_than_the_terminal_but_the_command_to_copy(width: int) -> None:
    nothing = rank(DEVICE, [], Constraints(), load_catalog())
    for ranking in (*rankings().values(), nothing):
        suggested = ranking.suggested_sweep
        command = "" if suggested is None else sweep_command(suggested, ranking.constraints)
        for line in printed(print_ranking, ranking, width=width).splitlines():
            assert len(line) <= width or line.strip() == command


def test_a_command_to_copy_is_one_line() -> None:
    nothing = rank(DEVICE, [], Constraints(min_top1=75), load_catalog())
    assert nothing.suggested_sweep is not None
    command = sweep_command(nothing.suggested_sweep, nothing.constraints)
    assert f"\n  {command}\n" in printed(print_ranking, nothing)


def test_what_is_still_being_measured_is_counted_in_the_first_line() -> None:
    so_far = (reason(ReasonCode.STILL_MEASURED, repetitions=2),)
    underway = [
        measurement(name, median_ms, verdict=Verdict.WIDE, settings=TOLD, reasons=so_far)
        for name, median_ms in (("A", 5), ("B", 6))
    ]
    text = printed(print_ranking, ranked(*underway, measurement("E", 4, top1=75)))
    assert text.splitlines()[0].startswith(
        "Best on pi5 (at most 20 ms; 2 of 3 still being measured"
    )


def test_what_needs_no_explanation_gets_none() -> None:
    ranking = ranked(*MEASURED)
    assert ranking.winner is not None
    assert not {SYNTHETIC_NOTE, WIDE_NOTE} & set(notes(ranking.pareto_front))


def test_how_far_processes_differ_in_memory_is_written_where_they_do() -> None:
    memory = MemoryFigures(peak_rss_bytes=40_000_000, baseline_rss_bytes=60_000_000)
    told = {
        least: memory_range_words(
            measurement("Net", memory=replace(memory, least_peak_rss_bytes=least))
        )
        for least in (None, 40_000_000, 34_100_000)
    }
    assert told[None] == told[40_000_000] == ""
    assert told[34_100_000].split(" to ") == ["34.1 MB", "40.0 MB"]
    assert memory_range_words(failed("Net")) == ""


def test_what_is_left_out_for_one_reason_is_told_once_with_every_name() -> None:
    names = ("B", "C", "D")
    unknown = [measurement(name, top1=None, weights=WeightsKind.OWN) for name in names]
    page = printed(
        print_ranking, rank(DEVICE, [measurement("A"), *unknown], Constraints(), catalog())
    )
    text = " ".join(page.split())
    assert text.count("'edgerank accuracy import'") == 1
    assert all(f"{name} (onnxruntime" in text for name in names)
