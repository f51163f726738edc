"""Networks as numbers: what they cost by kind of work, and how like each other they are."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from controller.domain.rankings.predictions import Figure
from models.catalog.features import FIGURES, NetworkFeatures, as_row

Array: TypeAlias = npt.NDArray[np.float64]

_MULTIPLYING: Final = ("dense", "pointwise", "depthwise", "grouped", "product")
_OTHERS: Final = ("elementwise", "cheap", "costly", "pooling", "moving")
_USUAL: Final[Mapping[Figure, Mapping[str, float]]] = {
    Figure.LATENCY: {
        "dense_cost": 1,
        "pointwise_cost": 1.2,
        "depthwise_cost": 5,
        "grouped_cost": 3,
        "product_cost": 1.3,
        "elementwise_cost": 12,
        "cheap_cost": 6,
        "costly_cost": 40,
        "pooling_cost": 8,
        "moving_cost": 20,
        "layers": 2e5,
        "traffic_bytes": 1,
        "constant": 3e5,
    },
    Figure.MEMORY: {"params": 6, "activations": 2, "traffic_bytes": 0.1, "constant": 6e7},
}
"""What works cost, roughly, by figure: on a processor in multiply-adds of a dense convolution; in
bytes."""
_PLACES: Final = {name: place for place, name in enumerate(FIGURES)}
_SIZES: Final = ("multiply_adds", "activations", "params", "traffic_bytes")

_BEYOND_RANGE: Final = 2.0
"""How many times more, or less, of something than any measured network is extrapolated."""
_BEYOND_SHARE: Final = 0.25
"""By how much the share of a kind of work may exceed that of every measured network."""
_MOST_SHARE: Final = 4.0
_MARGIN: Final = float(np.log(_BEYOND_RANGE))


def rows_of(features: Sequence[NetworkFeatures]) -> Array:
    """One row of figures a network."""
    return np.array([as_row(each) for each in features], float).reshape(-1, len(FIGURES))


class Works(NamedTuple):
    """What networks do that takes time, a row a network, and what that usually costs.

    Attributes:
        amounts: a column a work, one of them the same for every network.
        usual: logarithms of what each costs, against each other.
    """

    amounts: Array
    usual: Array


def works_of(rows: Array, figure: Figure = Figure.LATENCY) -> Works:
    """What networks do, or hold, of which a figure is taken for a sum."""
    costs = _USUAL[figure]
    columns = [_work(rows, name) for name in costs]
    return Works(np.stack(columns, axis=1), np.log(list(costs.values())))


def _work(rows: Array, name: str) -> Array:
    if name == "layers":
        return _layers(rows)
    return np.ones(len(rows)) if name == "constant" else _column(rows, name)


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
    beyond = (sizes(rows) < low - _MARGIN) | (sizes(rows) > high + _MARGIN)
    unlike = _shares(rows) > _shares(measured).max(axis=0) + _BEYOND_SHARE
    far: npt.NDArray[np.bool_] = beyond.any(axis=1) | unlike.any(axis=1)
    return far


def near_with(rows: Array, measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Say which networks are not far from those measured and one more: a row for each one more.

    Args:
        rows: of all networks.
        measured: which of them are.
    """
    near = np.ones((len(rows), len(rows)), bool)
    for size in sizes(rows).T:
        low = np.minimum(size, size[measured].min(initial=np.inf)) - _MARGIN
        high = np.maximum(size, size[measured].max(initial=-np.inf)) + _MARGIN
        near &= (size >= low[:, None]) & (size <= high[:, None])
    for share in _shares(rows).T:
        most = np.maximum(share, share[measured].max(initial=-np.inf)) + _BEYOND_SHARE
        near &= share <= most[:, None]
    return near


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
