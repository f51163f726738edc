"""Latent factors: how networks differ by what other devices and settings took for them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from controller.domain.rankings.predictions import Elsewhere
from controller.ranking.prediction.networks import Array

_MOST_FACTORS: Final = 3
_LEAST_IN_COMMON: Final = 8
"""Networks of a question that a setting has figures of at least, to tell anything."""
_ITERATIONS: Final = 100
_SHRINKAGE: Final = 0.1
"""Of the largest singular value; what is smaller is taken for noise."""


def telling(elsewhere: Sequence[Elsewhere], networks: Sequence[str]) -> tuple[Elsewhere, ...]:
    """The settings that have figures of enough of the networks."""
    names = set(networks)
    return tuple(e for e in elsewhere if len(names & e.values.keys()) >= _LEAST_IN_COMMON)


class Latent(NamedTuple):
    """Networks by what other settings took for them, in units of log latency, a row each.

    Attributes:
        factors: at most `_MOST_FACTORS` columns.
        table: a column for each setting, what was not measured there filled in.
    """

    factors: Array
    table: Array


def latent(elsewhere: Sequence[Elsewhere], networks: Sequence[str]) -> Latent:
    """Find factors of networks by a decomposition into singular values with missing entries.

    Soft-impute (Mazumder, Hastie, Tibshirani 2010): missing logarithms of latencies are filled by
    the decomposition, whose singular values are shrunk, until it stands still.

    Args:
        elsewhere: settings, each with at least one of the networks.
        networks: names, each measured in at least one of the settings.
    """
    places = {name: place for place, name in enumerate(networks)}
    table = np.full((len(elsewhere), len(networks)), np.nan)
    for row, setting in zip(table, elsewhere, strict=True):
        for name in setting.values.keys() & places.keys():
            row[places[name]] = np.log(setting.values[name])
    missing = np.isnan(table)
    filled = _with_effects(table)
    rank = min(_MOST_FACTORS, *table.shape)
    for _ in range(_ITERATIONS):
        means = filled.mean(axis=1, keepdims=True)
        left, singular, right = np.linalg.svd(filled - means, full_matrices=False)
        shrunk = np.maximum(singular - _SHRINKAGE * singular[0], 0)[:rank]
        approximated = means + (left[:, :rank] * shrunk) @ right[:rank]
        filled = np.where(missing, approximated, table)
    factors: Array = right[:rank].T * (singular[:rank] / np.sqrt(len(elsewhere)))
    return Latent(factors, filled.T)


def _with_effects(table: Array) -> Array:
    """Fill what is missing by the sum of what is usual for the setting and for the network."""
    settings = np.zeros((len(table), 1))
    networks = np.zeros((1, table.shape[1]))
    for _ in range(20):
        settings = np.nanmean(table - networks, axis=1, keepdims=True)
        networks = np.nanmean(table - settings, axis=0, keepdims=True)
    filled: Array = np.where(np.isnan(table), settings + networks, table)
    return filled
