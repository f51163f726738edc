"""The tables of a page: every dataclass and every described enum of the schemas, once each.

A table stands between the line that names it, `<!-- table: Ranking -->`, and `<!-- end -->`. Others
link to the heading above it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tools.schemas.generation import Schema
from tools.schemas.kinds import Kinds, values_of

_HEADING: Final = re.compile(r"##+ (.+)")
_START: Final = re.compile(r"<!-- table: (\w+) -->")
_END: Final = "<!-- end -->"
_TABLE: Final = re.compile(rf"^{_START.pattern}\n(?:(?!<!--).*\n)*{_END}$", re.MULTILINE)


class PageInvalid(ValueError):
    """The page has not the tables that the schemas need; the message says which and where."""


def fill(page: str, definitions: Mapping[str, Schema]) -> str:
    """Return the page with its tables made anew.

    Args:
        page: text of the page, in Markdown.
        definitions: every dataclass and enum of the schemas, by its name.

    Raises:
        PageInvalid: a table is missing, there twice, of nothing, without an end or a heading.
    """
    links = _links(page)
    _refuse_differences(
        marked=set(links),
        whole=set(_TABLE.findall(page)),
        wanted={name for name, definition in definitions.items() if _has_table(definition)},
    )
    kinds = Kinds(definitions=definitions, links=links)

    def table(found: re.Match[str]) -> str:
        start = found[0].splitlines()[0]
        return "\n".join((start, *_table(definitions[found[1]], kinds), "", _END))

    return _TABLE.sub(table, page)


def _links(page: str) -> dict[str, str]:
    """Return a link to each table, by its name: [core cluster](#core-cluster)."""
    links: dict[str, str] = {}
    heading = None
    for line in page.splitlines():
        if found := _HEADING.fullmatch(line):
            heading = found[1]
        elif start := _START.fullmatch(line):
            if heading is None or start[1] in links:
                raise PageInvalid(f"{line} has no heading, or is there twice")
            links[start[1]] = _link(heading)
    return links


def _link(heading: str) -> str:
    anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
    starts_with_acronym = heading[1:2].isupper()
    text = heading if starts_with_acronym else heading[0].lower() + heading[1:]
    return f"[{text}](#{anchor})"


def _has_table(definition: Schema) -> bool:
    return "properties" in definition or "enumDescriptions" in definition


def _refuse_differences(marked: set[str], whole: set[str], wanted: set[str]) -> None:
    for name in sorted(wanted - marked):
        raise PageInvalid(
            f"the page has no table of {name}; give it a heading, and below that the lines "
            f"<!-- table: {name} --> and {_END}"
        )
    for name in sorted(marked - wanted):
        raise PageInvalid(f"the page has a table of {name}, which no document needs; remove it")
    for name in sorted(marked - whole):
        raise PageInvalid(f"the table of {name} has no {_END}")


def _table(definition: Schema, kinds: Kinds) -> Iterator[str]:
    yield from (definition["description"], "")
    if "properties" in definition:
        yield from ("| field | type | meaning |", "| --- | --- | --- |")
        for name, field in definition["properties"].items():
            yield _row(f"`{name}`", kinds.words(field), field["description"])
    else:
        yield from ("| value | meaning |", "| --- | --- |")
        for value, meaning in zip(
            values_of(definition), definition["enumDescriptions"], strict=True
        ):
            yield _row(value, meaning)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
