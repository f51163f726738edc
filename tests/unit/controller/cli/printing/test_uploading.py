"""An upload is shown on a terminal once it takes long; its bytes are the same either way."""

import io

import pytest
from rich.console import Console

from controller.cli.printing.uploading import SHOWN_AFTER_S, shown_upload

CHUNKS = [b"a" * 1_000_000, b"b" * 500_000]


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def terminal(seconds_per_look: float) -> Console:
    """A terminal whose clock goes on whenever it is looked at."""
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += seconds_per_look
        return now_s

    return Console(file=io.StringIO(), width=100, force_terminal=True, get_time=clock)


def test_one_that_takes_long_has_a_bar_on_a_terminal() -> None:
    console = terminal(SHOWN_AFTER_S)
    with shown_upload(console, CHUNKS, 1_500_000) as shown:
        assert list(shown) == CHUNKS
    assert "sent, being run" in written(console)
    assert "1.5/1.5 MB" in written(console)


def test_a_quick_one_has_none() -> None:
    console = terminal(0.0)
    with shown_upload(console, CHUNKS, 1_500_000) as shown:
        assert list(shown) == CHUNKS
    assert "MB" not in written(console)


def test_where_there_is_no_terminal_nothing_is_written() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with shown_upload(console, CHUNKS, 1_500_000) as shown:
        assert list(shown) == CHUNKS
    assert written(console) == ""


def test_the_cursor_comes_back_when_the_controller_refuses_half_way() -> None:
    console = terminal(SHOWN_AFTER_S)

    def refused() -> None:
        with shown_upload(console, CHUNKS, 1_500_000) as shown:
            next(shown)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        refused()
    assert written(console).count("\x1b[?25h") == written(console).count("\x1b[?25l") == 1
