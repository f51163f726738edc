"""A device is called as before, where nobody says how when its agent starts again."""

import socket
from pathlib import Path

import pytest

from agent.cli.calling import Calling, called, keep_calling
from agent.state_folder import StateUnusable

BOARD = Calling("board", {"room": "lab"})


def test_at_first_it_is_called_as_its_host(tmp_path: Path) -> None:
    assert called(tmp_path, None, None) == Calling(socket.gethostname(), {})


def test_what_is_left_out_is_as_before(tmp_path: Path) -> None:
    keep_calling(tmp_path, BOARD)
    assert called(tmp_path, None, None) == BOARD
    assert called(tmp_path, "pi", None) == Calling("pi", BOARD.labels)
    assert called(tmp_path, None, {}) == Calling("board", {})
    assert called(tmp_path, None, {"soc": "x86"}) == Calling("board", {"soc": "x86"})


def test_where_nothing_is_kept_only_what_is_said_counts(tmp_path: Path) -> None:
    keep_calling(tmp_path, BOARD)
    assert called(None, "pixel", None) == Calling("pixel", {})


@pytest.mark.parametrize("kept", ["", "[]", '{"name": "a b/", "labels": {}}', '{"name": "a"}'])
def test_what_was_damaged_is_refused_until_it_is_said_anew(tmp_path: Path, kept: str) -> None:
    keep_calling(tmp_path, BOARD)
    (tmp_path / "calling.json").write_text(kept, "utf-8")
    with pytest.raises(StateUnusable, match="damaged"):
        called(tmp_path, None, None)
    assert called(tmp_path, BOARD.name, BOARD.labels) == BOARD
    keep_calling(tmp_path, BOARD)
    assert called(tmp_path, None, None) == BOARD


def test_a_disk_that_takes_nothing_ends_no_agent(tmp_path: Path) -> None:
    keep_calling(tmp_path / "gone", BOARD)
    assert not (tmp_path / "gone").exists()
