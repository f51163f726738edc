"""A network with its weights, as the steps that export and judge it have it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from models.processes.requests import ExportRequest
from models.recipes import synthetic as recipe
from models.steps.paddle import architectures, pretrained, synthetic
from models.steps.paddle.blank import blank_weights
from models.steps.parity.compare import Array
from models.steps.refusal import StepRefused
from protos.reference.differences import relative_difference

NUDGE_SEED = 30_000


def with_weights(request: ExportRequest, inputs: Array) -> tuple[Any, list[Array] | None]:
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
        outputs = run_all(network, inputs)
        if synthetic.has_sane_scale(outputs[0]):
            break
    return network, outputs


def _build(request: ExportRequest) -> tuple[Any, int]:
    """Return the network and the size that synthetic weights are calibrated at."""
    side = request.input_size.height
    # None of those that are told a size is told two.
    if request.input_size.is_square and request.input_size != request.evaluation_size:
        network = architectures.build_for_size(request.architecture, side, request.classes)
        if network is not None:
            return network, side
    # One backbone has the same weights at every size, since its parameters allow it.
    network = architectures.build(request.architecture, request.classes)
    return network, request.evaluation_size.height


@contextmanager
def refusing_size(request: ExportRequest) -> Iterator[None]:
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


def rounding_difference(network: Any, inputs: Array, outputs: list[Array]) -> float:
    """Return how far outputs move when each number of the inputs moves by one rounding.

    No two orders of summation can be expected to agree better than that.
    """
    rng = np.random.default_rng(NUDGE_SEED)
    signs = rng.choice(np.array([-1.0, 1.0], np.float32), inputs.shape)
    nudged = (inputs * (1 + signs * np.finfo(np.float32).eps)).astype(np.float32)
    moved = run_all(network, nudged)
    return max(relative_difference(a, b) for a, b in zip(moved, outputs, strict=True))


def run_all(network: Any, inputs: Array) -> list[Array]:
    """Return each output of the network, stacked over the inputs."""
    runs = []
    with paddle.no_grad():
        for image in inputs:
            outputs = network(paddle.to_tensor(image))
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            runs.append([output.numpy() for output in outputs])
    return [np.stack(each) for each in zip(*runs, strict=True)]
