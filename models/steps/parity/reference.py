"""The inputs that every artifact of a program is compared on, and their outputs, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.processes.requests import device_reference
from models.steps.parity.compare import Array
from protos.inputs import NetworkInput
from protos.reference.noise import REFERENCE_INPUTS, REFERENCE_SEED, noise_inputs
from protos.reference.outputs import write_outputs

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


def save_reference(
    path: Path, inputs: Array, outputs: Sequence[Array], origin: str, least_score: float = 0.0
) -> None:
    """Write inputs and outputs, each stacked over the inputs, and what computed them.

    Beside that file comes the small one that goes where artifacts are measured.
    """
    named = {f"output_{i}": output for i, output in enumerate(outputs)}
    np.savez(path, inputs=inputs, output_count=len(outputs), origin=origin, **named)
    write_outputs(device_reference(path), inputs, outputs, least_score)
