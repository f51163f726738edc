"""Real artifacts, made once by the real tools."""

import subprocess
import sys
from pathlib import Path

import pytest

from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    folder: Path = tmp_path_factory.mktemp("artifacts")
    command = [sys.executable, "-m", "tests.integration.agent.make_artifacts", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Artifacts(folder)


@pytest.fixture
def content(artifacts: Artifacts) -> bytes:
    """The bytes of an artifact that measures in no time."""
    return artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
