"""The parity measure: how far one runtime's outputs are from Paddle's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.requests import ParityAnswer
from models.steps.refusal import StepRefused

Array = npt.NDArray[np.float32]


def relative_difference(outputs: Array, reference: Array) -> float:
    """Return max|outputs - reference| / max|reference|, infinite where it cannot be said.

    Not a number, infinity, another shape or a reference of zeros give infinity: none of them
    can pass a tolerance.
    """
    if outputs.shape != reference.shape or not np.isfinite(outputs).all():
        return float("inf")
    scale = float(np.abs(reference).max(initial=0.0))
    if scale == 0.0 or not np.isfinite(scale):
        return float("inf")
    difference = np.abs(outputs.astype(np.float64) - reference.astype(np.float64))
    return float(difference.max(initial=0.0)) / scale


def compare_with_reference(
    run: Callable[[Array], Sequence[Array]], reference_path: Path, tolerance: float
) -> ParityAnswer:
    """Run every reference input through `run` and compare all outputs.

    Args:
        run: one inference: a batch of images in, the outputs in the network's order out.
        reference_path: the `.npz` that the export wrote.
        tolerance: largest relative difference that passes.

    Raises:
        StepRefused: an output is not finite, has another shape, or differs beyond tolerance.
    """
    with np.load(reference_path) as stored:
        inputs = stored["inputs"]
        origin = str(stored["origin"]) if "origin" in stored else "Paddle"
        references = [stored[f"output_{i}"] for i in range(int(stored["output_count"]))]
    worst = 0.0
    for number, image in enumerate(inputs):
        outputs = run(image)
        if len(outputs) != len(references):
            raise StepRefused(
                f"gives {len(outputs)} outputs where {origin} gives {len(references)}"
            )
        for output, reference in zip(outputs, references, strict=True):
            difference = relative_difference(output, reference[number])
            if not difference <= tolerance:
                raise StepRefused(_describe(number, output, reference[number], tolerance, origin))
            worst = max(worst, difference)
    return ParityAnswer(max_relative_difference=worst, input_count=len(inputs))


def _describe(number: int, output: Array, reference: Array, tolerance: float, origin: str) -> str:
    where = f"on reference input {number}"
    if output.shape != reference.shape:
        return f"the output's shape {where} is {output.shape} where {origin}'s is {reference.shape}"
    broken = int(output.size - np.isfinite(output).sum())
    if broken:
        return f"{broken} of {output.size} outputs {where} are not finite numbers"
    worst = int(np.abs(output - reference).argmax())
    return (
        f"outputs {where} differ from {origin}'s by {relative_difference(output, reference):.2g} "
        f"relative, beyond the tolerance of {tolerance:g} (worst: {output.flat[worst]:.6g} "
        f"against {reference.flat[worst]:.6g})"
    )
