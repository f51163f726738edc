"""Step: make an ONNX file with int8 weights in its matrix products, ranges taken while it runs."""

from __future__ import annotations

from onnxruntime.quantization import QuantType, quantize_dynamic

from models.processes.requests import FileAnswer, ReduceRequest
from models.recipes import reduction
from models.steps.onnx.quantising import prepared, quantised


def run(request: ReduceRequest) -> FileAnswer:
    """Write the quantised file.

    Raises:
        StepRefused: nothing of it could be quantised.
    """
    with prepared(request) as source:
        quantize_dynamic(
            source,
            request.output_path,
            op_types_to_quantize=list(reduction.DYNAMIC_OPERATORS),
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    return quantised(request, reduction.DYNAMIC_OPERATORS)
