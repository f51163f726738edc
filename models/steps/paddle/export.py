"""Step: build a network, load its weights, rewrite it, write program and reference outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from models.processes.requests import ExportAnswer, ExportRequest
from models.recipes.acceptance import ROUNDING_FACTOR
from models.steps.counting.programs import count_program, trained_parameters
from models.steps.forked import Forked
from models.steps.paddle import architectures, synthetic
from models.steps.paddle.fusion import fuse_blocks
from models.steps.paddle.network import refusing_size, rounding_difference, run_all, with_weights
from models.steps.paddle.rewriting import rewrite
from models.steps.paddle.tracing import trace
from models.steps.parity.compare import Array, check_sensitivity
from models.steps.parity.reference import further_inputs, reference_inputs, save_reference
from models.steps.refusal import StepRefused
from protos.inputs import NetworkInput
from protos.reference.differences import relative_difference

# Fusing and passes reorder float32 sums; a wrong one is off by orders of magnitude more.
REWRITE_TOLERANCE = 1e-4


def read_libraries() -> None:
    """Read what `run` would read, see `models.steps.forkserver`."""
    architectures.source_modules()


def run(request: ExportRequest) -> Iterator[ExportAnswer | None]:
    """Write the program, which is a milestone, and the reference outputs.

    What Paddle computes, and whether it may be relied on, is found out in a fork, while this
    process writes the program.

    Raises:
        StepRefused: the architecture, its weights, its rewriting or its outputs are not right.
    """
    paddle.seed(request.seed)
    takes = NetworkInput(size=request.input_size, batch=request.batch)
    inputs = reference_inputs(takes)
    with refusing_size(request):
        network, before = with_weights(request, inputs)
    reference = Forked(lambda: _refer(network, request, inputs, before))
    try:
        fuse_blocks(network)
        rewrite(network, inputs[0])
        program = _save_program(network, request)
        yield None
    finally:
        # What is wrong with the outputs says more than what it makes of the program.
        answer = reference.result()
    if request.batch == 1:
        answer = replace(answer, count=count_program(program, trained_parameters(program)))
    yield answer


def _refer(
    network: Any, request: ExportRequest, inputs: Array, known: list[Array] | None
) -> ExportAnswer:
    """Rewrite the network, too, write its outputs, and say how they came.

    Args:
        network: as it was built.
        request: of the step.
        inputs: the first reference inputs.
        known: the network's outputs, where they are known already.
    """
    with refusing_size(request):
        before = run_all(network, inputs) if known is None else known
    fused_blocks = fuse_blocks(network)
    passes = rewrite(network, inputs[0])
    outputs = run_all(network, inputs) if fused_blocks or passes else before
    difference = max(relative_difference(a, b) for a, b in zip(outputs, before, strict=True))
    _check_numbers(outputs)
    if request.weights_path is None:
        synthetic.check_scale(outputs[0])
    if not difference <= REWRITE_TOLERANCE:
        rounding = rounding_difference(network, inputs, outputs)
        check_sensitivity(rounding)
        if not difference <= ROUNDING_FACTOR * rounding:
            raise StepRefused(_changed(fused_blocks, passes, difference))
    takes = NetworkInput(size=request.input_size, batch=request.batch)
    further = further_inputs(request.reference_inputs, takes)
    if len(further):
        more = run_all(network, further)
        inputs = np.concatenate([inputs, further])
        outputs = [np.concatenate(pair) for pair in zip(outputs, more, strict=True)]
    save_reference(Path(request.reference_path), inputs, outputs, "Paddle")
    return ExportAnswer(fused_blocks, passes, difference, output_scale=float(outputs[0].std()))


def _check_numbers(outputs: list[Array]) -> None:
    if not all(np.isfinite(output).all() for output in outputs):
        raise StepRefused("Paddle's own outputs are not finite numbers")
    if not all(output.any() for output in outputs):
        raise StepRefused("Paddle's own outputs are all zero")


def _changed(fused_blocks: int, passes: tuple[str, ...], difference: float) -> str:
    changes = [f"fusing {fused_blocks} blocks"] if fused_blocks else []
    changes += [f"the pass {name}" for name in passes]
    return f"{' and '.join(changes)} changed the outputs by {difference:.2g} relative"


def _save_program(network: Any, request: ExportRequest) -> Any:
    """Write the program, and return it."""
    takes = NetworkInput(size=request.input_size, batch=request.batch)
    static = trace(network, takes.shape)
    # clip_extra drops attributes and outputs that Paddle Lite insists on.
    paddle.jit.save(static, request.program_prefix, clip_extra=False)
    return static.forward.main_program
