"""How far outputs are from those that they should be."""

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]


def relative_difference(outputs: Numbers, reference: Numbers, least_score: float = 0.0) -> float:
    """Return max|outputs - reference| / max|reference|, infinite where it cannot be said.

    Of a reference within 0 and 1 the largest counts as at least `least_score`.

    Not a number, infinity, another shape or a reference of zeros give infinity: none of them
    can pass a tolerance.
    """
    if outputs.shape != reference.shape or not np.isfinite(outputs).all():
        return float("inf")
    scale = _scale(reference, float(np.abs(reference).max(initial=0.0)), least_score)
    if scale == 0.0 or not np.isfinite(scale):
        return float("inf")
    difference = np.abs(outputs.astype(np.float64) - reference.astype(np.float64))
    return float(difference.max(initial=0.0)) / scale


def l2_relative_difference(outputs: Numbers, reference: Numbers, least_score: float = 0.0) -> float:
    """Return ||outputs - reference|| / ||reference|| by the sums of squares, else as above."""
    if outputs.shape != reference.shape or not np.isfinite(outputs).all():
        return float("inf")
    wanted = reference.astype(np.float64)
    scale = _scale(reference, float(np.linalg.norm(wanted)), least_score)
    if scale == 0.0 or not np.isfinite(scale):
        return float("inf")
    return float(np.linalg.norm(outputs.astype(np.float64) - wanted)) / scale


def top1_agreement(outputs: npt.NDArray[Any], reference: npt.NDArray[Any]) -> float:
    """Return the share of score vectors, 0 to 1, whose largest score is that of the reference.

    No accuracy: both may be wrong. The last axis holds the scores.
    """
    return float((outputs.argmax(axis=-1) == reference.argmax(axis=-1)).mean())


def _scale(reference: Numbers, size: float, least_score: float) -> float:
    """The size of a reference, that of scores at least the least one."""
    largest, smallest = reference.max(initial=0.0), reference.min(initial=0.0)
    return max(size, least_score) if largest <= 1 and smallest >= 0 else size
