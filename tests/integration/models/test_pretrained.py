"""Published weights from the address to the artifact: what was published is what runs."""

from __future__ import annotations

import functools
import http.server
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from models.catalog.catalog import load_catalog
from models.catalog.variants import Target, WeightsKind, variants_of
from models.conversion.pipeline import Converted, Refused, convert
from models.digest import file_sha256
from models.weights.weights import Weights, resolve_weights
from tests.integration.models.conftest import Conversion
from tests.integration.storage.damaging import flip

BACKBONE = load_catalog().get("PPLCNet_x0_25")
FILE = "PPLCNet_x0_25_pretrained.pdparams"

# Weights as PaddlePaddle's own users save them, with a classifier that answers class 7 always.
PUBLISH = """
import sys
import paddle
from models.steps.paddle import architectures, synthetic
paddle.seed(5)
network = architectures.build("PPLCNet_x0_25")
synthetic.calibrate(network, 64, 8)
network.fc.weight.set_value(network.fc.weight * 0.001)
bias = paddle.zeros([1000])
bias[7] = 3.0
network.fc.bias.set_value(bias)
paddle.save(network.state_dict(), sys.argv[1])
"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a folder with weights, and the folder."""
    folder = tmp_path_factory.mktemp("published")
    command = [sys.executable, "-c", PUBLISH, str(folder / FILE)]
    subprocess.run(command, check=True, capture_output=True)
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


def resolve(address: str, cache: Path) -> Weights:
    return resolve_weights(
        BACKBONE, WeightsKind.PRETRAINED, cache, lambda *_: None, lambda _: address
    )


def test_the_artifacts_follow_the_published_weights(
    published: tuple[str, Path], pplcnet: Conversion, tmp_path: Path
) -> None:
    address, _ = published
    weights = resolve(f"{address}/{FILE}", tmp_path / "cache")
    workdir = tmp_path / "work"
    made = convert(BACKBONE, variants_of(BACKBONE), weights, workdir, lambda _: None)
    assert all(isinstance(fate, Converted) for fate in made), made
    by_target = {fate.variant.target: fate for fate in made if isinstance(fate, Converted)}
    assert by_target[Target.X86].parity.max_relative_difference < 1e-4
    assert by_target[Target.ANY].weights.kind is WeightsKind.PRETRAINED
    for target, fate in by_target.items():
        assert fate.conversion_key != pplcnet.made[target].conversion_key
    session = onnxruntime.InferenceSession(str(by_target[Target.ANY].path))
    image = np.random.default_rng(1).standard_normal((1, 3, 224, 224)).astype(np.float32)
    (outputs,) = session.run(None, {session.get_inputs()[0].name: image})
    assert outputs.argmax() == 7
    assert outputs[0, 7] == pytest.approx(3.0, abs=0.5)


def test_weights_that_rot_in_the_cache_are_fetched_again_and_that_is_told(
    published: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address, _ = published
    fetched = resolve(f"{address}/{FILE}", tmp_path)
    assert fetched.path is not None
    flip(fetched.path)
    assert caplog.records == []
    assert resolve(f"{address}/{FILE}", tmp_path) == fetched
    assert file_sha256(fetched.path) == fetched.digest
    assert FILE in caplog.text


def test_weights_that_run_commands_are_refused_and_run_none(
    published: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = published
    owned = tmp_path / "owned"
    payload = f"cos\nsystem\n(S'touch {owned}'\ntR."
    (folder / "evil.pdparams").write_text(payload)
    weights = resolve(f"{address}/evil.pdparams", tmp_path / "cache")
    (_, _, onnx) = convert(
        BACKBONE, variants_of(BACKBONE), weights, tmp_path / "work", lambda _: None
    )
    assert isinstance(onnx, Refused)
    assert onnx.step == "export"
    assert not onnx.crashed
    assert " weights file is refused:" in onnx.reason
    assert " os.system," in onnx.reason
    assert not owned.exists()


def test_weights_of_another_network_are_refused(
    published: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = published
    with (folder / "other.pdparams").open("wb") as stream:
        pickle.dump({"conv1.weight": np.zeros((3, 3), np.float32)}, stream)
    weights = resolve(f"{address}/other.pdparams", tmp_path / "cache")
    (arm, _, _) = convert(
        BACKBONE, variants_of(BACKBONE), weights, tmp_path / "work", lambda _: None
    )
    assert isinstance(arm, Refused)
    assert arm.step == "export"
    assert not arm.crashed
    assert " are missing (" in arm.reason
