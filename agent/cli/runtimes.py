"""What a device can measure with: the runtimes of the agent's own Python, and of others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from agent.errors import AgentError
from agent.measuring.interpreter import find_runtime
from agent.runtimes import available_runtimes
from protos.runtimes import Runtime, RuntimeInfo

paddlelite_python_option: Final = click.option(
    "--paddlelite-python",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Another Python of this device, 3.10 or newer, that has Paddle Lite, as a wheel that you "
    "built for a board: the children that measure with it run there.",
)


class NoRuntime(AgentError):
    """The device has nothing to measure with."""


@dataclass(frozen=True)
class Found:
    """What a device can measure with.

    Attributes:
        runtimes: those that are installed.
        commands: start the children of those that another Python has.
    """

    runtimes: tuple[RuntimeInfo, ...]
    commands: dict[Runtime, tuple[str, ...]]


def found_runtimes(paddlelite_python: Path | None) -> Found:
    """The runtimes of this Python, and Paddle Lite of the other one that a person named.

    Raises:
        InterpreterRefused: that one has no Paddle Lite.
        NoRuntime: there is none at all.
    """
    runtimes = {each.runtime: each for each in available_runtimes()}
    commands = {}
    if paddlelite_python is not None:
        other = find_runtime(Runtime.PADDLELITE, paddlelite_python)
        runtimes[Runtime.PADDLELITE] = other.runtime
        commands[Runtime.PADDLELITE] = other.command
    if not runtimes:
        raise NoRuntime(
            "this device has no runtime to measure with: pip install '.[agent,onnxruntime]' or "
            "pip install '.[agent,paddlelite]' in edgerank's folder, or name a Python that has "
            "Paddle Lite with --paddlelite-python"
        )
    return Found(tuple(runtimes.values()), commands)
