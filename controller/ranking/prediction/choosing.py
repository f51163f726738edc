"""Which backbones tell most about a device: see `first_backbones`."""

from collections.abc import Mapping, Sequence

import numpy as np

from controller.ranking.prediction.networks import rows_of, sizes, standardised, works_of
from models.catalog.features import NetworkFeatures


def first_backbones(
    features: Mapping[str, NetworkFeatures], count: int, *, measured: Sequence[str] = ()
) -> tuple[str, ...]:
    """Name the backbones to measure first, the one that tells most first.

    Each is the one that is farthest, by size and by shares of its kinds of work, from all that were
    chosen before it (the k-center rule of Gonzalez 1985); the first is the middle one.

    Args:
        features: of the candidates, by name.
        count: how many at most.
        measured: names of those that are measured already; they count, and are not named again.
    """
    names = sorted(features)
    if not names:
        return ()
    rows = rows_of([features[name] for name in names])
    shares = works_of(rows).amounts[:, :-1] / rows.sum(axis=1, keepdims=True)
    table = np.hstack([standardised(sizes(rows)), standardised(np.sqrt(shares)) / 2])
    chosen = [place for place, name in enumerate(names) if name in set(measured)]
    if not chosen:
        middle = int(np.argmin(((table - np.median(table, axis=0)) ** 2).sum(axis=1)))
        chosen = [middle]
    first = [] if measured else chosen[:]
    nearest = np.min([((table - table[place]) ** 2).sum(axis=1) for place in chosen], axis=0)
    while len(first) < count and nearest.max() > 0:
        place = int(np.argmax(nearest))
        first.append(place)
        nearest = np.minimum(nearest, ((table - table[place]) ** 2).sum(axis=1))
    return tuple(names[place] for place in first[:count])
