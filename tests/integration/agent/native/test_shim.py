"""The shim is built by its script and measured through, over a fake Paddle Lite."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from agent.measuring.measurer import Measurer
from agent.measuring.native.child import NativeChild
from agent.measuring.native.finding import infos_of
from agent.measuring.supervision import Cancellation, MeasuringFailed
from protos.reasons import ReasonCode
from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from protos.runtimes import Runtime
from tests.integration.agent.networks import settings, takes

FAKE = Path(__file__).with_name("fake_paddlelite")
BUILD = "agent/native/paddlelite_shim/build-shim"
RUNTIME = Runtime.PADDLELITE


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a build of Paddle Lite would leave."""
    folder = tmp_path_factory.mktemp("inference_lite_lib") / "cxx"
    for name in ("include", "lib"):
        (folder / name).mkdir(parents=True)
    shutil.copy(FAKE / "paddle_api.h", folder / "include")
    library = folder / "lib" / "libpaddle_light_api_shared.so"
    command = ("c++", "-std=c++14", "-shared", "-fPIC", FAKE / "fake.cpp", "-o", library)
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def measurer(runner: Path, built: Path) -> Measurer:
    shim = subprocess.run([BUILD, str(built)], capture_output=True, text=True, check=True)
    child = NativeChild(runner=runner, library=Path(shim.stdout.strip()))
    return Measurer(runtimes=infos_of({RUNTIME: child}), children={RUNTIME: child})


def test_a_network_is_measured_through_the_shim(measurer: Measurer, tmp_path: Path) -> None:
    (tmp_path / "network.nb").write_text("adder")
    inputs = np.stack(list(reference_inputs(takes("tiny"))))
    sums = [[[image.astype(np.float64).sum(), 1.0]] for image in inputs]
    write_outputs(tmp_path / "outputs", inputs, [np.array(sums, np.float32)])
    measured = measurer.measure(
        tmp_path / "network.nb",
        settings(RUNTIME),
        Cancellation(),
        reference=tmp_path / "outputs",
    )
    assert measured.runtime.version == "fake"
    check = measured.repetition.output_check
    assert check is not None
    assert check.max_relative_difference is not None
    assert check.max_relative_difference < 1e-4


def test_what_the_library_refuses_is_told_in_its_words(measurer: Measurer, tmp_path: Path) -> None:
    (tmp_path / "network.nb").write_text("nothing")
    with pytest.raises(MeasuringFailed) as caught:
        measurer.measure(tmp_path / "network.nb", settings(RUNTIME), Cancellation())
    assert caught.value.failure.code is ReasonCode.RUNTIME_ERROR
    assert str(caught.value) == "Paddle Lite refused: no adder in the file"


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    ended = subprocess.run([BUILD, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "name the folder cxx of Paddle Lite's own build" in ended.stderr
