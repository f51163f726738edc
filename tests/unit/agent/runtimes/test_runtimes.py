"""Runtimes are found without being loaded into the agent."""

import subprocess
import sys
from importlib import metadata

from agent.runtimes import available_runtimes
from protos.runtimes import Runtime, RuntimeInfo

LOOK_AND_TELL = """
import sys
from agent.runtimes import available_runtimes
available_runtimes()
print([each for each in ("onnxruntime", "paddlelite", "grpc") if each in sys.modules])
"""


def test_installed_runtimes_are_found_with_their_versions() -> None:
    assert set(available_runtimes()) == {
        RuntimeInfo(runtime=each, version=metadata.version(each.value)) for each in Runtime
    }


def test_looking_for_runtimes_loads_none() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOOK_AND_TELL], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
