"""Tables lose no name and no figure at any width from 40 columns on."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from controller.cli.printing.ledger import Column, Ledger

WIDTHS = range(40, 121)
COLUMNS = (Column("ms", is_right=True), Column("median [95 % interval]"), Column("verdict"))
_words = st.text(
    st.characters(whitelist_categories=("L", "N"), min_codepoint=33), min_size=1, max_size=60
)
_figures = st.text(st.sampled_from("0123456789.[,] msMB"), max_size=30)


def drawn(rows: Sequence[Sequence[str]], width: int) -> str:
    table = Ledger("backbone", *COLUMNS)
    for name, *cells in rows:
        table.add_row(name, *cells)
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def without_space(text: str) -> str:
    return "".join(text.split())


@given(
    st.lists(st.tuples(_words, _figures, _figures, _figures), min_size=1, max_size=4),
    st.sampled_from(WIDTHS),
)
def test_every_name_and_figure_is_there_at_every_width(
    rows: list[tuple[str, str, str, str]], width: int
) -> None:
    page = drawn(rows, width)
    assert all(cell_len(line) <= width for line in page.splitlines())
    for cell in (cell for row in rows for cell in row):
        assert without_space(cell) in without_space(page)


@pytest.mark.parametrize("name", ["PPLCNet_x1_0", "夜間モデル", "Сеть", "[bold]Net[/bold]"])
def test_a_name_is_printed_as_it_is(name: str) -> None:
    assert name in drawn([(name, "1", "2", "3")], 80)


def test_a_long_name_stands_above_its_figures_which_stay_in_their_columns() -> None:
    long = "N" * 60
    lines = drawn([("Net", "1", "2", "ok"), (long, "3", "4", "ok")], 80).splitlines()
    heading, short, alone, figures = lines
    assert alone == long
    assert heading.index("median") == short.index("2") == figures.index("4")


def test_figures_without_room_beside_each_other_are_below_each_other() -> None:
    page = drawn([("Net", "1.23", "12.3 ms", "unstable")], 40)
    assert [line.split()[0] for line in page.splitlines()] == ["Net", "ms", "median", "verdict"]
