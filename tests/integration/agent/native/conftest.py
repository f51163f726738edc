"""The native runner as it is shipped, and the libraries that it loads."""

import subprocess
from importlib import util
from pathlib import Path

import pytest

from agent.measuring.native.child import NativeChild


def printed_by(*command: str) -> str:
    """What a tool of the checkout prints; quick where its cache has that already."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="session")
def runners() -> Path:
    """A folder with <machine>/edgerank-runner."""
    return Path(printed_by("tools/native", "x86_64", "aarch64"))


@pytest.fixture(scope="session")
def runner(runners: Path) -> Path:
    """The one for this machine."""
    return runners / "x86_64" / "edgerank-runner"


@pytest.fixture(scope="session")
def library() -> Path:
    """ONNX Runtime's, of the very package that the Python child imports."""
    package = util.find_spec("onnxruntime")
    assert package is not None
    assert package.origin is not None
    (found,) = (Path(package.origin).parent / "capi").glob("libonnxruntime.so.*")
    return found


@pytest.fixture(scope="session")
def native(runner: Path, library: Path) -> NativeChild:
    """A child that measures with ONNX Runtime."""
    return NativeChild(runner=runner, library=library)
