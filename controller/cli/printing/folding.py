"""How parts of an answer stand below each other: headings, what is indented, what hangs."""

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def print_folded(console: Console, lines: Sequence[str]) -> None:
    """Print lines that were folded, each behind a dash; nothing without any."""
    if not lines:
        return
    console.print()
    for line in lines:
        console.print(hanging(Text(line)))


def hanging(text: Text) -> Table:
    """Put a text behind a dash, its lines below each other."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row("-", text)
    return grid


def print_heading(console: Console, heading: str) -> None:
    """Print what begins a part, apart from the one before."""
    console.print()
    console.print(Text(heading, style="bold"))


def print_indented(console: Console, content: RenderableType) -> None:
    """Print what belongs to a heading."""
    console.print(Padding(content, (0, 0, 0, 2)))
