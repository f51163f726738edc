"""Networks as numbers: what they cost by kind of work, and how like each other they are."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from models.catalog.features import FIGURES, NetworkFeatures, as_row

Array: TypeAlias = npt.NDArray[np.float64]

_MULTIPLYING: Final = ("dense", "pointwise", "depthwise", "grouped", "product")
_OTHERS: Final = ("elementwise", "cheap", "costly", "pooling", "moving")
_PLACES: Final = {name: place for place, name in enumerate(FIGURES)}
_SIZES: Final = ("multiply_adds", "activations", "params", "traffic_bytes")

_BEYOND_RANGE: Final = 2.0
"""How many times more, or less, of something than any measured network is extrapolated."""
_BEYOND_SHARE: Final = 0.25
"""By how much the share of a kind of work may exceed that of every measured network."""
_MOST_SHARE: Final = 4.0


def rows_of(features: Sequence[NetworkFeatures]) -> Array:
    """One row of figures a network."""
    return np.array([as_row(each) for each in features], float).reshape(-1, len(FIGURES))


def costs(rows: Array) -> Array:
    """What a network does that takes time, one column a kind of work, and a constant.

    Latency is taken for a sum of these, each times what it costs on a device.
    """
    kinds = [_column(rows, f"{kind}_cost") for kind in (*_MULTIPLYING, *_OTHERS)]
    constant = np.ones(len(rows))
    return np.stack([*kinds, _layers(rows), _column(rows, "traffic_bytes"), constant], axis=1)


def sizes(rows: Array) -> Array:
    """The logarithms of how large a network is: its sums, and how many layers multiply."""
    sums = [_column(rows, name) for name in _SIZES]
    logs: Array = np.log(np.maximum(np.stack([*sums, _layers(rows)], axis=1), 1.0))
    return logs


def standardised(columns: Array) -> Array:
    """Columns of mean 0 and standard deviation 1; what never varies stays 0."""
    deviations = columns.std(axis=0)
    deviations[deviations == 0] = 1.0
    standard: Array = (columns - columns.mean(axis=0)) / deviations
    return standard


def far_from(rows: Array, measured: Array) -> npt.NDArray[np.bool_]:
    """Say of which networks a prediction from the measured ones would be extrapolated.

    These are far larger or smaller than all of them in some sum, or do much more of a kind of work.
    """
    low, high = sizes(measured).min(axis=0), sizes(measured).max(axis=0)
    margin = np.log(_BEYOND_RANGE)
    beyond = (sizes(rows) < low - margin) | (sizes(rows) > high + margin)
    unlike = _shares(rows) > _shares(measured).max(axis=0) + _BEYOND_SHARE
    far: npt.NDArray[np.bool_] = beyond.any(axis=1) | unlike.any(axis=1)
    return far


def _shares(rows: Array) -> Array:
    """Of multiply-adds those of each kind; of the other kinds numbers for each activation."""
    multiply_adds = np.maximum(_column(rows, "multiply_adds"), 1.0)
    activations = np.maximum(_column(rows, "activations"), 1.0)
    multiplying = [_column(rows, f"{kind}_cost") / multiply_adds for kind in _MULTIPLYING]
    others = [_column(rows, f"{kind}_cost") / activations / _MOST_SHARE for kind in _OTHERS]
    return np.stack([*multiplying, *others], axis=1)


def _layers(rows: Array) -> Array:
    total: Array = np.sum([_column(rows, f"{kind}_count") for kind in _MULTIPLYING], axis=0)
    return total


def _column(rows: Array, name: str) -> Array:
    column: Array = rows[:, _PLACES[name]]
    return column
