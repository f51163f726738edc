"""Paddle Lite's own `benchmark_bin`, which a person built for a board: found, or refused."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from agent.child.programs.benchmark_bin.reading import read_version
from agent.child.programs.repeating import Unreadable
from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.measuring.interpreter import Interpreter
from agent.measuring.supervision import child_environment
from protos.names import printable
from protos.runtimes import Runtime, RuntimeInfo

_NAME: Final = "benchmark_bin"
_PATIENCE_S: Final = 20.0
_CHILD: Final = "agent.child.programs.benchmark_bin"


class ProgramRefused(AgentError):
    """What a person named is no `benchmark_bin`."""

    exit_code = INPUT_EXIT_CODE


def find_benchmark_bin(path: Path) -> Interpreter:
    """Paddle Lite as a `benchmark_bin` has it, and what starts a child that measures with it.

    Raises:
        ProgramRefused: it does not start, or does not say its version.
    """
    program = (path / _NAME if path.is_dir() else path).absolute()
    try:
        said = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
            cwd="/",
            env=child_environment(),
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramRefused(
            f"{path} cannot be started: {printable(str(error))}; name a benchmark_bin that was "
            "built for this machine"
        ) from error
    try:
        version = read_version(said)
    except Unreadable as error:
        raise ProgramRefused(
            f"{path} is no benchmark_bin of Paddle Lite: name the one that its build left in "
            "build.lite.*/lite/api/tools/benchmark"
        ) from error
    info = RuntimeInfo(runtime=Runtime.PADDLELITE, version=version)
    return Interpreter(info, (sys.executable, "-m", _CHILD, str(program)))
