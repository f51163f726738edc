"""Reports as Markdown, of the flavour that GitHub reads."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from controller.views.report.parts import Part, Table
from protos.names import printable

# What begins something inside a line; an underscore within a word is one.
_SPECIAL: Final = re.compile(r"([\\`*\[\]<>|~&])")


def markdown(parts: Iterable[Part]) -> str:
    """Write a report: its first part under a title, the others under headings below."""
    written = (_part(part, "#" if place == 0 else "##") for place, part in enumerate(parts))
    return "\n\n".join(written) + "\n"


def inert(text: str) -> str:
    """Write a text so that nothing in it is markup, and nothing ends its line or its cell."""
    return _SPECIAL.sub(r"\\\1", printable(text.replace("\n", " ")))


def _part(part: Part, mark: str) -> str:
    return "\n\n".join(_blocks(part, mark))


def _blocks(part: Part, mark: str) -> Iterator[str]:
    yield f"{mark} {inert(part.heading)}"
    yield from map(inert, part.sentences)
    if part.table is not None:
        yield _table(part.table)
    if part.points:
        yield "\n".join(f"- {inert(point)}" for point in part.points)
    if part.command:
        yield f"```sh\n{printable(part.command)}\n```"


def _table(table: Table) -> str:
    rules = ["---:" if heading.is_right else ":---" for heading in table.headings]
    rows = [[inert(cell) for cell in row] for row in table.rows]
    return "\n".join(map(_row, ([inert(each.text) for each in table.headings], rules, *rows)))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
