"""The runner gives a network what it takes: bytes, halves, other axes, inputs besides the image."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from agent.child.inputs import make_inputs
from agent.measuring.measurer import Measurer
from agent.measuring.native.child import NativeChild
from agent.measuring.native.finding import infos_of
from agent.measuring.supervision import Cancellation, MeasuringFailed
from protos.inputs import ConstantInput, ElementType, ImageSize, InputKind, Layout, NetworkInput
from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from protos.runtimes import Runtime
from tests.integration.agent.networks import settings
from tests.own_networks import save_onnx, strange_network

RUNTIME = Runtime.ONNXRUNTIME
FACTOR = ConstantInput(
    name="scale_factor",
    element_type=ElementType.FLOAT32,
    shape=(2,),
    values=(1.0, 0.5),
    for_each_image=True,
)
BYTES = NetworkInput(
    size=ImageSize(48, 64),
    batch=4,
    kind=InputKind(
        layout=Layout.NHWC, element_type=ElementType.UINT8, channels=1, constants=(FACTOR,)
    ),
)
HALVES = NetworkInput(
    size=ImageSize(64, 64), kind=InputKind(element_type=ElementType.FLOAT16, channels=3)
)


def bytes_network() -> onnx.ModelProto:
    return strange_network(
        BYTES.shape, kind=TensorProto.UINT8, channels=1, is_nhwc=True, factor=(4, 2)
    )


def halves_network() -> onnx.ModelProto:
    half = TensorProto.FLOAT16
    return strange_network(HALVES.shape, kind=half, output_kind=half)


@pytest.fixture
def measurer(native: NativeChild) -> Measurer:
    return Measurer(runtimes=infos_of({RUNTIME: native}), children={RUNTIME: native})


@pytest.mark.parametrize(
    ("network", "takes"),
    [(bytes_network(), BYTES), (halves_network(), HALVES)],
    ids=["bytes", "halves"],
)
def test_a_network_is_given_what_it_takes(
    measurer: Measurer, network: onnx.ModelProto, takes: NetworkInput, tmp_path: Path
) -> None:
    artifact = save_onnx(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(str(artifact))
    constants = make_inputs(takes, 0).constants
    inputs = np.stack(list(reference_inputs(takes)))
    outputs = [session.run(None, {"image": images, **constants})[0] for images in inputs]
    write_outputs(tmp_path / "outputs", inputs, [np.stack(outputs)])
    measured = measurer.measure(
        artifact,
        replace(settings(RUNTIME), takes=takes),
        Cancellation(),
        reference=tmp_path / "outputs",
    )
    check = measured.repetition.output_check
    assert check is not None
    assert check.max_relative_difference is not None
    assert check.max_relative_difference < 1e-6
    assert check.top1_agreement == 1.0


def test_a_network_of_other_inputs_is_refused(measurer: Measurer, tmp_path: Path) -> None:
    artifact = save_onnx(bytes_network(), tmp_path / "network.onnx")
    with pytest.raises(MeasuringFailed, match="the artifact has the inputs image, scale_factor"):
        measurer.measure(artifact, settings(RUNTIME), Cancellation())
