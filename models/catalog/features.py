"""What a network does, kind of work by kind of work: what its latency is predicted from.

Which operator is of which kind, and what counts, is said in `data/README.md`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib import resources
from typing import Final

MOST: Final = 10**18
"""The largest figure of a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFeatures:
    """What one image costs a network, counted in its program, whatever computes it.

    Of each kind of work there is how many operators do it, and how much: multiply-adds of
    convolutions and products, numbers written by the others.

    Attributes:
        params: trained parameters.
        multiply_adds: of convolutions and matrix products.
        activations: numbers that convolutions and matrix products write.
        traffic_bytes: what operators read and write in float32, weights among it, as if nothing
            stayed in a cache; batch norms, which every runtime folds, are left out.
        dense_count: convolutions over all channels with a filter of more than one pixel.
        dense_cost: their multiply-adds.
        pointwise_count: convolutions over all channels of one pixel each.
        pointwise_cost: their multiply-adds.
        depthwise_count: convolutions of each channel by itself.
        depthwise_cost: their multiply-adds.
        grouped_count: convolutions over groups of channels.
        grouped_cost: their multiply-adds.
        product_count: matrix products, of fully connected layers and of attention.
        product_cost: their multiply-adds.
        elementwise_count: additions and products of tensors.
        elementwise_cost: numbers that they write.
        cheap_count: activations of a comparison or two, such as relu and hard_swish.
        cheap_cost: numbers that they write.
        costly_count: activations and norms with an exponential, a root or a sum.
        costly_cost: numbers that they write.
        pooling_count: poolings and means.
        pooling_cost: numbers that they read.
        moving_count: operators that only move numbers.
        moving_cost: numbers that they write.
    """

    params: int
    multiply_adds: int
    activations: int
    traffic_bytes: int
    dense_count: int = 0
    dense_cost: int = 0
    pointwise_count: int = 0
    pointwise_cost: int = 0
    depthwise_count: int = 0
    depthwise_cost: int = 0
    grouped_count: int = 0
    grouped_cost: int = 0
    product_count: int = 0
    product_cost: int = 0
    elementwise_count: int = 0
    elementwise_cost: int = 0
    cheap_count: int = 0
    cheap_cost: int = 0
    costly_count: int = 0
    costly_cost: int = 0
    pooling_count: int = 0
    pooling_cost: int = 0
    moving_count: int = 0
    moving_cost: int = 0

    def __post_init__(self) -> None:
        """Refuse figures that no network has: a stranger's file may say anything.

        Raises:
            ValueError: one is below 0 or above `MOST`.
        """
        if not all(0 <= figure <= MOST for figure in astuple(self)):
            raise ValueError(f"a figure of a network is 0 to {MOST:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCount:
    """What was counted of a network's program, or why nothing was.

    Attributes:
        features: what the program does for one image; None where nobody can tell.
        refusal: what stops the counting, one sentence; empty where it was counted.
    """

    features: NetworkFeatures | None = None
    refusal: str = ""


FIGURES = tuple(field.name for field in fields(NetworkFeatures))
"""Names of the figures, in the order of `as_row`."""

COLUMNS = ("architecture", "input_size", *FIGURES)
"""The columns of `data/features.csv`."""


class FeaturesInvalid(ValueError):
    """The file of features is not what it should be."""


def as_row(features: NetworkFeatures) -> tuple[int, ...]:
    """The figures in the order of `FIGURES`."""
    return astuple(features)


def parse_features(text: str) -> Mapping[tuple[str, int], NetworkFeatures]:
    """Return the features of a CSV by architecture and input size, pixels.

    Raises:
        FeaturesInvalid: a wrong header or cell, or a row that is there twice.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise FeaturesInvalid(f"features row 1: the columns must be {','.join(COLUMNS)}")
    known: dict[tuple[str, int], NetworkFeatures] = {}
    for cells in reader:
        architecture, *figures = (cells.get(column) or "" for column in COLUMNS)
        if None in cells or not architecture or not all(f.isdecimal() for f in figures):
            raise FeaturesInvalid(
                f"features row {reader.line_num}: must hold an architecture and whole numbers"
            )
        input_size, *costs = map(int, figures)
        if (architecture, input_size) in known:
            raise FeaturesInvalid(f"features row {reader.line_num}: {architecture} is there twice")
        known[architecture, input_size] = NetworkFeatures(**dict(zip(FIGURES, costs, strict=True)))
    return known


@cache
def load_features() -> Mapping[tuple[str, int], NetworkFeatures]:
    """Return the packaged features by architecture and input size, pixels."""
    file = resources.files("models") / "data" / "features.csv"
    return parse_features(file.read_text(encoding="utf-8"))
