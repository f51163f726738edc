"""The list of commands says what they say, and costs nothing but itself."""

import click
import pytest
from click.testing import CliRunner

from controller.cli import main
from controller.cli.main import COMMANDS, edgerank
from tests.loading import loaded_by

OF_THE_LIST = {"click", "controller"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_has_the_first_sentence_of_each_command(name: str) -> None:
    command = edgerank.get_command(click.Context(edgerank), name)
    assert command is not None
    # Longer than any: nothing of it is cut off.
    assert COMMANDS[name].short_help == command.get_short_help_str(limit=1_000)


def test_the_list_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        main, "WITNESSES", {"agent": "no_such_package", "controller": "click", "mcp": "click"}
    )
    lines = CliRunner().invoke(edgerank, ["--help"]).output.splitlines()
    assert "  agent       (needs edgerank[agent])" in lines
    assert "  best        Say which backbone is best on a device, or on many." in lines


@pytest.mark.parametrize(
    ("arguments", "exit_code", "more"),
    [
        (["--help"], 0, set()),
        (["--version"], 0, set()),
        # Where the nearest names are found.
        (["bset"], 2, {"models"}),
    ],
    ids=["help", "version", "wrong name"],
)
def test_what_is_no_command_loads_none(
    arguments: list[str], exit_code: int, more: set[str]
) -> None:
    loaded = loaded_by(*arguments)
    assert loaded.exit_code == exit_code
    assert loaded.packages == OF_THE_LIST | more
    assert loaded.modules & {"controller.client", "controller.domain", "controller.views"} == set()


def test_completing_the_name_of_a_command_loads_none() -> None:
    asked = {"_EDGERANK_COMPLETE": "bash_complete", "COMP_WORDS": "edgerank be", "COMP_CWORD": "1"}
    assert loaded_by(environment=asked).packages == OF_THE_LIST
