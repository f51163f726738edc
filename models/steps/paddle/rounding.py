"""Step: find out how far a program's outputs move when its input moves by one rounding."""

from __future__ import annotations

import paddle

from models.processes.requests import RoundingAnswer, RoundingRequest
from models.steps.paddle.network import rounding_difference
from models.steps.parity.compare import check_sensitivity, read_reference
from protos.reference.noise import REFERENCE_INPUTS


def run(request: RoundingRequest) -> RoundingAnswer:
    """Run the exported program on reference inputs that are off by one rounding.

    Raises:
        StepRefused: outputs move so far that no comparison of them means anything.
    """
    program = paddle.jit.load(request.program_prefix)
    program.eval()
    reference = read_reference(request.reference_path, REFERENCE_INPUTS)
    difference = rounding_difference(program, reference.inputs, reference.outputs)
    check_sensitivity(difference)
    return RoundingAnswer(difference)
