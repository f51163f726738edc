"""The inputs that every artifact of a program is compared on, and their outputs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.catalog.precisions import Precision
from models.recipes.acceptance import ACCEPTANCE
from models.steps.parity.compare import Array
from models.steps.parity.noise import noise_images

REFERENCE_INPUTS = ACCEPTANCE[Precision.FP32].input_count
REFERENCE_SEED = 20_000
FURTHER_SEED = 20_001


def reference_inputs(batch: int, input_size: int) -> Array:
    """Return the inputs that float32 is compared on, which every precision begins with.

    They are shaped (inputs, batch, 3, input_size, input_size).
    """
    return _inputs(REFERENCE_INPUTS, batch, input_size, REFERENCE_SEED)


def further_inputs(count: int, batch: int, input_size: int) -> Array:
    """Return what comes after those of float32 among `count` inputs, possibly none.

    They have a seed of their own, since more images of one seed are other images.
    """
    return _inputs(count - REFERENCE_INPUTS, batch, input_size, FURTHER_SEED)


def _inputs(count: int, batch: int, input_size: int, seed: int) -> Array:
    images = noise_images(count * batch, input_size, seed)
    return images.reshape(count, batch, *images.shape[1:])


def save_reference(path: Path, inputs: Array, outputs: Sequence[Array], origin: str) -> None:
    """Write inputs and outputs, each stacked over the inputs, and what computed them."""
    named = {f"output_{i}": output for i, output in enumerate(outputs)}
    np.savez(path, inputs=inputs, output_count=len(outputs), origin=origin, **named)
