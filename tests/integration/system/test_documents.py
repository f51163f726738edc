"""What the documents show is what the commands do."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from controller.cli.main import COMMANDS, Commands, edgerank
from tests.integration.system.conftest import BACKBONES, System
from tests.pages import PAGES, ROOT, console_commands, name, spans, yaml_files
from tests.processes import edgerank as run

# What reads, and so can be run against any fleet; the rest is held to its options.
READING = ("devices", "models", "accuracy list", "best", "report", "reference", "compare", "export")
WRITING = ("models add", "models remove", "devices mark", "devices revoke")

# Each command behind a `$`, with its page.
CONSOLE = sorted({(name(page), command) for page in PAGES for command in console_commands(page)})
SHOWN = [
    (page, command.removeprefix("edgerank "))
    for page, command in CONSOLE
    if command.startswith("edgerank ")
]


def resolved(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """The command that words begin with, a group's own one where they name it, and the rest."""
    group: click.Group = edgerank
    found = group.get_command(click.Context(group), words[0])
    if isinstance(found, click.Group) and len(words) > 1 and words[1] in found.commands:
        return found.commands[words[1]], words[2:]
    return found, words[1:]


def options_of(command: click.Command) -> set[str]:
    """Every spelling of every option of a command and of those below it."""
    below = command.commands.values() if isinstance(command, click.Group) else ()
    own = {
        spelling
        for parameter in command.get_params(click.Context(command))
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }
    return own.union(*map(options_of, below))


def test_the_readme_shows_a_fleet() -> None:
    shown = {command.split()[0] for page, command in SHOWN if page == "README.md"}
    assert shown == {"controller", "token", "agent", "sweep", "best"}


def test_consoles_show_our_commands_only() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, command in CONSOLE:
        tool, *arguments = shlex.split(command)
        assert tool in ("edgerank", "make"), f"{page}: nothing here tries '{command}'"
        assert tool != "make" or targets.issuperset(arguments), f"{page} shows '{command}'"


@pytest.fixture
def files_of_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in that has every file that a page shows."""
    for page in PAGES:
        for called, text in yaml_files(page):
            (tmp_path / called).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("files_of_the_pages")
@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_a_shown_command_has_the_options_that_it_is_shown_with(page: str, command: str) -> None:
    found, arguments = resolved(shlex.split(command))
    assert found is not None, f"{page} shows 'edgerank {command}', which there is not"
    found.make_context(found.name, arguments, resilient_parsing=False)


@pytest.mark.parametrize(
    ("page", "command"),
    [
        (page, command)
        for page, command in SHOWN
        if command.startswith(READING) and not command.startswith(WRITING)
    ],
)
def test_a_shown_command_that_reads_works(
    system: System, swept: dict[str, Any], tmp_path: Path, page: str, command: str
) -> None:
    assert swept["ended"]
    # The dataset of the pages' examples.
    flowers = tmp_path / "flowers.csv"
    row = f"{BACKBONES[0]},flowers,top1,88.1,fp32,a test"
    flowers.write_text(f"name,dataset,metric,value,precision,source\n{row}\n")
    assert run("accuracy", "import", str(flowers), address=system.address).returncode == 0
    arguments = [
        re.sub(
            r"^\w+\.(html|md|csv|json|jsonl|parquet)$",
            lambda name: str(tmp_path / name[0]),
            argument,
        )
        for argument in shlex.split(command)
    ]
    done = run(*arguments, address=system.address)
    regression = {5} if "--fail-on-regression" in arguments else set()
    assert done.returncode in {0, 3} | regression, f"{page}: {done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_prose_names_is_there(page: Path) -> None:
    every_option = options_of(edgerank).union(
        *(options_of(command) for command in map(_command, COMMANDS))
    )
    for span in spans(page):
        tool, *words = span.split()
        if tool == "edgerank" and words and not words[0].startswith("-"):
            command, _ = resolved(words)
            assert command is not None, f"'{span}' is no command"
            options = {word.partition("=")[0] for word in words if word.startswith("-")}
            assert options <= options_of(command), f"'{span}' has options that there are not"
        elif tool.startswith("--"):
            assert tool.partition("=")[0] in every_option, f"'{span}' is no option"


def test_every_command_is_in_the_pages_and_has_an_example() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    for called in COMMANDS:
        assert f"edgerank {called}" in pages
        command = _command(called)
        help_text = command.get_help(command.context_class(command, info_name=called))
        assert "Example" in help_text, called


def _command(called: str) -> click.Command:
    group = Commands("edgerank")
    command = group.get_command(click.Context(group), called)
    assert command is not None
    return command
