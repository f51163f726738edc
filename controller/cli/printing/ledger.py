"""Tables that lose no name and no figure, however narrow the terminal is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

LEAST_NAME_WIDTH: Final = 16
"""Cells that names have beside the figures, or those have no room beside each other."""
_INDENT: Final = "  "


@dataclass(frozen=True)
class Column:
    """What stands above figures; those of numbers are flush right."""

    heading: str
    is_right: bool = False


class Ledger:
    """A name a row, with its figures beside it.

    A name that has no room beside the figures has a line of its own above them. Where the figures
    have no room beside each other, each is on a line of its own behind its heading. Cells may have
    several lines; those of a name behind the first one are details, below the figures where they
    have no room beside them.
    """

    def __init__(self, name: str, *columns: Column, gap: int = 2) -> None:
        self._name = name
        self._columns = columns
        self._gap = gap
        self._rows: list[tuple[Text, list[Text]]] = []

    def add_row(self, name: str | Text, *cells: str | Text) -> None:
        """Add a row; a cell for each column."""
        self._rows.append((_text(name), [_text(cell) for cell in cells]))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is room."""
        widths = [
            max(_width(cell) for cell in cells)
            for cells in zip(
                [Text(column.heading) for column in self._columns],
                *(cells for _, cells in self._rows),
                strict=True,
            )
        ]
        longest = max(map(_width, (Text(self._name), *(name for name, _ in self._rows))))
        room = options.max_width - sum(width + self._gap for width in widths)
        if room < min(longest, LEAST_NAME_WIDTH):
            yield from self._below(console, options.max_width)
        else:
            yield from self._beside(console, options.max_width, min(room, longest), widths)

    def _beside(
        self, console: Console, whole: int, room: int, widths: Sequence[int]
    ) -> Iterator[Text]:
        name, *headings = _bottom([self._name, *(column.heading for column in self._columns)])
        yield from self._lines(name, headings, room, widths)
        for name, cells in self._rows:
            head, *details = name.split("\n")
            beside = Text("\n").join(details)
            if head.cell_len > room:
                yield from head.wrap(console, whole, overflow="fold")
            else:
                beside = Text("\n").join([head, *details])
            if _width(beside) <= room:
                details = []
            else:
                beside = head if head.cell_len <= room else Text()
            if any(cell.plain for cell in (beside, *cells)):
                yield from self._lines(beside, cells, room, widths)
            for detail in details:
                yield from detail.wrap(console, whole, overflow="fold")

    def _lines(
        self, name: Text, cells: Sequence[Text], room: int, widths: Sequence[int]
    ) -> Iterator[Text]:
        for of_name, *of_cells in zip_longest(
            *(cell.split("\n") for cell in (name, *cells)), fillvalue=Text()
        ):
            line = of_name.copy()
            line.pad_right(room - line.cell_len)
            for column, cell, width in zip(self._columns, of_cells, widths, strict=True):
                blank = width - cell.cell_len
                line.append(" " * (self._gap + (blank if column.is_right else 0)))
                line.append_text(cell)
                line.append(" " * (0 if column.is_right else blank))
            line.rstrip()
            yield line

    def _below(self, console: Console, whole: int) -> Iterator[Text]:
        for name, cells in self._rows:
            yield from name.wrap(console, whole, overflow="fold")
            for column, cell in zip(self._columns, cells, strict=True):
                if cell.plain:
                    heading = " ".join(column.heading.split())
                    told = Text.assemble((f"{heading} " if heading else "", "dim"))
                    told.append_text(Text(", ").join(cell.split("\n")))
                    for line in told.wrap(console, whole - len(_INDENT), overflow="fold"):
                        yield Text(_INDENT).append_text(line)


def _bottom(headings: Sequence[str]) -> list[Text]:
    """Let headings end on the same line, above what they are of."""
    most = max(heading.count("\n") for heading in headings)
    return [
        Text("\n" * (most - heading.count("\n")) + heading, style="bold") for heading in headings
    ]


def _text(cell: str | Text) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def _width(cell: Text) -> int:
    return max((line.cell_len for line in cell.split("\n")), default=0)
