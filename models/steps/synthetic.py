"""Seeded weights whose batch norms are calibrated, so that activations keep a sane scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle

from models.recipe import CALIBRATION_IMAGES, CALIBRATION_SEED, OUTPUT_SCALE_BOUNDS
from models.steps.noise import noise_images
from models.steps.refusal import StepRefused


def calibrate(network: Any, input_size: int) -> None:
    """Set every batch norm's running statistics to those of one batch of noise.

    Batch norms run in training mode with no memory of what was before, everything else (dropout,
    stochastic depth) in evaluation mode. Each layer sees inputs that the layers before it have
    normalised already, so one pass is exact.
    """
    norms = [layer for layer in network.sublayers() if _is_batch_norm(layer)]
    momenta = [layer._momentum for layer in norms]
    for layer in norms:
        layer.train()
        layer._momentum = 0.0
    images = noise_images(CALIBRATION_IMAGES, input_size, CALIBRATION_SEED)
    with paddle.no_grad():
        network(paddle.to_tensor(images))
    for layer, momentum in zip(norms, momenta, strict=True):
        layer._momentum = momentum
        layer.eval()


def check_scale(outputs: np.ndarray[Any, Any]) -> float:
    """Return the standard deviation of the outputs.

    Raises:
        StepRefused: they are not finite, or beyond `OUTPUT_SCALE_BOUNDS`.
    """
    low, high = OUTPUT_SCALE_BOUNDS
    scale = float(outputs.std())
    if not low <= scale <= high:
        raise StepRefused(
            f"synthetic weights give outputs of scale {scale:.2g}, outside {low:g} to {high:g}, "
            "where no comparison between runtimes means anything"
        )
    return scale


def _is_batch_norm(layer: Any) -> bool:
    # The two families have no common parent below Layer.
    return isinstance(layer, paddle.nn.BatchNorm | paddle.nn.layer.norm._BatchNormBase)
