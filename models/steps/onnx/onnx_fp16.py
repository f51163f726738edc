"""Step: make a float16 ONNX file, whose inputs and outputs stay as they are."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from models.processes.requests import FileAnswer, ReduceRequest
from models.recipes import reduction
from models.steps.onnx.reducing import refuse_half
from models.steps.onnx.versions import stamp_lowest


def run(request: ReduceRequest) -> FileAnswer:
    """Write the float16 file.

    Raises:
        StepRefused: the source is in float16 already.
    """
    refuse_half(request)
    model = convert_float_to_float16(
        onnx.load(request.source_path),
        keep_io_types=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *reduction.FP16_KEPT_OPERATORS],
    )
    versions = stamp_lowest(model)
    onnx.save(model, request.output_path)
    return FileAnswer(Path(request.output_path).stat().st_size, versions)
