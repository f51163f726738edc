"""Which other settings what networks cost is learned from."""

import math
from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import LEAST_MEASURED, Elsewhere, KnownFigure
from controller.ranking.prediction.working import Measured

_MOST_OTHERS: Final = 32
_LEAST_IN_COMMON: Final = 4


def most_alike(
    elsewhere: Sequence[Elsewhere], known: Sequence[KnownFigure], featured: Set[str]
) -> list[Elsewhere]:
    """The settings whose values are most like the known ones, times a factor each.

    Of a large fleet the others are not looked at: each takes its time.

    Args:
        elsewhere: settings.
        known: figures of the setting that is asked about.
        featured: names of the networks that costs can be learned from.
    """

    def off(setting: Elsewhere) -> float:
        both = [each for each in known if each.backbone in setting.values]
        if len(both) < _LEAST_IN_COMMON:
            return math.inf
        return float(np.std([math.log(k.value / setting.values[k.backbone]) for k in both]))

    return sorted(telling_costs(elsewhere, featured), key=off)[:_MOST_OTHERS]


def telling_costs(elsewhere: Sequence[Elsewhere], featured: Set[str]) -> list[Elsewhere]:
    """The settings that have figures of enough networks that costs can be learned from."""
    return [each for each in elsewhere if len(featured & each.values.keys()) >= LEAST_MEASURED]


def without(setting: Elsewhere, names: Set[str]) -> Elsewhere:
    """A setting less what some networks take there."""
    left = {name: value for name, value in setting.values.items() if name not in names}
    return replace(setting, values=left)


def measured(setting: Elsewhere, names: Sequence[str]) -> Measured:
    """What networks take in a setting, by their places among the names."""
    places = [place for place, name in enumerate(names) if name in setting.values]
    return Measured(np.array(places), np.log([setting.values[names[p]] for p in places]))
