"""What simulated races expect latencies to be, by those of a few: from two sizes alone.

A Gaussian process over the logarithms of multiply-adds and parameters, with a linear trend
(Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2 and 5): exact,
its three lengths chosen by the likelihood from a small grid. Published tables tell no more of
their backbones; races for real are expected by `controller.ranking.prediction`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from controller.ranking.racing.beliefs import Prior

# Fewer tell nothing of how far such predictions are off.
LEAST_MEASURED: Final = 6
# Of the trend, on logarithms: nothing is known of it.
_TREND: Final = 3.0
_SHAPES: Final = tuple(itertools.product((0.15, 0.3), (0.5, 1.5), (0.05, 0.12)))
_Array = NDArray[np.float64]


def expected(
    sizes: Mapping[str, tuple[float, float]], medians_ms: Mapping[str, float]
) -> dict[str, Prior]:
    """Return what is expected of each that was not measured; nothing where too few were.

    An expectation's deviation is what the process says, or how far it is off for those that were
    measured when each is left out, whichever is larger.

    Args:
        sizes: multiply-adds and parameters, both above 0, by name.
        medians_ms: what was measured, ms, by names of the same.
    """
    wanted = [name for name in sizes if name not in medians_ms]
    measured = [name for name in medians_ms if name in sizes]
    if len(measured) < LEAST_MEASURED or not wanted:
        return {}
    logs = {name: np.log(pair) for name, pair in sizes.items()}
    at = np.array([logs[name] for name in measured])
    centre, scale = at.mean(axis=0), np.maximum(at.std(axis=0), 1e-3)
    at = (at - centre) / scale
    to = (np.array([logs[name] for name in wanted]) - centre) / scale
    values = np.log([medians_ms[name] for name in measured])
    level = values.mean()
    fits = [(_fitted(at, values - level, shape), shape) for shape in _SHAPES]
    (_, factor, weights), shape = max(fits, key=lambda fit: fit[0][0])
    across = _kernel(to, at, shape)
    means = level + across @ weights
    solved = linalg.cho_solve(factor, across.T)
    own = _TREND**2 * (1 + np.sum(to**2, axis=1)) + shape[0] ** 2 + shape[2] ** 2
    variances = np.maximum(own - np.sum(across * solved.T, axis=1), 1e-6)
    inverse = np.diag(linalg.cho_solve(factor, np.eye(len(measured))))
    off = math.sqrt(float(np.mean((weights / inverse) ** 2)))
    return {
        name: Prior(median_ms=math.exp(mean), deviation=max(math.sqrt(variance), off))
        for name, mean, variance in zip(wanted, means, variances, strict=True)
    }


def first_measured(sizes: Mapping[str, tuple[float, float]], count: int) -> tuple[str, ...]:
    """Return those that tell most of the others: the farthest from each other, largest first.

    Each is the one farthest from those before it (Gonzalez, Clustering to Minimize the Maximum
    Intercluster Distance, 1985), on the logarithms of both sizes.
    """
    names = list(sizes)
    if not names or count <= 0:
        return ()
    logs = np.log(np.array([sizes[name] for name in names]))
    chosen = [int(np.argmax(logs[:, 0]))]
    apart = np.linalg.norm(logs - logs[chosen[0]], axis=1)
    while len(chosen) < min(count, len(names)):
        chosen.append(int(np.argmax(np.where(np.isin(np.arange(len(names)), chosen), -1, apart))))
        apart = np.minimum(apart, np.linalg.norm(logs - logs[chosen[-1]], axis=1))
    return tuple(names[place] for place in chosen)


def _kernel(one: _Array, other: _Array, shape: Sequence[float]) -> _Array:
    height, length, _ = shape
    apart = np.sum((one[:, None, :] - other[None, :, :]) ** 2, axis=2)
    near = height**2 * np.exp(-apart / (2 * length**2))
    kernel: _Array = _TREND**2 * (1 + one @ other.T) + near
    return kernel


def _fitted(
    at: _Array, values: _Array, shape: Sequence[float]
) -> tuple[float, tuple[_Array, bool], _Array]:
    """The likelihood of what was measured, the factor of its covariance, and its weights."""
    covariance = _kernel(at, at, shape) + np.eye(len(at)) * shape[2] ** 2
    factor = linalg.cho_factor(covariance, lower=True)
    weights: _Array = linalg.cho_solve(factor, values)
    determinant = 2 * float(np.sum(np.log(np.diag(factor[0]))))
    return -float(values @ weights) - determinant, factor, weights
