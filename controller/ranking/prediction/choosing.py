"""Which backbones tell most about a device: see `first_backbones`."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from controller.ranking.prediction.networks import Array, near_with, rows_of, works_of
from controller.ranking.prediction.working import before_any
from models.catalog.features import NetworkFeatures

_MOST: Final = 1000
"""Networks to choose among: of more, so many by size, since each step compares all with all."""
_MOST_MEASURED: Final = 100
"""Measured ones that count, likewise: each is such a step."""


def first_backbones(
    features: Mapping[str, NetworkFeatures], count: int, *, measured: Sequence[str] = ()
) -> tuple[str, ...]:
    """Name the backbones to measure first, the one that tells most first.

    Each is the one after which least is unknown of all networks together: by what is believed of
    their latencies before any is measured, the sum of variances falls most (active learning of
    Gaussian processes: Cohn 1996; Krause, Singh and Guestrin 2008). Only networks count that can
    be told then, as they are not too unlike the measured ones. Of networks that do the same one is
    named.

    Args:
        features: of the candidates, by name.
        count: how many at most.
        measured: names of those that are measured already; they count, and are not named again.
    """
    # Whoever began before asks for none.
    names = _different(features, set(measured)) if count > 0 else []
    if not names:
        return ()
    rows = rows_of([features[name] for name in names])
    covariance, noise = before_any(works_of(rows))
    before = np.diag(covariance).copy()
    is_measured = np.array([name in set(measured) for name in names])
    for place in np.flatnonzero(is_measured):
        covariance = _with_known(covariance, int(place), noise)
    first: list[str] = []
    while len(first) < count and not is_measured.all():
        after = np.diag(covariance) - _falls(covariance, noise)
        told = np.where(near_with(rows, is_measured), before - after, 0.0).sum(axis=1)
        place = int(np.argmax(np.where(is_measured, -np.inf, told)))
        covariance = _with_known(covariance, place, noise)
        is_measured[place] = True
        first.append(names[place])
    return tuple(first)


def _different(features: Mapping[str, NetworkFeatures], measured: set[str]) -> list[str]:
    """Names of networks that differ, by name; of those that do the same the measured one."""
    found: dict[NetworkFeatures, str] = {}
    for name in sorted(features, key=lambda name: (name not in measured, name)):
        found.setdefault(features[name], name)
    names = set(found.values())
    done, new = names & measured, names - measured
    return sorted(_spread(features, done, _MOST_MEASURED) | _spread(features, new, _MOST))


def _spread(features: Mapping[str, NetworkFeatures], names: set[str], most: int) -> set[str]:
    """Some of the names, by size."""
    by_size = sorted(names, key=lambda name: (features[name].multiply_adds, name))
    if len(by_size) <= most:
        return names
    return {by_size[place] for place in np.linspace(0, len(by_size) - 1, most).astype(int)}


def _falls(covariance: Array, noise: float) -> Array:
    """By how much each network's variance falls with one more measured: a row for each one more."""
    falls: Array = covariance**2 / (np.diag(covariance) + noise)[:, None]
    return falls


def _with_known(covariance: Array, place: int, noise: float) -> Array:
    column = covariance[:, place]
    known: Array = covariance - np.outer(column, column) / (column[place] + noise)
    return known
