"""Experts: ways to tell latencies of networks from those of some, to be weighed by their errors.

Each is asked with the rows that are known, their values as logarithms, and answers for all rows.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy

from controller.ranking.prediction.networks import Array

Places: TypeAlias = npt.NDArray[np.intp]

MOST_STEPS: Final = 1000
"""Of non-negative least squares: three a column, which SciPy takes by itself, may be too few."""
_RIDGE: Final = 0.01
_LEAST_SHARE: Final = 1e-9
_LEAST_OFF: Final = 1e-3


class Told(NamedTuple):
    """What an expert says of every row: logarithms, and their standard deviations if it has any."""

    logs: Array
    deviations: Array | None = None


Expert: TypeAlias = Callable[[Places, Array], Told]


def additive(costs: Array, known_count: int) -> Expert:
    """Latency as a sum of works, each times a cost of at least 0 that the device has for it.

    Least squares of relative errors with a little shrinkage (Lawson and Hanson's NNLS).
    """
    scaled = costs / np.maximum(costs[:known_count].mean(axis=0), _LEAST_SHARE)

    def tell(places: Places, logs: Array) -> Told:
        inverse = np.exp(-logs)
        shrinkage = _RIDGE * np.sqrt(len(places)) * np.median(inverse) * np.eye(costs.shape[1])
        matrix = np.vstack([scaled[places] * inverse[:, None], shrinkage])
        wanted = np.concatenate([np.ones(len(places)), np.zeros(costs.shape[1])])
        weights, _ = scipy.optimize.nnls(matrix, wanted, maxiter=MOST_STEPS)
        told = np.log(np.maximum(scaled @ weights, np.exp(logs.min()) * _LEAST_SHARE))
        return Told(told)

    return tell


def alike(table: Array) -> Expert:
    """What the settings that are most like this one take, each times a factor of its own.

    A setting counts by the inverse fourth power of how far its known values, so multiplied, are
    off.

    Args:
        table: logarithms, a row a network, a column a setting.
    """

    def tell(places: Places, logs: Array) -> Told:
        shifts = (logs[:, None] - table[places]).mean(axis=0)
        off = np.sqrt(np.mean((logs[:, None] - table[places] - shifts) ** 2, axis=0))
        weights = np.maximum(off, _LEAST_OFF) ** -4.0
        return Told((table + shifts) @ weights / weights.sum())

    return tell
