"""Step: build a network, load its weights, rewrite it, write program and reference outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from models import recipe
from models.acceptance import MAX_ROUNDING_DIFFERENCE, ROUNDING_FACTOR
from models.requests import ExportAnswer, ExportRequest
from models.steps import architectures, pretrained, synthetic
from models.steps.blank import blank_weights
from models.steps.compare import Array, relative_difference
from models.steps.forked import Forked
from models.steps.fusion import fuse_blocks
from models.steps.reference import further_inputs, reference_inputs, save_reference
from models.steps.refusal import StepRefused
from models.steps.rewriting import rewrite
from models.steps.tracing import trace

# Fusing and passes reorder float32 sums; a wrong one is off by orders of magnitude more.
REWRITE_TOLERANCE = 1e-4
NUDGE_SEED = 30_000


def run(request: ExportRequest) -> Iterator[ExportAnswer | None]:
    """Write the program, which is a milestone, and the reference outputs.

    What Paddle computes, and whether it may be relied on, is found out in a fork, while this
    process writes the program.

    Raises:
        StepRefused: the architecture, its weights, its rewriting or its outputs are not right.
    """
    paddle.seed(request.seed)
    inputs = reference_inputs(request.batch, request.input_size)
    with _refusing_size(request):
        network, before = _with_weights(request, inputs)
    reference = Forked(lambda: _refer(network, request, inputs, before))
    try:
        fuse_blocks(network)
        rewrite(network, inputs[0])
        _save_program(network, request)
        yield None
    finally:
        # What is wrong with the outputs says more than what it makes of the program.
        answer = reference.result()
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
    with _refusing_size(request):
        before = _run_all(network, inputs) if known is None else known
    fused_blocks = fuse_blocks(network)
    passes = rewrite(network, inputs[0])
    outputs = _run_all(network, inputs) if fused_blocks or passes else before
    difference = max(relative_difference(a, b) for a, b in zip(outputs, before, strict=True))
    rounding = _rounding_difference(network, inputs, outputs)
    amplified = ROUNDING_FACTOR * min(rounding, MAX_ROUNDING_DIFFERENCE)
    if not difference <= max(REWRITE_TOLERANCE, amplified):
        raise StepRefused(_broken(outputs, fused_blocks, passes, difference))
    if rounding > MAX_ROUNDING_DIFFERENCE:
        raise StepRefused(
            f"one rounding of its input moves the outputs by {rounding:.2g} relative, so that no "
            "comparison between runtimes means anything"
        )
    scale = float(outputs[0].std())
    if request.weights_path is None:
        synthetic.check_scale(outputs[0])
    further = further_inputs(request.reference_inputs, request.batch, request.input_size)
    if len(further):
        more = _run_all(network, further)
        inputs = np.concatenate([inputs, further])
        outputs = [np.concatenate(pair) for pair in zip(outputs, more, strict=True)]
    save_reference(Path(request.reference_path), inputs, outputs, "Paddle")
    return ExportAnswer(fused_blocks, passes, difference, scale, rounding)


def _with_weights(request: ExportRequest, inputs: Array) -> tuple[Any, list[Array] | None]:
    """Return the network, and its outputs where making the weights gave them."""
    if request.weights_path is not None:
        with blank_weights():
            network, _ = _build(request)
        pretrained.load_arrays(network, pretrained.read_arrays(Path(request.weights_path)))
        return network, None
    network, calibration_size = _build(request)
    synthetic.vary_constants(network, request.seed)
    synthetic.steady_involutions(network, request.seed)
    outputs: list[Array] = []
    for image_count in recipe.calibration_images(request.architecture):
        synthetic.calibrate(network, calibration_size, image_count)
        outputs = _run_all(network, inputs)
        if synthetic.has_sane_scale(outputs[0]):
            break
    return network, outputs


def _build(request: ExportRequest) -> tuple[Any, int]:
    """Return the network and the size that synthetic weights are calibrated at."""
    if request.input_size != request.evaluation_size:
        network = architectures.build_for_size(request.architecture, request.input_size)
        if network is not None:
            return network, request.input_size
    # One backbone has the same weights at every size, since its parameters allow it.
    return architectures.build(request.architecture), request.evaluation_size


@contextmanager
def _refusing_size(request: ExportRequest) -> Iterator[None]:
    """Refuse a size that the network does not take."""
    try:
        yield
    except (AssertionError, RuntimeError, ValueError) as error:
        if request.input_size == request.evaluation_size:
            raise
        raise StepRefused(
            f"{request.architecture} does not run on images of {request.input_size} px "
            f"(it is made for {request.evaluation_size} px)"
        ) from error


def _rounding_difference(network: Any, inputs: Array, outputs: list[Array]) -> float:
    """Return how far outputs move when each number of the inputs moves by one rounding.

    No two orders of summation can be expected to agree better than that.
    """
    rng = np.random.default_rng(NUDGE_SEED)
    signs = rng.choice(np.array([-1.0, 1.0], np.float32), inputs.shape)
    nudged = (inputs * (1 + signs * np.finfo(np.float32).eps)).astype(np.float32)
    moved = _run_all(network, nudged)
    return max(relative_difference(a, b) for a, b in zip(moved, outputs, strict=True))


def _broken(
    outputs: list[Array], fused_blocks: int, passes: tuple[str, ...], difference: float
) -> str:
    if not all(np.isfinite(output).all() for output in outputs):
        return "Paddle's own outputs are not finite numbers"
    changes = [f"fusing {fused_blocks} blocks"] if fused_blocks else []
    changes += [f"the pass {name}" for name in passes]
    if not changes:
        return "Paddle's own outputs are all zero"
    return f"{' and '.join(changes)} changed the outputs by {difference:.2g} relative"


def _run_all(network: Any, inputs: Array) -> list[Array]:
    """Return each output of the network, stacked over the inputs."""
    runs = []
    with paddle.no_grad():
        for image in inputs:
            outputs = network(paddle.to_tensor(image))
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            runs.append([output.numpy() for output in outputs])
    return [np.stack(each) for each in zip(*runs, strict=True)]


def _save_program(network: Any, request: ExportRequest) -> None:
    static = trace(network, (request.batch, 3, request.input_size, request.input_size))
    # clip_extra drops attributes and outputs that Paddle Lite insists on.
    paddle.jit.save(static, request.program_prefix, clip_extra=False)
