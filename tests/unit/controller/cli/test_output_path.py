"""A file that cannot be written is refused before the work, and nothing is left of the look."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli.main import edgerank
from controller.cli.options.files.output_path import check_output
from controller.domain.errors import EdgerankError, ErrorCode

NO_CONTROLLER = ("--controller", "127.0.0.1:1")
COMMANDS = [
    ("demo", "-o", "{}.html"),
    ("report", "--device", "pc", "-o", "{}.html", *NO_CONTROLLER),
    ("convert", "MobileNetV1", "--table", "{}.md", *NO_CONTROLLER),
    ("export", "{}.csv", *NO_CONTROLLER),
    ("profile", "MobileNetV1", "--device", "pc", "--trace", "{}.json", *NO_CONTROLLER),
]


def refusal(path: Path) -> str:
    with pytest.raises(EdgerankError) as refused:
        check_output(path, "name another")
    assert refused.value.code is ErrorCode.INVALID_INPUT
    return str(refused.value)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_that_writes_refuses_at_once(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    arguments = [word.format(tmp_path / "none" / "file") for word in command]
    failed = CliRunner().invoke(edgerank, arguments)
    assert failed.exit_code == 2
    assert f"no folder {tmp_path / 'none'}" in " ".join(failed.output.split())


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path)
    (tmp_path / "file").touch()
    assert "no folder" in refusal(tmp_path / "file" / "page.html")
    assert "cannot write /proc/page.html" in refusal(Path("/proc/page.html"))


def test_the_look_changes_nothing(tmp_path: Path) -> None:
    old, new, pipe = (tmp_path / name for name in ("old", "new", "pipe"))
    old.write_text("kept")
    os.mkfifo(pipe)
    for path in (old, new, pipe, Path("/dev/null")):
        check_output(path, "name another")
    assert old.read_text() == "kept"
    assert not new.exists()
