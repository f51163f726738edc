"""Step: find out how far a program's outputs move when its input moves by one rounding."""

from __future__ import annotations

import paddle

from models.acceptance import MAX_ROUNDING_DIFFERENCE
from models.requests import RoundingAnswer, RoundingRequest
from models.steps.compare import read_reference
from models.steps.network import rounding_difference
from models.steps.reference import REFERENCE_INPUTS
from models.steps.refusal import StepRefused


def run(request: RoundingRequest) -> RoundingAnswer:
    """Run the exported program on reference inputs that are off by one rounding.

    Raises:
        StepRefused: outputs move so far that no comparison of them means anything.
    """
    program = paddle.jit.load(request.program_prefix)
    program.eval()
    reference = read_reference(request.reference_path, REFERENCE_INPUTS)
    difference = rounding_difference(program, reference.inputs, reference.outputs)
    if not difference <= MAX_ROUNDING_DIFFERENCE:
        raise StepRefused(
            f"one rounding of its input moves the outputs by {difference:.2g} relative, so that no "
            "comparison between runtimes means anything"
        )
    return RoundingAnswer(difference)
