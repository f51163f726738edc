"""The catalog on one device: measured and predicted latency, each in a column of its own."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.quantities import format_interval, format_latency
from controller.domain.rankings.on_device import BackboneOnDevice, BackbonesOnDevice
from controller.views.counting import counted
from controller.views.reasons import sentence
from controller.views.reasons.predicting import latency_words


def print_on_device(console: Console, told: BackbonesOnDevice) -> None:
    """Print so that nobody takes a prediction for a measurement."""
    setting = f"{told.runtime.value}, {counted(told.threads, 'thread')}, fp32"
    console.print(Text(f"{told.device}: {setting}", style="bold"))
    ledger = Ledger(
        "backbone",
        Column("top-1\n%", is_right=True),
        Column("measured", is_right=True),
        Column("interval", is_right=True),
        Column("predicted", is_right=True),
        Column("interval", is_right=True),
    )
    for each in told.backbones:
        top1 = each.backbone.top1
        ledger.add_row(
            each.backbone.name,
            "-" if top1 is None else f"{top1:.2f}",
            *_measured(each),
            *_predicted(each),
        )
    console.print(ledger)
    legend = (
        f"~ was not measured: {told.confidence:.0%} of the intervals beside it are to hold what "
        "will be. 'edgerank predict' tells what that rests on."
    )
    console.print(hanging(Text(legend, style="dim")))
    missing = Counter(
        sentence(each.unpredicted) for each in told.backbones if each.unpredicted is not None
    )
    for why, count in missing.most_common():
        console.print(hanging(Text(f"{counted(count, 'backbone')} not predicted: {why}")))


def _measured(each: BackboneOnDevice) -> tuple[str, str]:
    if each.measured is None:
        return "-", ""
    found = each.measured
    return format_latency(found.latency_ms), format_interval(found.low_ms, found.high_ms)


def _predicted(each: BackboneOnDevice) -> tuple[str, str]:
    if each.predicted_latency_ms is None:
        return "" if each.measured is not None else "-", ""
    return latency_words(each.predicted_latency_ms)
