"""Another Python of the device, in which a runtime is installed that the agent's own lacks."""

import json
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import agent
from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.measuring.supervision import child_environment
from protos.names import printable
from protos.runtimes import Runtime, RuntimeInfo

LEAST_PYTHON: Final = (3, 10)
_PROBE_S: Final = 60.0
_MOST_LETTERS: Final = 200

# Also for the oldest Python that there is: it says of itself that it is too old.
_PROBE: Final = """
import json, sys
told = {"python": list(sys.version_info[:2])}
if sys.version_info >= (3, 10):
    from importlib import metadata, util
    told["lacking"] = [each for each in ("numpy", sys.argv[1]) if util.find_spec(each) is None]
    try:
        told["version"] = metadata.version(sys.argv[1])
    except metadata.PackageNotFoundError:
        told["version"] = "unknown"
print(json.dumps(told))
"""
# Our packages come first and alone: what is compiled beside them is for another Python. What that
# one lacks and is not compiled, as cattrs, comes last.
_START: Final = """
import runpy, sys
ours, *beside = sys.argv[1:]
sys.path[0] = ours
import agent, protos, sandbox
del sys.path[0]
sys.path += [ours, *beside]
del sys.argv[1:]
runpy.run_module("agent.child", run_name="__main__")
"""


class InterpreterRefused(AgentError):
    """What a person named is no Python that can measure with a runtime; says what it lacks."""

    exit_code = INPUT_EXIT_CODE


@dataclass(frozen=True)
class Interpreter:
    """A Python that has a runtime.

    Attributes:
        runtime: which, and of what version.
        command: starts a child in it.
    """

    runtime: RuntimeInfo
    command: tuple[str, ...]


def find_runtime(runtime: Runtime, python: Path) -> Interpreter:
    """The runtime that another Python has; it is asked in a process of its own.

    Raises:
        InterpreterRefused: it is none, is too old, or lacks the runtime.
    """
    told = _ask(runtime, python)
    version = tuple(told["python"])
    if version < LEAST_PYTHON:
        raise InterpreterRefused(
            f"{python} is Python {_dotted(version)}, and measuring needs {_dotted(LEAST_PYTHON)} "
            f"or newer: build {runtime.value} for a newer Python"
        )
    if told["lacking"]:
        lacking = " and ".join(told["lacking"])
        raise InterpreterRefused(
            f"{python} has no {lacking}: name the Python of the environment that it is installed "
            f"in, or install it there with '{python} -m pip install'"
        )
    info = RuntimeInfo(runtime=runtime, version=printable(str(told["version"]))[:_MOST_LETTERS])
    return Interpreter(info, child_command(python))


def child_command(python: Path) -> tuple[str, ...]:
    """What starts a measuring child in another Python."""
    ours = Path(agent.__file__).parent.parent
    beside = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    return (str(python.absolute()), "-c", _START, str(ours), *beside)


def _ask(runtime: Runtime, python: Path) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [python.absolute(), "-c", _PROBE, runtime.value],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_S,
            check=False,
            # Nothing that lies where the agent was started is imported.
            cwd="/",
            env=child_environment(),
        )
        told = json.loads(done.stdout)
        if isinstance(told, dict):
            return told
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InterpreterRefused(f"{python} cannot be started: {printable(str(error))}") from error
    except ValueError:
        words = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise InterpreterRefused(
            f"{python} is no Python ({printable(words)[:_MOST_LETTERS]}): name one, as "
            "/usr/bin/python3"
        ) from None
    raise InterpreterRefused(f"{python} is no Python: name one, as /usr/bin/python3")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
