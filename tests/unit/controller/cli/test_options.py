"""What a person types is read exactly, or refused with what would be right."""

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner

from controller.cli.access.token import create
from controller.cli.options.backbones import read_backbones
from controller.cli.options.ranking import read_axes
from controller.cli.options.start_gate import gate_options, read_charge
from controller.cli.options.values import (
    read_batches,
    read_deadline,
    read_devices,
    read_input_sizes,
    read_input_values,
    read_only,
    read_percentage,
    read_precisions,
    read_runtimes,
    read_threads,
    read_tier,
)
from controller.domain.errors import EdgerankError
from controller.domain.measurements import Verdict
from controller.domain.rankings.limits import Criterion
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier, select_tier
from protos.inputs import ImageSize, InputValues, square
from protos.measuring import StartGate
from protos.runtimes import Runtime

CATALOG = load_catalog()


def test_names_and_tiers_mix_and_each_backbone_comes_once() -> None:
    mobile = [backbone.name for backbone in select_tier(CATALOG, Tier.MOBILE)]
    chosen = [b.name for b in read_backbones(f"MobileNetV1, tier:mobile,{mobile[0]}", CATALOG)]
    assert chosen == ["MobileNetV1", *mobile]


def test_lists_are_read() -> None:
    assert read_devices("all") == ()
    assert read_devices("a, b,a") == ("a", "b")
    assert read_devices("soc=rk3588,a") == ("soc=rk3588", "a")
    assert read_devices("a,all") == ()
    assert read_deadline("2026-11-27T06:00") == 1_795_759_200_000
    assert read_deadline("2026-11-27T07:00+01:00") == 1_795_759_200_000
    assert read_threads("1,2,1") == (1, 2)
    assert read_input_sizes("192, 192x48,256X256,192") == (
        square(192),
        ImageSize(192, 48),
        square(256),
    )
    assert read_input_values("scale_factor=1, 0.5") == InputValues(
        name="scale_factor", values=(1, 0.5)
    )
    assert read_batches("4") == (4,)
    assert read_precisions("int8-static,fp16,fp16") == (Precision.INT8_STATIC, Precision.FP16)
    assert read_precisions("all") == tuple(Precision)
    assert read_runtimes("onnxruntime") == (Runtime.ONNXRUNTIME,)
    assert [read_percentage(text) for text in ("1.5%", "7%", "2e1%")] == [0.015, 0.07, 0.2]
    assert read_charge("30%") == 30
    assert read_only("disturbed, ok,disturbed") == (Verdict.OK, Verdict.DISTURBED)


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_threads, "0", "write them as 1 or 1,2,4"),
        (read_threads, "two", "write them as 1 or 1,2,4"),
        (read_threads, "-1", "write them as 1 or 1,2,4"),
        (read_threads, "9" * 5000, "are no thread counts from 1 to 256"),
        (read_input_sizes, "1025", "each 1 to 1024 pixels"),
        (read_input_sizes, "0x32", "192x48 for height x width"),
        (read_input_sizes, "32x", "192x48 for height x width"),
        (read_input_values, "scale=1,", "NAME=VALUE"),
        (read_input_values, "1,1", "NAME=VALUE"),
        (read_input_values, f"x={','.join('1' * 65)}", "at most 64 numbers"),
        (read_batches, "1,65", "are no batches from 1 to 64"),
        (read_precisions, "int4", "no precision is named 'int4'; there are fp32, fp16"),
        (read_runtimes, "tflite", "there are paddlelite, onnxruntime"),
        (read_only, "failed", "there are ok, wide, disturbed, throttled"),
        (read_only, "hot", "'hot' is no verdict of a figure"),
        (read_tier, "phone", "there are mobile, desktop, server"),
        (read_percentage, "2", "write it as 2%"),
        (read_percentage, "x%", "write it as 2%"),
        (read_percentage, "nan%", "write it as 2%"),
        (read_percentage, "1e999%", "write it as 2%"),
        (read_charge, "30.5%", "write it as 30%"),
        (read_devices, ",", "the list is empty"),
        (read_deadline, "tomorrow", "write 2026-11-27T06:00 in UTC"),
        (read_deadline, "8", "8h from now"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(
    read: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(EdgerankError, match=sentence):
        read(text)


def gate_of(*arguments: str) -> StartGate:
    """What a command with the options of a gate is given."""
    given: list[StartGate] = []

    @click.command()
    @gate_options
    def command(gate: StartGate) -> None:
        given.append(gate)

    command.main(arguments, standalone_mode=False)
    return given[0]


def test_a_gate_has_conditions_unless_told_otherwise() -> None:
    assert gate_of() == StartGate(
        max_celsius=60, max_load_by_others=1.25, min_battery_percent=20, deadline_ms=60_000
    )


def test_each_condition_of_a_gate_can_be_set_or_left_out() -> None:
    set_ones = ("--max-temperature", "45C", "--max-load", "50%", "--min-battery", "30%")
    assert gate_of(*set_ones, "--start-deadline", "5s") == StartGate(
        max_celsius=45, max_load_by_others=0.5, min_battery_percent=30, deadline_ms=5_000
    )
    left_out = ("--max-temperature", "none", "--max-load", "none", "--min-battery", "none")
    assert gate_of(*left_out) == StartGate(deadline_ms=60_000)
    assert gate_of(*left_out, "--strict-start").is_strict


@pytest.mark.parametrize(
    ("option", "text", "sentence"),
    [
        ("--max-temperature", "45", "a temperature needs a unit, '45' has none: write 45C"),
        ("--max-temperature", "113F", "'F' is no unit of a temperature: write 45C"),
        ("--max-temperature", "-3C", "a temperature must be above 0"),
        ("--max-load", "0.5", "write it as 2%"),
        ("--min-battery", "no", "write it as 2%"),
        ("--start-deadline", "60", "needs a unit"),
    ],
)
def test_a_condition_that_cannot_be_read_says_how_to_write_it(
    option: str, text: str, sentence: str
) -> None:
    with pytest.raises(click.BadParameter, match=sentence):
        gate_of(option, text)


def test_a_front_is_of_figures_alone() -> None:
    assert read_axes("latency,top1") == (Criterion.LATENCY, Criterion.TOP1)
    with pytest.raises(
        EdgerankError, match="no figure is named 'tier'; there are latency,"
    ) as said:
        read_axes("latency,tier")
    assert "series" not in str(said.value)


def test_a_token_is_for_as_many_devices_as_may_be() -> None:
    refused = CliRunner().invoke(create, ["--uses", "99999999999"])
    assert refused.exit_code == 2
    assert "--uses" in refused.output
    assert "10000" in refused.output
