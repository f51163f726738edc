"""Predictions on the terminal: each with its interval, what they rest on, and what is missing."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.quantities import format_interval, format_latency
from controller.domain.rankings import Constraints
from controller.domain.rankings.predicted import (
    DevicePredictions,
    MeasuredBackbone,
    PredictedSetting,
    UnpredictedBackbone,
)
from controller.views.counting import first_of
from controller.views.reasons import sentence
from controller.views.reasons.predicting import (
    earlier_words,
    errors_words,
    latency_words,
    memory_words,
    rests_words,
    setting_words,
)
from controller.views.sweeps.commands import sweep_command

_MOST_NAMED = 8
# Twice as many as a first sweep measures are named; of hundreds --json tells all.
_MOST_RESTED_ON = 24


def print_predictions(
    console: Console, told: DevicePredictions, asked: Collection[str] = ()
) -> None:
    """Print predictions so that nobody takes them for measurements.

    Of those that are `asked` for by name it is said where they were measured.
    """
    title = f"Predicted on {told.device}, not measured; {told.confidence:.0%} intervals"
    console.print(Text(title, style="bold"))
    for setting in told.settings:
        _print_setting(console, setting)
        _print_measured(console, [each for each in setting.measured if each.backbone in asked])
    if told.suggested_sweep is not None:
        console.print()
        console.print(Text("These backbones tell most about the device:"))
        command = Text(sweep_command(told.suggested_sweep, Constraints()))
        # One unbroken line, so that it can be copied.
        console.print(command, soft_wrap=True)


def _print_setting(console: Console, setting: PredictedSetting) -> None:
    print_heading(console, setting_words(setting))
    if setting.predicted:
        ledger = Ledger(
            "Predicted",
            Column("latency", is_right=True),
            Column("interval", is_right=True),
            Column("memory", is_right=True),
            Column("interval", is_right=True),
        )
        for each in setting.predicted:
            ledger.add_row(
                each.backbone, *latency_words(each.latency_ms), *memory_words(each.peak_rss_bytes)
            )
        console.print(ledger)
        for line in (rests_words(setting, _MOST_RESTED_ON), *errors_words(setting)):
            print_indented(console, hanging(Text(line, style="dim")))
    if setting.predicted or setting.earlier_errors is not None:
        line = earlier_words(setting.earlier_errors)
        print_indented(console, hanging(Text(line, style="dim")))
    _print_unpredicted(console, setting.unpredicted)


def _print_measured(console: Console, measured: Iterable[MeasuredBackbone]) -> None:
    for each in measured:
        interval = format_interval(each.low_ms, each.high_ms)
        figure = f"{format_latency(each.latency_ms)} {interval}"
        words = f"Measured here, so not predicted: {each.backbone}: {figure}"
        print_indented(console, hanging(Text(words)))


def _print_unpredicted(console: Console, unpredicted: Iterable[UnpredictedBackbone]) -> None:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for each in unpredicted:
        by_reason[sentence(each.reason)].append(each.backbone)
    for why, names in by_reason.items():
        shown = first_of(names, _MOST_NAMED)
        print_indented(console, hanging(Text(f"Not predicted: {shown}: {why}")))
