"""What a device can measure with: its own Python, another one, or the native runner."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from agent.errors import AgentError
from agent.measuring.benchmark_bin import find_benchmark_bin
from agent.measuring.children import Child, PythonChild
from agent.measuring.interpreter import Interpreter, find_runtime
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
paddlelite_bin_option: Final = click.option(
    "--paddlelite-bin",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Paddle Lite's own benchmark_bin, 2.10 to 2.13, that you built for a board or, with "
    "--adb, for a phone; or the folder that it is in. It measures Paddle Lite there, tells means "
    "alone, and every figure of it says so.",
)


class NoRuntime(AgentError):
    """The device has nothing to measure with."""


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Where a person says that Paddle Lite is, other than in this Python; None is nowhere.

    Attributes:
        python: another Python that has it.
        program: its `benchmark_bin`, which comes before that Python.
    """

    python: Path | None = None
    program: Path | None = None


def found_runtimes(elsewhere: Elsewhere, native: NativeOptions, folder: Path) -> Chosen:
    """What a device measures with: this Python, and what a person named.

    Args:
        elsewhere: where Paddle Lite is besides.
        native: what a person says of the native runner, which comes before any Python.
        folder: of the agent's state, where a runner is looked for that nobody names.

    Raises:
        InterpreterRefused: that Python has no Paddle Lite.
        ProgramRefused: that program is no `benchmark_bin`.
        RunnerRefused: something that was named for the runner does not serve.
        NoRuntime: there is none at all.
    """
    installed = {each.runtime: each for each in available_runtimes()}
    others: dict[Runtime, Child] = {}
    for other in _named(elsewhere):
        installed[other.runtime.runtime] = other.runtime
        others[other.runtime.runtime] = PythonChild(other.command)
    chosen = choose(installed.values(), native, folder / FOLDER)
    if not chosen.runtimes:
        raise NoRuntime(
            "this device has no runtime to measure with: pip install '.[agent,onnxruntime]' or "
            "pip install '.[agent,paddlelite]' in edgerank's folder, or name a Python that has "
            "Paddle Lite with --paddlelite-python, its benchmark_bin with --paddlelite-bin, or a "
            "native runner with --native-runner"
        )
    return replace(chosen, children={**others, **chosen.children})


def _named(elsewhere: Elsewhere) -> Iterator[Interpreter]:
    if elsewhere.python is not None:
        yield find_runtime(Runtime.PADDLELITE, elsewhere.python)
    if elsewhere.program is not None:
        yield find_benchmark_bin(elsewhere.program)
