"""Real artifacts, made once by the real tools."""

import pytest

from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts, made_artifacts


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    return made_artifacts(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture
def content(artifacts: Artifacts) -> bytes:
    """The bytes of an artifact that measures in no time."""
    return artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
