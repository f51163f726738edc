"""Step: find out how far a network's outputs move when its input moves by one rounding."""

from __future__ import annotations

import numpy as np
import paddle

from models.acceptance import MAX_ROUNDING_DIFFERENCE
from models.requests import ExportRequest, RoundingAnswer
from models.steps.fusion import fuse_blocks
from models.steps.network import rounding_difference, with_weights
from models.steps.reference import reference_inputs
from models.steps.refusal import StepRefused
from models.steps.rewriting import rewrite


def run(request: ExportRequest) -> RoundingAnswer:
    """Build the network as it was exported, and compare with the reference that was written then.

    Raises:
        StepRefused: outputs move so far that no comparison of them means anything.
    """
    paddle.seed(request.seed)
    inputs = reference_inputs(request.batch, request.input_size)
    network, _ = with_weights(request, inputs)
    fuse_blocks(network)
    rewrite(network, inputs[0])
    with np.load(request.reference_path) as stored:
        count = int(stored["output_count"])
        outputs = [stored[f"output_{i}"][: len(inputs)] for i in range(count)]
    difference = rounding_difference(network, inputs, outputs)
    if not difference <= MAX_ROUNDING_DIFFERENCE:
        raise StepRefused(
            f"one rounding of its input moves the outputs by {difference:.2g} relative, so that no "
            "comparison between runtimes means anything"
        )
    return RoundingAnswer(difference)
