"""What both ways of quantising an ONNX file begin and end with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.requests import FileAnswer, ReduceRequest
from models.steps.refusal import StepRefused

_QUANTISED = frozenset({"DynamicQuantizeLinear", "QuantizeLinear"})


def prepared(request: ReduceRequest) -> str:
    """Write a file beside the output with batch norms folded and shapes known; return its path."""
    path = str(Path(request.output_path).with_suffix(".prepared.onnx"))
    # Every shape is fixed, so there is nothing symbolic to infer.
    quant_pre_process(request.source_path, path, skip_symbolic_shape=True)
    return path


def quantised(request: ReduceRequest, operators: Sequence[str]) -> FileAnswer:
    """Return the written file's size.

    Raises:
        StepRefused: nothing in it is quantised.
    """
    model = onnx.load(request.output_path)
    if not any(node.op_type in _QUANTISED for node in model.graph.node):
        raise StepRefused(
            f"nothing of it can be quantised, for it has no {' or '.join(operators)} with constant "
            "weights; ask for another precision"
        )
    return FileAnswer(size_bytes=Path(request.output_path).stat().st_size)
