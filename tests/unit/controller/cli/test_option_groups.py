"""Groups of options: titled in the help, one value each for the command."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import pytest
from click.testing import CliRunner

from controller.cli.options.failures import Command
from controller.cli.options.grouping import GroupedCommand, option_group
from controller.cli.options.profiling import (
    ProfiledInferences,
    ShownBy,
    ShownProfile,
    profiled_options,
    shown_options,
)
from controller.cli.options.ranking import RankedFigures, constraint_options, ranked_options
from controller.cli.options.sweeping import (
    MeasuringRules,
    SweptSettings,
    Urgency,
    measuring_options,
    swept_options,
    urgency_options,
)
from controller.cli.options.variants import WantedVariants, variant_options
from controller.cli.profile import profile
from controller.cli.rankings.best import best
from controller.cli.sweeps.plan import plan
from controller.cli.sweeps.sweep import sweep
from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime


def given(options: Callable[[Any], Any], *arguments: str) -> object:
    """The one value that a command with these options is given."""
    received: list[object] = []

    @click.command()
    @options
    def command(**values: object) -> None:
        received.extend(values.values())

    command.main(arguments, standalone_mode=False)
    (value,) = received
    return value


@dataclass(frozen=True, kw_only=True)
class Pair:
    left: int
    right: int


def pair_options(command: Command) -> Command:
    options = (click.option("--left", default=1), click.option("--right", default=2))
    return option_group("Both of them", "pair", Pair, *options)(command)


def test_a_group_is_one_value_and_a_title_in_the_help() -> None:
    assert given(pair_options, "--right", "7") == Pair(left=1, right=7)

    @click.command(cls=GroupedCommand)
    @pair_options
    def command(pair: Pair) -> None:
        """Take a pair."""

    lines = CliRunner().invoke(command, ["--help"]).output.splitlines()
    title = lines.index("Both of them:")
    assert [line.split()[0] for line in lines[title + 1 : title + 3]] == ["--left", "--right"]


def test_a_group_leaves_the_other_options_alone() -> None:
    received: list[tuple[Pair, str]] = []

    @click.command()
    @click.argument("name")
    @pair_options
    def command(name: str, pair: Pair) -> None:
        received.append((pair, name))

    command.main(["a"], standalone_mode=False)
    assert received == [(Pair(left=1, right=2), "a")]


@pytest.mark.parametrize(
    ("command", "more"),
    [(best, ["--all"]), (profile, []), (plan, []), (sweep, ["--print-file", "--no-follow"])],
    ids=["best", "profile", "plan", "sweep"],
)
def test_a_command_with_many_options_shows_them_below_titles(
    command: click.Command, more: list[str]
) -> None:
    _, _, others = CliRunner().invoke(command, ["--help"]).output.partition("\nOther options:\n")
    shown = [line.split()[0] for line in others.splitlines() if line.startswith("  --")]
    assert shown == [*more, "--controller", "--json", "--help"]


def test_what_is_swept() -> None:
    assert given(swept_options, "--models", "tier:mobile") == SweptSettings(
        names="tier:mobile",
        devices=(),
        runtimes=(),
        threads=(1,),
        accelerators=(),
        name="",
        fresh=False,
    )


def test_how_urgent_a_sweep_is() -> None:
    assert given(urgency_options) == Urgency(priority=0, deadline_unix_ms=None)
    told = ("--priority", "-3", "--deadline", "2026-11-27T06:00")
    assert given(urgency_options, *told) == Urgency(priority=-3, deadline_unix_ms=1_795_759_200_000)


def test_sustained_inference_is_measured_by_one_process_unless_told_otherwise() -> None:
    usual = MeasuringRules(
        fewest_repetitions=3,
        most_repetitions=10,
        relative_half_width=0.01,
        time_budget_ms=10_000,
        sentinel=True,
        sustained_minutes=0,
        paced_fps=0.0,
        time_ms=None,
    )
    assert given(measuring_options) == usual
    sustained = given(measuring_options, "--sustained", "10m")
    assert isinstance(sustained, MeasuringRules)
    assert (sustained.fewest_repetitions, sustained.most_repetitions) == (1, 1)
    assert sustained.sustained_minutes == 10
    told = given(measuring_options, "--sustained", "10m", "--repetitions", "3")
    assert isinstance(told, MeasuringRules)
    assert (told.fewest_repetitions, told.most_repetitions) == (3, 3)


@pytest.mark.parametrize(
    ("words", "bounds"), [("5", (5, 5)), ("1-20", (1, 20)), ("3-3", (3, 3)), ("3-10", (3, 10))]
)
def test_repetitions_are_a_range_or_one_number(words: str, bounds: tuple[int, int]) -> None:
    told = given(measuring_options, "--repetitions", words)
    assert isinstance(told, MeasuringRules)
    assert (told.fewest_repetitions, told.most_repetitions) == bounds


@pytest.mark.parametrize("words", ["0", "0-3", "4-3", "3-21", "-3", "3-", "three", "3-5-7", ""])
def test_what_is_no_range_of_repetitions_is_refused(words: str) -> None:
    told = CliRunner().invoke(sweep, ["--models", "A", "--repetitions", words])
    assert told.exit_code == 2


@pytest.mark.parametrize(
    ("words", "time_ms"), [("20m", 1_200_000), ("90s", 90_000), ("1.5h", 5_400_000)]
)
def test_the_time_of_a_sweep_is_read_in_the_units_that_people_wait_in(
    words: str, time_ms: int
) -> None:
    told = given(measuring_options, "--time", words)
    assert isinstance(told, MeasuringRules)
    assert told.time_ms == time_ms


def test_the_usual_variants() -> None:
    assert given(variant_options) == WantedVariants(
        precisions=(), input_sizes=(), batches=(), weights=WeightsKind.PRETRAINED
    )


def test_what_is_ranked_and_what_a_winner_has_to_satisfy() -> None:
    assert given(ranked_options, "--only", "wide") == RankedFigures(
        only=(Verdict.WIDE,),
        at_minute=None,
        paced_fps=None,
        accuracy_dataset=IMAGENET,
        include_emulated=False,
    )
    emulated = given(ranked_options, "--include-emulated")
    assert isinstance(emulated, RankedFigures)
    assert emulated.include_emulated
    assert given(constraint_options) == Constraints()
    told = ("--max-latency", "20ms", "--max-memory", "80MB", "--min-top1", "75")
    more = ("--tier", "mobile", "--runtime", "onnxruntime", "--threads", "2")
    assert given(constraint_options, *told, *more) == Constraints(
        max_latency_ms=20,
        max_memory_bytes=80_000_000,
        min_top1=75,
        tier=Tier.MOBILE,
        runtime=Runtime.ONNXRUNTIME,
        threads=2,
    )


def test_what_is_profiled_and_shown() -> None:
    assert given(profiled_options, "--precision", "int8-static") == ProfiledInferences(
        device=None,
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        precision=Precision.INT8_STATIC,
        input_size=None,
        batch=None,
        weights=WeightsKind.PRETRAINED,
        run_count=20,
    )
    assert given(shown_options, "--by", "layer") == ShownProfile(
        profile_id=None, by=ShownBy.LAYER, trace_path=None
    )


def test_a_member_that_there_is_not_is_refused_by_the_values_of_those_there_are() -> None:
    with pytest.raises(click.BadParameter, match="'pretrained', 'synthetic'"):
        given(variant_options, "--weights", "own")
