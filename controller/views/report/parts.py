"""What a report consists of, whether a terminal shows it or a Markdown file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """What stands above a column; those of numbers are flush right."""

    text: str
    is_right: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of texts below their headings, as many cells as headings."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a report: a heading, sentences, a table, points, a command to copy.

    Attributes:
        heading: what it is about; the first one is the report's title.
        sentences: paragraphs.
        table: None without one.
        points: a list, below the table.
        command: what a person can run; empty without.
    """

    heading: str
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    points: tuple[str, ...] = ()
    command: str = ""
