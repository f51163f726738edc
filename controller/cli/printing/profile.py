"""Profiles on the terminal: where the time of an inference goes."""

from collections.abc import Sequence
from itertools import islice

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.profiles import OperatorProfile
from controller.domain.quantities import format_latency
from controller.views.counting import counted
from controller.views.device_words import emulator_words
from controller.views.operator_times import (
    NS_PER_MS,
    OperatorTime,
    ProfileSummary,
    layers_ns,
    percent,
    slowest_layers,
)
from controller.views.reasons import sentence
from controller.views.settings_words import words_of
from models.catalog.precisions import Precision
from protos.measuring import LayerTime, OperatorTimes

TOP_LAYERS = 10


def print_profile(console: Console, summary: ProfileSummary, *, by_layer: bool) -> None:
    """Print the operators and the slowest layers, or every layer."""
    profile = summary.profile
    console.print(_heading(profile))
    console.print(_costs(summary))
    for mark in emulator_words(profile.emulator):
        console.print(Text(f"{mark}: times are those of another CPU", "yellow"))
    if profile.started_unready is not None:
        unready = sentence(profile.started_unready)
        console.print(Text(f"started although the device was not ready: {unready}", "yellow"))
    console.print()
    if by_layer:
        console.print(_layers(profile.times, len(profile.times.layers)))
        return
    console.print(_operators(summary.operators))
    console.print()
    console.print(_layers(profile.times, TOP_LAYERS))


def _heading(profile: OperatorProfile) -> Text:
    parts = [
        f"{profile.runtime.value} {profile.runtime_version}",
        counted(profile.threads, "thread"),
        "" if profile.precision is Precision.FP32 else profile.precision.value,
        f"{profile.input_size} px",
        "" if profile.batch == 1 else f"batch {profile.batch}",
        f"{profile.weights.value} weights",
        *words_of(profile.settings),
    ]
    what = f"{profile.backbone} on {profile.device}"
    return Text.assemble((what, "bold"), f"  {', '.join(filter(None, parts))}")


def _costs(summary: ProfileSummary) -> Text:
    """What an inference takes, how much of it the layers explain, and what profiling costs."""
    times = summary.profile.times
    return Text(
        f"{_ms(times.unprofiled_run_median_ns)} an inference; its layers take "
        f"{format_latency(summary.layers_ms)} ({summary.explained_percent:.0f} %). "
        f"With the profiler on it takes {_ms(times.run_median_ns)}. Medians of {times.run_count}.",
        style="dim",
    )


def _operators(operators: Sequence[OperatorTime]) -> Ledger:
    table = Ledger(
        "operator",
        Column("layers", is_right=True),
        Column("calls\nper run", is_right=True),
        Column("time per\nrun, ms", is_right=True),
        Column("share", is_right=True),
    )
    for each in operators:
        table.add_row(
            Text(each.operator),
            f"{each.layer_count:,}",
            f"{each.calls_per_run:,g}",
            f"{each.ms_per_run:,.3f}",
            f"{each.share_percent:.1f} %",
        )
    return table


def _layers(times: OperatorTimes, most: int) -> Ledger:
    count, whole_ns = len(times.layers), layers_ns(times)
    table = Ledger(
        "layer" if count <= most else f"slowest {most} of {count}",
        Column("operator"),
        Column("output"),
        Column("time per\nrun, ms", is_right=True),
        Column("share", is_right=True),
    )
    for layer in islice(slowest_layers(times), most):
        table.add_row(*_layer_row(layer, whole_ns))
    return table


def _layer_row(layer: LayerTime, whole_ns: int) -> tuple[Text, Text, Text, str, str]:
    return (
        Text(layer.name),
        Text(layer.operator),
        Text("\n".join(layer.output_shapes)),
        f"{layer.median_ns / NS_PER_MS:,.3f}",
        f"{percent(layer.median_ns, whole_ns):.1f} %",
    )


def _ms(duration_ns: int) -> str:
    return format_latency(duration_ns / NS_PER_MS)
