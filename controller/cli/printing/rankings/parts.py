"""The parts of a report on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.views.report.parts import Part, Table


def print_parts(console: Console, parts: Iterable[Part]) -> None:
    """Print a report, its first heading without a line before it."""
    for place, part in enumerate(parts):
        if place == 0:
            console.print(Text(part.heading, style="bold"))
        else:
            print_heading(console, part.heading)
        for sentence in part.sentences:
            print_indented(console, Text(sentence))
        if part.table is not None:
            print_indented(console, _ledger(part.table))
        for point in part.points:
            print_indented(console, hanging(Text(point)))
        if part.command:
            # One unbroken line, so that it can be copied.
            console.print(Text(f"  {part.command}", style="bold"), soft_wrap=True)


def _ledger(table: Table) -> Ledger:
    name, *others = table.headings
    ledger = Ledger(name.text, *(Column(each.text, is_right=each.is_right) for each in others))
    for first, *cells in table.rows:
        ledger.add_row(first, *cells)
    return ledger
