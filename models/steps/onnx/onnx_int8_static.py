"""Step: make an ONNX file with int8 weights and activations, ranges taken from noise images."""

from __future__ import annotations

from typing import Any

import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.calibrate import CalibraterBase

from models.processes.requests import FileAnswer, ReduceRequest
from models.recipes import reduction
from models.steps.onnx.quantising import prepared, quantised
from models.steps.parity.compare import Constants
from models.steps.parity.constants import constant_arrays
from protos.inputs import NetworkInput
from protos.reference.noise import noise_inputs


class _RangeImages(CalibrationDataReader):  # type: ignore[misc]
    """Batches of noise images, as the tool asks for them."""

    def __init__(self, model_path: str, takes: NetworkInput) -> None:
        inputs = _session(model_path, onnxruntime.SessionOptions()).get_inputs()
        self._constants = constant_arrays(takes.kind.constants, takes.batch)
        (self._name,) = (each.name for each in inputs if each.name not in self._constants)
        count = -(-reduction.RANGE_IMAGES // takes.batch)
        self._batches = iter(noise_inputs(count, takes, reduction.RANGE_SEED))

    def get_next(self) -> Constants | None:
        """Return the next batch and the other inputs by name, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {self._name: batch, **self._constants}


def run(request: ReduceRequest) -> FileAnswer:
    """Write the quantised file.

    Raises:
        StepRefused: nothing of it could be quantised.
    """
    # The tool has no option for it, and takes every core by itself.
    CalibraterBase.create_inference_session = _create_session
    with prepared(request) as source:
        quantize_static(
            source,
            request.output_path,
            _RangeImages(source, request.takes),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(reduction.STATIC_OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    return quantised(request, reduction.STATIC_OPERATORS)


def _create_session(calibrater: Any) -> None:
    """Create the session that ranges are taken in as the tool does, with one thread."""
    options = onnxruntime.SessionOptions()
    # An optimised graph would lack activations that ranges are wanted of.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    calibrater.infer_session = _session(calibrater.augmented_model_path, options)


def _session(path: str, options: Any) -> Any:
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
