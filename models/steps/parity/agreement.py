"""What is left of a network's answers after its precision was reduced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]

_NOTHING = 1e-12


def least_correlation(outputs: Sequence[Scores], reference: Sequence[Scores]) -> float:
    """Return the smallest `correlation` over the outputs."""
    return min(map(correlation, outputs, reference))


def correlation(output: Scores, reference: Scores) -> float:
    """Return how well what tells the inputs apart is kept, -1 to 1.

    Each score vector less its mean is scaled to unit length; what all inputs have in common is
    taken away; what is left is correlated with the reference's. A network that gives the same
    scores for every image has 0, however near those are to the reference's. A reference that tells
    no inputs apart, as with one score, leaves nothing to lose: 1.
    """
    ours, theirs = _telling_apart(output), _telling_apart(reference)
    scale = float(np.linalg.norm(theirs))
    if scale < _NOTHING:
        return 1.0
    return float((ours * theirs).sum()) / (scale * max(float(np.linalg.norm(ours)), _NOTHING))


def _telling_apart(scores: Scores) -> npt.NDArray[np.float64]:
    vectors = scores.reshape(-1, scores.shape[-1]).astype(np.float64)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.maximum(lengths, np.finfo(np.float64).tiny)
    centred: npt.NDArray[np.float64] = vectors - vectors.mean(axis=0)
    return centred
