"""A phone to measure on, and what is brought to it."""

import importlib.util
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from tests.integration.agent.networks import takes
from tests.integration.bridge.standing_in import StandIn, standing_in, tool
from tests.own_networks import onnx_network, save_onnx


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with standing_in() as phone:
        yield phone


@pytest.fixture(scope="session")
def kit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner and ONNX Runtime's library, for this machine's processor and the phone's."""
    folder = tmp_path_factory.mktemp("kit")
    shutil.copy(
        Path(tool("native", platform.machine())) / platform.machine() / "edgerank-runner", folder
    )
    found = importlib.util.find_spec("onnxruntime")
    assert found is not None
    assert found.origin is not None
    (library,) = (Path(found.origin).parent / "capi").glob("libonnxruntime.so.*")
    shutil.copy(library, folder)
    return folder


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that takes what `tiny` takes; what it is to give is beside it."""
    path = save_onnx(onnx_network(), tmp_path_factory.mktemp("network") / "network.onnx")
    session = onnxruntime.InferenceSession(path)
    inputs = np.stack(list(reference_inputs(takes("tiny"))))
    outputs = np.stack([session.run(None, {"image": image})[0] for image in inputs])
    write_outputs(path.with_suffix(".outputs"), inputs, [outputs])
    return path
