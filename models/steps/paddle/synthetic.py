"""Seeded weights whose batch norms are calibrated, so that activations keep a sane scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle

from models.recipes.synthetic import (
    BIAS_SCALE,
    CALIBRATION_SEED,
    INVOLUTION_BIAS_SCALE,
    INVOLUTION_WEIGHT_SHARE,
    OUTPUT_SCALE_BOUNDS,
    WEIGHT_BOUNDS,
)
from models.steps.parity.compare import Array
from models.steps.refusal import StepRefused
from protos.inputs import square
from protos.reference.noise import noise_images


def vary_constants(network: Any, seed: int) -> None:
    """Replace the trained parameters that start as one constant, so that each number counts.

    Scales become uniform within `WEIGHT_BOUNDS`, zeros normal with `BIAS_SCALE`.
    """
    rng = np.random.default_rng(seed)
    for parameter in network.parameters():
        start = parameter.numpy()
        if parameter.stop_gradient or start.size < 2 or (start != start.flat[0]).any():
            continue
        if start.flat[0] == 0:
            varied = rng.normal(0.0, BIAS_SCALE, start.shape)
        else:
            varied = rng.uniform(*WEIGHT_BOUNDS, start.shape)
        parameter.set_value(varied.astype(start.dtype))


def steady_involutions(network: Any, seed: int) -> None:
    """Let the kernels of involutions depend little on the image, see `models.recipes.synthetic`."""
    rng = np.random.default_rng(seed)
    for layer in network.sublayers():
        if type(layer).__name__ == "Involution":
            convolution = layer.conv2[0]
            convolution.weight.set_value(convolution.weight * INVOLUTION_WEIGHT_SHARE)
            bias = rng.normal(0.0, INVOLUTION_BIAS_SCALE, convolution.bias.shape)
            convolution.bias.set_value(bias.astype(np.float32))


def calibrate(network: Any, input_size: int, image_count: int) -> None:
    """Set every batch norm's running statistics to those of one batch of noise.

    Batch norms run in training mode with no memory of what was before, everything else (dropout,
    stochastic depth) in evaluation mode. Each layer sees inputs that the layers before it have
    normalised already, so one pass is exact.
    """
    norms = [layer for layer in network.sublayers() if _is_batch_norm(layer)]
    if not norms:
        return
    momenta = [layer._momentum for layer in norms]
    for layer in norms:
        layer.train()
        layer._momentum = 0.0
        # What an earlier batch left may be no number, which no momentum forgets.
        layer._mean.set_value(paddle.zeros_like(layer._mean))
        layer._variance.set_value(paddle.ones_like(layer._variance))
    images = noise_images(image_count, square(input_size), CALIBRATION_SEED)
    with paddle.no_grad():
        network(paddle.to_tensor(images))
    for layer, momentum in zip(norms, momenta, strict=True):
        layer._momentum = momentum
        layer.eval()


def has_sane_scale(outputs: Array) -> bool:
    """Say whether the outputs' standard deviation is a number within `OUTPUT_SCALE_BOUNDS`."""
    low, high = OUTPUT_SCALE_BOUNDS
    return low <= float(outputs.std()) <= high


def check_scale(outputs: Array) -> None:
    """Raise StepRefused when the outputs have no sane scale."""
    if not has_sane_scale(outputs):
        low, high = OUTPUT_SCALE_BOUNDS
        raise StepRefused(
            f"synthetic weights give outputs of scale {float(outputs.std()):.2g}, outside {low:g} "
            f"to {high:g}, where no comparison between runtimes means anything"
        )


def _is_batch_norm(layer: Any) -> bool:
    # The two families have no common parent below Layer.
    return isinstance(layer, paddle.nn.BatchNorm | paddle.nn.layer.norm._BatchNormBase)
