"""A page whose tables are made anew."""

import re

import pytest

from tests.unit.tools.schemas.orchard import Basket
from tools.schemas.generation import Schema, schema_of
from tools.schemas.page import PageInvalid, fill


def tables(*named: tuple[str, str]) -> str:
    return "".join(
        f"## {heading}\n<!-- table: {name} -->\nold\n<!-- end -->\nkept\n\n"
        for heading, name in named
    )


NAMED = (
    ("Basket", "Basket"),
    ("UV-proof fruit", "Fruit"),
    ("How soft", "Ripeness"),
    ("Why", "Reason"),
    ("Reason code", "ReasonCode"),
)
PAGE = f"# Orchard\nkept\n\n{tables(*NAMED)}"


@pytest.fixture(scope="module")
def definitions() -> dict[str, Schema]:
    found: dict[str, Schema] = schema_of("orchard", Basket)["$defs"]
    return found


def rows(page: str, name: str) -> list[list[str]]:
    table = re.findall(rf"<!-- table: {name} -->\n(.*?)\n<!-- end -->", page, re.DOTALL)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [line[2:-2].split(" | ") for line in lines[2:]]


def test_fields_have_their_kinds_and_meanings(definitions: dict[str, Schema]) -> None:
    page = fill(PAGE, definitions)
    assert [row[:2] for row in rows(page, "Fruit")] == [
        ["`name`", "text"],
        ["`weight_g`", "number or null"],
        ["`seed_count`", "whole number"],
        ["`is_sweet`", "true, false or null"],
        ["`ripeness`", "[how soft](#how-soft) or null"],
        ["`colours`", "list of `red`, `green` or empty"],
        ["`prices`", "object of numbers"],
        ["`rings`", "list of list of whole numbers"],
        ["`flaws`", "list of [why](#why)"],
    ]
    assert rows(page, "Fruit")[4][2] == "how soft it is"


def test_a_heading_keeps_its_acronym(definitions: dict[str, Schema]) -> None:
    assert (
        rows(fill(PAGE, definitions), "Basket")[1][1] == "list of [UV-proof fruit](#uv-proof-fruit)"
    )


def test_values_have_their_meanings(definitions: dict[str, Schema]) -> None:
    assert rows(fill(PAGE, definitions), "Ripeness") == [
        ["`hard`", ""],
        ["`soft`", r"It falls \| is picked"],
    ]


def test_the_rest_of_the_page_is_kept(definitions: dict[str, Schema]) -> None:
    page = fill(PAGE, definitions)
    assert page.count("kept") == PAGE.count("kept")
    assert "old" not in page.split()
    assert fill(page, definitions) == page


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (tables(*NAMED[1:]), "no table of Basket"),
        (tables(*NAMED, ("Colour", "Colour")), "table of Colour"),
        (tables(*NAMED, ("Again", "Fruit")), "twice"),
        (PAGE.replace("## Basket\n", "").replace("# Orchard\n", ""), "no heading"),
        (PAGE.replace("old\n<!-- end -->", "old", 1), "Basket has no <!-- end -->"),
        (PAGE.removesuffix("<!-- end -->\nkept\n\n"), "ReasonCode has no <!-- end -->"),
    ],
)
def test_a_page_with_other_tables_is_refused(
    definitions: dict[str, Schema], page: str, problem: str
) -> None:
    with pytest.raises(PageInvalid, match=problem):
        fill(page, definitions)
