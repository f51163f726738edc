"""What a device can measure with: its own Python, another one, or the native runner."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from agent.errors import AgentError
from agent.measuring.children import Child, PythonChild
from agent.measuring.interpreter import find_runtime
from agent.measuring.native.finding import FOLDER, Chosen, NativeOptions, choose
from agent.runtimes import available_runtimes
from protos.runtimes import Runtime

paddlelite_python_option: Final = click.option(
    "--paddlelite-python",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Another Python of this device, 3.10 or newer, that has Paddle Lite, as a wheel that you "
    "built for a board: the children that measure with it run there.",
)


class NoRuntime(AgentError):
    """The device has nothing to measure with."""


def found_runtimes(paddlelite_python: Path | None, native: NativeOptions, folder: Path) -> Chosen:
    """What a device measures with: this Python, the other one and the runner that a person named.

    Args:
        paddlelite_python: another Python that has Paddle Lite.
        native: what a person says of the native runner, which comes before any Python.
        folder: of the agent's state, where a runner is looked for that nobody names.

    Raises:
        InterpreterRefused: that Python has no Paddle Lite.
        RunnerRefused: something that was named for the runner does not serve.
        NoRuntime: there is none at all.
    """
    installed = {each.runtime: each for each in available_runtimes()}
    others: dict[Runtime, Child] = {}
    if paddlelite_python is not None:
        other = find_runtime(Runtime.PADDLELITE, paddlelite_python)
        installed[Runtime.PADDLELITE] = other.runtime
        others[Runtime.PADDLELITE] = PythonChild(other.command)
    chosen = choose(installed.values(), native, folder / FOLDER)
    if not chosen.runtimes:
        raise NoRuntime(
            "this device has no runtime to measure with: pip install '.[agent,onnxruntime]' or "
            "pip install '.[agent,paddlelite]' in edgerank's folder, or name a Python that has "
            "Paddle Lite with --paddlelite-python, or a native runner with --native-runner"
        )
    return replace(chosen, children={**others, **chosen.children})
