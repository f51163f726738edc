"""Which packages a command loads, told by a real process of it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.processes import COMMAND_TIMEOUT_S

# It writes what is there at the end, however the command ends.
_PROBE = """
import atexit, pathlib, sys
before, target = set(sys.modules), pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: target.write_text("\\n".join(set(sys.modules) - before)))
sys.argv[0] = "edgerank"
from controller.cli.main import main
main()
"""


@dataclass(frozen=True)
class Loaded:
    """What a command that ended had loaded: its modules, and whose they are.

    Attributes:
        packages: top-level ones, without Python's own and what comes with the interpreter's start.
    """

    exit_code: int
    modules: frozenset[str]
    packages: frozenset[str]


def loaded_by(*arguments: str, environment: Mapping[str, str] | None = None) -> Loaded:
    """Runs `edgerank` with these arguments to its end."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "modules"
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, target, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **(environment or {})},
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        modules = frozenset(target.read_text().splitlines())
    packages = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
    return Loaded(done.returncode, modules, frozenset(packages))
