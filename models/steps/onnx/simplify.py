"""Step: simplify an ONNX file: shapes, constants and identities that no runtime has to work out."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxslim

from models.processes.requests import FileAnswer, SimplifyRequest
from models.steps.onnx.versions import stamp_lowest
from models.steps.refusal import StepRefused


def run(request: SimplifyRequest) -> FileAnswer:
    """Write the simplified file.

    Raises:
        StepRefused: nothing is left of the model that computes anything.
    """
    simplified = onnxslim.slim(onnx.load(request.source_path))
    if simplified is None or not simplified.graph.node:
        raise StepRefused("onnxslim left nothing of the model")
    versions = stamp_lowest(simplified)
    onnx.save(simplified, request.output_path)
    return FileAnswer(Path(request.output_path).stat().st_size, versions)
