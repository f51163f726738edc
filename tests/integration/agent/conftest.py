"""Real artifacts, made once a run by the real tools."""

import pytest

from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts, made_artifacts
from tests.processes.sharing import made_once


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    return Artifacts(made_once(tmp_path_factory, "artifacts", made_artifacts))


@pytest.fixture
def content(artifacts: Artifacts) -> bytes:
    """The bytes of an artifact that measures in no time."""
    return artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
