"""What the documents show is what the commands do."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from controller.cli.main import COMMANDS, Commands, edgerank
from tests.integration.system.conftest import BACKBONES, System
from tests.processes import edgerank as run

ROOT = Path(__file__).parents[3]
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")})
# What reads, and so can be run against any fleet; the rest is held to its options.
READING = ("devices", "models", "accuracy list", "best", "report", "export")
WRITING = ("models add", "models remove")


def shown_commands() -> Iterator[tuple[str, str]]:
    """Each `$ edgerank ...` line of the pages' console blocks, with the page's name."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in block.splitlines():
                if line.startswith("$ edgerank "):
                    yield page.name, line.removeprefix("$ edgerank ")


SHOWN = sorted(set(shown_commands()))


def test_the_readme_shows_commands() -> None:
    assert {command.split()[0] for _page, command in SHOWN} >= {"sweep", "best", "devices"}


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_a_shown_command_has_the_options_that_it_is_shown_with(page: str, command: str) -> None:
    name, *arguments = shlex.split(command)
    found = edgerank.get_command(click.Context(edgerank), name)
    if isinstance(found, click.Group) and arguments and arguments[0] in found.commands:
        name, *arguments = arguments
        found = found.commands[name]
    assert found is not None, f"{page} shows 'edgerank {name}', which there is not"
    found.make_context(name, arguments, resilient_parsing=False)


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
        re.sub(r"^\w+\.(html|csv|json|parquet)$", lambda name: str(tmp_path / name[0]), argument)
        for argument in shlex.split(command)
    ]
    done = run(*arguments, address=system.address)
    assert done.returncode in (0, 3), f"{page}: {done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr


def test_every_command_is_in_the_readme_and_has_an_example() -> None:
    readme = (ROOT / "README.md").read_text()
    group = Commands("edgerank")
    for name in COMMANDS:
        assert f"edgerank {name}" in readme
        command = group.get_command(click.Context(group), name)
        assert command is not None
        help_text = command.get_help(command.context_class(command, info_name=name))
        assert "Example" in help_text, name
