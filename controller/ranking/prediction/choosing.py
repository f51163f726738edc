"""Which backbones tell most about a device: see `first_backbones`."""

from collections.abc import Mapping, Sequence

from models.catalog.features import NetworkFeatures


def first_backbones(
    features: Mapping[str, NetworkFeatures], count: int, *, measured: Sequence[str] = ()
) -> tuple[str, ...]:
    """Name the backbones to measure first, the one that tells most first.

    Args:
        features: of the candidates, by name.
        count: how many at most.
        measured: names of those that are measured already.
    """
    raise NotImplementedError
