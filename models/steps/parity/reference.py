"""The inputs that every artifact of a program is compared on, and their outputs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalog.precisions import Precision
from models.recipes.acceptance import ACCEPTANCE
from models.steps.parity.compare import Array
from models.steps.parity.noise import noise_inputs
from protos.inputs import NetworkInput

REFERENCE_INPUTS = ACCEPTANCE[Precision.FP32].input_count
REFERENCE_SEED = 20_000
FURTHER_SEED = 20_001


def reference_inputs(takes: NetworkInput) -> npt.NDArray[Any]:
    """Return the inputs that float32 is compared on, which every precision begins with.

    They are shaped (inputs, *takes.shape).
    """
    return noise_inputs(REFERENCE_INPUTS, takes, REFERENCE_SEED)


def further_inputs(count: int, takes: NetworkInput) -> npt.NDArray[Any]:
    """Return what comes after those of float32 among `count` inputs, possibly none.

    They have a seed of their own, since more images of one seed are other images.
    """
    return noise_inputs(count - REFERENCE_INPUTS, takes, FURTHER_SEED)


def save_reference(path: Path, inputs: Array, outputs: Sequence[Array], origin: str) -> None:
    """Write inputs and outputs, each stacked over the inputs, and what computed them."""
    named = {f"output_{i}": output for i, output in enumerate(outputs)}
    np.savez(path, inputs=inputs, output_count=len(outputs), origin=origin, **named)
