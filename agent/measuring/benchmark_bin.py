"""Paddle Lite's own `benchmark_bin`, which a person built for a board: found, or refused."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.measuring.interpreter import Interpreter
from agent.measuring.supervision import child_environment
from protos.names import printable
from protos.runtimes import Runtime, RuntimeInfo

_PATIENCE_S: Final = 20.0
# What gflags prints for --version: the program's name and what Paddle Lite calls itself.
_SAID: Final = re.compile(r"^\S* version (\S{1,100})$", re.MULTILINE)


class ProgramRefused(AgentError):
    """What a person named is no `benchmark_bin`."""

    exit_code = INPUT_EXIT_CODE


def find_benchmark_bin(path: Path) -> Interpreter:
    """Paddle Lite as a `benchmark_bin` has it, and what starts a child that measures with it.

    Raises:
        ProgramRefused: it does not start, or does not say its version.
    """
    program = path.absolute()
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
    version = _SAID.search(said)
    if version is None:
        raise ProgramRefused(
            f"{path} is no benchmark_bin of Paddle Lite: name the one that its build left in "
            "build.lite.*/lite/api/tools/benchmark"
        )
    info = RuntimeInfo(runtime=Runtime.PADDLELITE, version=printable(version[1]))
    return Interpreter(info, (sys.executable, "-m", "agent.child.benchmark_bin", str(program)))
