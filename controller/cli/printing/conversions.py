"""The outcomes of a conversion on the terminal."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.conversions import (
    ConversionOutcome,
    ConversionResult,
    is_made,
    lacks_published_weights,
)
from controller.views.conversions.rows import (
    TARGETS,
    ConversionRow,
    not_kept_note,
    reasons,
    twins_note,
)
from controller.views.counting import counted
from controller.views.reasons.failing import WITHOUT_WEIGHTS, in_log
from models.catalog.variants import Target

MOST_WHOLE_ROWS = 20
"""Up to how many rows those are shown too in which every file is there."""

_HEADINGS = {
    Target.ARM: "Lite\narm",
    Target.X86: "Lite\nx86",
    Target.OPENCL: "Lite\nopencl",
    Target.NNAPI: "Lite\nnnapi",
    Target.ANY: "ONNX",
}
_STYLES = {"ok": "green", "checked": "cyan", "refused": "yellow", "failed": "red"}


def print_conversions(console: Console, rows: Sequence[ConversionRow]) -> None:
    """Print backbone x file, why a file is not there, and how many ended in which way.

    Of many rows only those are shown in which a file is not there.
    """
    many = len(rows) > MOST_WHOLE_ROWS
    shown = [row for row in rows if not (many and row.is_whole)]
    if shown:
        console.print(_table(shown))
    for row in shown:
        for reason, outcomes in reasons(row).items():
            files = ", ".join(
                f"{outcome.format.value} {outcome.target.value}" for outcome in outcomes
            )
            way_on = WITHOUT_WEIGHTS if lacks_published_weights(outcomes[0]) else ""
            told = f"{row.backbone}, {files}: {reason}{way_on}{in_log(outcomes[0].log_id)}"
            console.print(Text(told))
    if note := not_kept_note(rows):
        console.print(Text(note))
    if note := twins_note(rows):
        console.print(Text(note))
    console.print(Text(_summary(rows)))


def _table(rows: Sequence[ConversionRow]) -> Ledger:
    # Of accelerators there are columns where somebody asked for them.
    asked = {target for row in rows for target in row.by_target}.union(TARGETS)
    targets = [target for target in _HEADINGS if target in asked]
    table = Ledger(
        "backbone",
        Column("precision"),
        Column("px", is_right=True),
        Column("batch", is_right=True),
        *(Column(_HEADINGS[target]) for target in targets),
        Column("s", is_right=True),
        gap=1,
    )
    for row in rows:
        table.add_row(
            Text(row.backbone),
            row.precision.value,
            str(row.input_size),
            str(row.batch),
            *(_fate(row.by_target.get(target)) for target in targets),
            f"{row.seconds:.0f}",
        )
    return table


def _fate(outcome: ConversionOutcome | None) -> Text:
    if outcome is None:
        return Text("-", style="dim")
    word = "ok" if is_made(outcome) else outcome.result.value
    return Text(word, style=_STYLES[word])


def _summary(rows: Sequence[ConversionRow]) -> str:
    outcomes = [outcome for row in rows for outcome in row.by_target.values()]
    results = Counter(outcome.result for outcome in outcomes)
    made, found = results[ConversionResult.STORED], results[ConversionResult.CACHED]
    unkept = results[ConversionResult.CHECKED]
    not_kept = f"{unkept} checked and not kept, " if unkept else ""
    return (
        f"{counted(len(outcomes), 'artifact')}: "
        f"{made + found} ok ({made} made now, {found} found), {not_kept}"
        f"{results[ConversionResult.REFUSED]} refused, {results[ConversionResult.FAILED]} failed"
    )
