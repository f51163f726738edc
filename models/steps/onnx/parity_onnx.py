"""Step: compare an ONNX artifact's outputs in ONNX Runtime with Paddle's."""

from __future__ import annotations

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)

from models.processes.requests import ParityAnswer, ParityRequest
from models.steps.confinement import start_no_more
from models.steps.parity.compare import Array, Constants, Infer, compare_with_reference
from models.steps.refusal import refused_by_tool

_REFUSALS = (Fail, InvalidGraph, InvalidProtobuf, NotImplemented, RuntimeException)


def run(request: ParityRequest) -> ParityAnswer:
    """Compare; see `compare_with_reference`."""
    return compare_with_reference(lambda: _load(request.artifact_path), request)


def _load(path: str) -> Infer:
    start_no_more()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except _REFUSALS as error:
        raise refused_by_tool("ONNX Runtime does not load it", str(error)) from error
    names = [each.name for each in session.get_inputs()]

    def infer(image: Array, constants: Constants) -> list[Array]:
        (name,) = (each for each in names if each not in constants)
        outputs: list[Array] = session.run(None, {name: image, **constants})
        return outputs

    return infer
