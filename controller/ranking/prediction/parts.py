"""What is told of networks of one kind: see `Part`."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import (
    Elsewhere,
    KnownFigure,
    LogPrediction,
    NotPredicted,
    Unpredictable,
)
from controller.ranking.prediction.experts import Expert, Places
from controller.ranking.prediction.leaving_out import (
    Ensemble,
    calibrated,
    ensemble,
    freedom,
    intervals,
)
from controller.ranking.prediction.networks import Array

_LEAST_SPREAD: Final = 1e-4


@dataclass(frozen=True, kw_only=True)
class Part:
    """What experts say of every network of one kind.

    Attributes:
        said: rows are the known networks, then those that were wanted; None where too few are
            known.
        places: rows of those that can be told, by backbone's name.
        not_predicted: the others.
        rests_on: known backbones.
        settings: names of the other settings.
    """

    said: Ensemble | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    not_predicted: tuple[NotPredicted, ...] = ()
    rests_on: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def logs(self, wanted: Sequence[str], confidence: float) -> Mapping[str, LogPrediction]:
        """Tell of those of the wanted that are among its places."""
        if self.said is None:
            return {}
        low, high = intervals(self.said, confidence)
        deviations = calibrated(self.said)
        return {
            name: LogPrediction(
                median=float(self.said.logs[place]),
                low=float(low[place]),
                high=float(high[place]),
                deviation=float(deviations[place]),
                degrees=freedom(self.said),
            )
            for name in dict.fromkeys(wanted)
            if (place := self.places.get(name)) is not None
        }


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is told stands on this: rows of experts are the known networks, then others.

    Attributes:
        known: what is learned from.
        asked: rows of the networks to tell, by name.
        elsewhere: the settings that are learned from.
        far: names of networks that are too unlike the known ones.
        alike: rows of the known ones of which as much is known as of those that are asked for: how
            far off these are tells how far off those may be.
    """

    known: Sequence[KnownFigure]
    asked: Mapping[str, int]
    elsewhere: Sequence[Elsewhere]
    far: Set[str]
    alike: Places


def tell_near(ground: Ground, experts: Sequence[Expert]) -> Part:
    """Ask the experts of what is not too far."""
    known = ground.known
    near = {name: place for name, place in ground.asked.items() if name not in ground.far}
    return replace(
        refused([name for name in ground.asked if name not in near], Unpredictable.FAR_AWAY),
        said=ensemble(experts, np.arange(len(known)), logs_of(known), ground.alike),
        places=near,
        rests_on=tuple(figure.backbone for figure in known),
        settings=tuple(setting.setting for setting in ground.elsewhere),
    )


def logs_of(known: Sequence[KnownFigure]) -> Array:
    """Logarithms of what was measured."""
    logs: Array = np.log([figure.value for figure in known])
    return logs


def spreads_of(known: Sequence[KnownFigure]) -> Array:
    """Standard deviations of these logarithms by their own measuring, none quite exact."""
    return np.array([max(figure.spread, _LEAST_SPREAD) for figure in known])


def refused(names: Sequence[str], why: Unpredictable) -> Part:
    """Say of networks that they are not predicted."""
    return Part(not_predicted=tuple(NotPredicted(backbone=n, why=why) for n in names))
