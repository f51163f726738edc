"""What a person says to `edgerank agent` of phones that hang on this computer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from agent.bridge.holding import Screen
from agent.bridge.life import Wish
from agent.bridge.losses import PULSE_S
from agent.bridge.serving import ONLY
from agent.errors import INPUT_EXIT_CODE, AgentError
from protos.runtimes import Runtime

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
        "--onnxruntime-perf-test",
        metavar="PATH",
        type=click.Path(path_type=Path),
        help="ONNX Runtime's own onnxruntime_perf_test that you built for the phone, or a folder "
        "with it and its libraries, or folders of these by architecture. It tells no outputs, and "
        "every figure of it says so.",
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
    onnxruntime_perf_test: Path | None,
    paddlelite_bin: Path | None,
    root: bool,
    screen: str,
    one_per_hub: bool,
    power_cycle: str,
    pulse_s: float,
) -> Wish:
    """What is wanted of phones.

    Raises:
        PhonesMisnamed: nobody said where the runner is, nor another program.
    """
    named = {Runtime.ONNXRUNTIME: onnxruntime_perf_test, Runtime.PADDLELITE: paddlelite_bin}
    programs = {runtime: path for runtime, path in named.items() if path is not None}
    if runner_folder is None and not programs:
        raise PhonesMisnamed(
            "a phone is measured by edgerank's own runner: name the folder that it is in, with its "
            "runtime's library, by --runner-folder, or a runtime's own program by "
            "--onnxruntime-perf-test or --paddlelite-bin"
        )
    return Wish(
        runner_folder=runner_folder,
        programs=programs,
        screen=Screen(screen),
        root=root,
        one_per_hub=one_per_hub,
        power_cycle=power_cycle,
        pulse_s=pulse_s,
    )


def refuse_for_phones(*, onnxruntime_perf_test: Path | None, **_others: object) -> None:
    """Refuse what measures on phones alone.

    Raises:
        PhonesMisnamed: it was named for this device.
    """
    if onnxruntime_perf_test is not None:
        raise PhonesMisnamed(
            "onnxruntime_perf_test measures on phones: name the phone with --adb, or leave "
            "--onnxruntime-perf-test out and install ONNX Runtime's package on this device"
        )
