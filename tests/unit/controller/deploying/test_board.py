"""What a board says is read, whatever it says, and never more than that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import parse_board
from tests.unit.controller.deploying.boards import PRINTED, RASPBERRY_PI

NOW_S = 1_700_000_000.0


def test_a_board_is_what_it_says() -> None:
    assert parse_board(PRINTED, "pi@board", NOW_S) == RASPBERRY_PI


@given(st.text(), st.integers(0, len(PRINTED)))
def test_whatever_a_board_says_is_a_board_or_one_failure(said: str, cut: int) -> None:
    printed = f"{PRINTED[:cut]}{said}{PRINTED[cut:]}"
    failures: list[EdgerankError] = []
    try:
        board = parse_board(printed, "pi@board", NOW_S)
    except EdgerankError as error:
        failures.append(error)
        board = RASPBERRY_PI
    assert {error.code for error in failures} <= {ErrorCode.EXECUTION}
    assert board.base.startswith("/")
    assert (board.machine + board.system + board.hostname).isprintable()


@pytest.mark.parametrize("lacking", ["base", "home", "service"])
def test_a_board_that_does_not_say_where_is_refused(lacking: str) -> None:
    printed = "\n".join(line for line in PRINTED.splitlines() if not line.startswith(lacking))
    with pytest.raises(EdgerankError) as refused:
        parse_board(printed, "pi@board", NOW_S)
    assert refused.value.code is ErrorCode.EXECUTION


def test_musl_beside_glibc_is_glibc() -> None:
    both = parse_board(f"{PRINTED}musl=/lib/ld-musl-aarch64.so.1\n", "pi@board", NOW_S)
    alone = f"{PRINTED.replace('glibc 2.36', '')}musl=/lib/ld-musl-aarch64.so.1\n"
    assert not both.is_musl
    assert parse_board(alone, "pi@board", NOW_S).is_musl


def test_a_python_that_does_not_start_is_known() -> None:
    board = parse_board(f"{PRINTED}broken_python=/usr/bin/python3\n", "pi@board", NOW_S)
    assert board.broken_pythons == ("/usr/bin/python3",)
