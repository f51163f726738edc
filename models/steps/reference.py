"""The inputs that every artifact of a program is compared on, and their outputs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.steps.compare import Array
from models.steps.noise import noise_images

REFERENCE_INPUTS = 4
REFERENCE_SEED = 20_000


def reference_inputs(batch: int, input_size: int) -> Array:
    """Return the inputs, shaped (inputs, batch, 3, input_size, input_size)."""
    images = noise_images(REFERENCE_INPUTS * batch, input_size, REFERENCE_SEED)
    return images.reshape(REFERENCE_INPUTS, batch, *images.shape[1:])


def save_reference(path: Path, inputs: Array, outputs: Sequence[Array], origin: str) -> None:
    """Write inputs and outputs, each stacked over the inputs, and what computed them."""
    named = {f"output_{i}": output for i, output in enumerate(outputs)}
    np.savez(path, inputs=inputs, output_count=len(outputs), origin=origin, **named)
