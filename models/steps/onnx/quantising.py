"""What both ways of quantising an ONNX file begin and end with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.processes.requests import FileAnswer, ReduceRequest
from models.steps.onnx.contents import is_quantised
from models.steps.onnx.reducing import refuse_half
from models.steps.onnx.versions import stamp_lowest
from models.steps.refusal import StepRefused

_QUANTISED = frozenset({"DynamicQuantizeLinear", "QuantizeLinear"})


@contextmanager
def prepared(request: ReduceRequest) -> Iterator[str]:
    """Give the path of a file, while inside, with batch norms folded and shapes known.

    Raises:
        StepRefused: the file is quantised or in float16 already.
    """
    refuse_half(request)
    if is_quantised(onnx.load(request.source_path)):
        raise StepRefused(
            "it is quantised by itself, and is not quantised again: ask for fp32, which is the "
            "model as it was brought"
        )
    path = Path(request.output_path).with_suffix(".prepared.onnx")
    # Every shape is fixed, so there is nothing symbolic to infer.
    quant_pre_process(request.source_path, str(path), skip_symbolic_shape=True)
    yield str(path)
    # As large as the float32 file; where the step fails, it goes with the whole folder.
    path.unlink()


def quantised(request: ReduceRequest, operators: Sequence[str]) -> FileAnswer:
    """Write the file anew without what it does not need, and return what it is.

    Raises:
        StepRefused: nothing in it is quantised.
    """
    model = onnx.load(request.output_path)
    if not any(node.op_type in _QUANTISED for node in model.graph.node):
        raise StepRefused(
            f"nothing of it can be quantised, for it has no {' or '.join(operators)} with constant "
            "weights; ask for another precision"
        )
    versions = stamp_lowest(model)
    onnx.save(model, request.output_path)
    return FileAnswer(Path(request.output_path).stat().st_size, versions)
