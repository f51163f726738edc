"""Measurements on the terminal, as a table."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import print_folded
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.measurements import Measurement, Verdict
from controller.views.counting import counted
from controller.views.device_words import emulator_words
from controller.views.input_words import images_words
from controller.views.reasons.folding import folded_reasons
from controller.views.settings_words import energy_words, paced_words, settings_words
from controller.views.wording import latency_words, memory_words
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind

_STYLES: Final = {Verdict.OK: "green", Verdict.FAILED: "red"}


def print_results(console: Console, measurements: Sequence[Measurement]) -> None:
    """Print measurements in their order, then why their verdicts are not ok, each reason once.

    Where they are of several sweeps, each is told with its own.
    """
    if not measurements:
        console.print(Text("nothing was measured of that"))
        return
    table = Ledger(
        "backbone",
        Column("median [95 % interval]", is_right=True),
        Column("memory", is_right=True),
        Column("verdict"),
    )
    are_of_several = len({each.sweep_id for each in measurements}) > 1
    for each in measurements:
        name = Text(each.backbone)
        sweep = f", sweep {each.sweep_id}" if are_of_several else ""
        name.append(f"\n  {each.device}, {_how(each)}{sweep}", style="dim")
        for beside in (paced_words(each), *energy_words(each)):
            name.append(f"\n  {beside}" if beside else "")
        verdict = Text(each.verdict.value, style=_STYLES.get(each.verdict, "yellow"))
        table.add_row(name, latency_words(each), memory_words(each), verdict)
    console.print(table)
    told = ((f"{each.backbone} on {each.device}", each.reasons) for each in measurements)
    print_folded(console, folded_reasons(told, "figure"))


def _how(measurement: Measurement) -> str:
    """Say runtime and threads, and what is not as usual."""
    return ", ".join(
        (
            measurement.runtime.value,
            counted(measurement.threads, "thread"),
            *([] if measurement.precision is Precision.FP32 else [measurement.precision.value]),
            *images_words(measurement.backbone, measurement.input_size, measurement.batch),
            *settings_words(measurement),
            *([] if measurement.weights is WeightsKind.PRETRAINED else [measurement.weights.value]),
            *_outputs(measurement),
            *emulator_words(measurement.emulator),
        )
    )


def _outputs(measurement: Measurement) -> Iterator[str]:
    """Say how far the outputs were off on the device; where nobody looked, a reason says so."""
    if measurement.outputs is not None:
        yield f"outputs off by {measurement.outputs.max_relative_difference:.1e}"
