"""The parts of a report on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.views.report.parts import Part, Table


def print_parts(console: Console, parts: Iterable[Part]) -> None:
    """Print a report, its first heading without a line before it."""
    first, *others = parts
    console.print(Text(first.heading, style="bold"))
    _print_body(console, first)
    print_parts_below(console, others)


def print_parts_below(console: Console, parts: Iterable[Part]) -> None:
    """Print parts that stand below others, a line before each heading."""
    for part in parts:
        print_heading(console, part.heading)
        _print_body(console, part)


def _print_body(console: Console, part: Part) -> None:
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
