"""`edgerank doctor`: examines the set-up of an agent or of a controller."""

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from platformdirs import user_data_path

from controller.cli.options.asking import DEFAULT_HOST, DEFAULT_PORT, json_option
from controller.cli.options.failures import says_failures
from controller.cli.printing.documents import print_json
from controller.domain.access import Caller
from controller.domain.errors import EdgerankError, ErrorCode
from protos.checks import CheckedSide, CheckOutcome, Finding
from protos.names import printable

# As with the table of commands: loaded on use, since neither side has what the other needs.
EXAMINATIONS: Mapping[CheckedSide, str] = {
    CheckedSide.AGENT: "agent.doctor.examination",
    CheckedSide.CONTROLLER: "controller.server.examination",
}
_COLOURS = {CheckOutcome.OK: "green", CheckOutcome.WARNING: "yellow", CheckOutcome.FAILED: "red"}


@click.command()
@click.argument("side", type=click.Choice([side.value for side in CheckedSide]), required=False)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    help="The state folder of the side that is named.  [default: the user's data folder]",
)
@click.option(
    "--controller",
    "address",
    metavar="HOST:PORT",
    help="The controller to ask.  [default: where the agent joined, or this machine's own]",
)
@json_option
@click.pass_context
@says_failures
def doctor(
    context: click.Context,
    side: str | None,
    state_dir: Path | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Examine the set-up of this machine.

    A line a check: what is so, and what to do where something is wrong. Whatever has a state folder
    here is examined, an agent, a controller or both, unless one is named. Nothing is changed. The
    exit code is 1 when a check failed; a warning is no failure.

    \b
    Examples:
      edgerank doctor
      edgerank doctor agent --controller lab:7700
      edgerank doctor controller --state /var/lib/edgerank/controller --json
    """
    found = []
    for finding in _examined(side, state_dir, address):
        found.append(finding)
        if not as_json:
            click.echo(_line(finding))
    if as_json:
        print_json(tuple(found))
    if any(finding.outcome is CheckOutcome.FAILED for finding in found):
        context.exit(1)


def _examined(side: str | None, state_dir: Path | None, address: str | None) -> Iterator[Finding]:
    if side is None and state_dir is not None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "say whose state folder it is: name agent or controller"
        )
    folders = {each: user_data_path("edgerank") / each.value for each in CheckedSide}
    sides = (
        [each for each in CheckedSide if folders[each].exists()]
        if side is None
        else [CheckedSide(side)]
    )
    if not sides:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "neither an agent nor a controller has its state folder in this user's data folder; "
            "name which to examine, as in 'edgerank doctor agent --state DIR'",
        )
    for each in sides:
        examination = _loaded(each)
        folder = (state_dir or folders[each]).absolute()
        if each is CheckedSide.AGENT:
            yield from examination.examine(folder, address)
        else:
            usual = os.environ.get("EDGERANK_CONTROLLER") or f"{DEFAULT_HOST}:{DEFAULT_PORT}"
            yield from examination.examine(folder, address or usual, _ask)


def _loaded(side: CheckedSide) -> Any:
    try:
        return importlib.import_module(EXAMINATIONS[side])
    except ModuleNotFoundError as error:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"the {side.value} cannot be examined without the package {error.name}; install it in "
            f"edgerank's folder with: pip install '.[{side.value}]'",
        ) from error


def _ask(address: str) -> Caller:
    from controller.client import AccessClient  # noqa: PLC0415 - an agent asks in its own way

    with AccessClient(address) as client:
        return client.who_am_i()


def _line(finding: Finding) -> str:
    outcome = click.style(f"{finding.outcome.value:<8}", fg=_COLOURS[finding.outcome])
    told = "; ".join(filter(None, (finding.found, finding.advice)))
    return f"{outcome}{finding.side.value:<11}{finding.check:<14}{printable(told)}"
