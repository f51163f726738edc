"""What a person says to `edgerank agent` of phones that hang on this computer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from agent.bridge.holding import Screen
from agent.bridge.life import Wish
from agent.bridge.measuring import PULSE_S
from agent.bridge.serving import ONLY
from agent.errors import INPUT_EXIT_CODE, AgentError

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--adb",
        metavar="[SERIAL|all]",
        is_flag=False,
        flag_value=ONLY,
        help="Speak for the phone of this serial that hangs on this computer, for the only one, or "
        "for all as they come and go. An adb server has to run.",
    ),
    click.option(
        "--runner-folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where edgerank-runner and its runtime's library for the phone are, or folders of "
        "them by architecture.",
    ),
    click.option(
        "--root",
        is_flag=True,
        help="As root of the phone, hold its governor at performance while it measures.",
    ),
    click.option(
        "--screen",
        type=click.Choice([each.value for each in Screen]),
        default=Screen.AS_IT_IS.value,
        show_default=True,
        help="What the phone's screen is to do while it measures.",
    ),
    click.option(
        "--one-per-hub", is_flag=True, help="Let phones of one USB hub measure one after the other."
    ),
    click.option(
        "--pulse",
        "pulse_s",
        metavar="SECONDS",
        type=click.FloatRange(min=1),
        default=PULSE_S,
        show_default=True,
        help="How often a phone is asked for a sign of life; one that gives none thrice hangs.",
    ),
    click.option(
        "--power-cycle",
        metavar="COMMAND",
        default="",
        help="What this computer's shell runs when a phone hangs, whose serial is in "
        "EDGERANK_SERIAL.",
    ),
)


class PhonesMisnamed(AgentError):
    """Options that are for phones, or not for them."""

    exit_code = INPUT_EXIT_CODE


def phone_options(command: Command) -> Command:
    """Add the options of phones to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_wish(
    *,
    runner_folder: Path | None,
    root: bool,
    screen: str,
    one_per_hub: bool,
    power_cycle: str,
    pulse_s: float,
) -> Wish:
    """What is wanted of phones.

    Raises:
        PhonesMisnamed: nobody said where the runner is.
    """
    if runner_folder is None:
        raise PhonesMisnamed(
            "a phone is measured by edgerank's own runner: name the folder that it is in, with its "
            "runtime's library, by --runner-folder"
        )
    return Wish(
        runner_folder=runner_folder,
        screen=Screen(screen),
        root=root,
        one_per_hub=one_per_hub,
        power_cycle=power_cycle,
        pulse_s=pulse_s,
    )
