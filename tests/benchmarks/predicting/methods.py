"""Ways to predict, each asked the same: ours, and three that are usual."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.domain.rankings.predictions import (
    Elsewhere,
    Figure,
    KnownFigure,
    PredictionQuestion,
)
from controller.ranking.prediction import predict
from models.catalog.features import NetworkFeatures

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a method says of a network; without an interval where it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is known, and of which networks more is wanted."""

    known: Mapping[str, float]
    wanted: Sequence[str]
    features: Mapping[str, NetworkFeatures]
    elsewhere: Sequence[Elsewhere]
    figure: Figure = Figure.LATENCY


Method = Callable[[Asked], Mapping[str, Told]]


def ours(asked: Asked) -> Mapping[str, Told]:
    """What the product says; what it refuses is missing."""
    told = predict(
        PredictionQuestion(
            known=[KnownFigure(backbone=n, value=v) for n, v in asked.known.items()],
            wanted=asked.wanted,
            features=asked.features,
            elsewhere=asked.elsewhere,
            figure=asked.figure,
        )
    )
    return {p.backbone: Told(value=p.value, low=p.low, high=p.high) for p in told.predicted}


def multiply_adds(asked: Asked) -> Mapping[str, Told]:
    """A power of the multiply-adds."""
    return _regression(asked, lambda does: (does.multiply_adds,))


def with_parameters(asked: Asked) -> Mapping[str, Told]:
    """Powers of the multiply-adds and of the parameters."""
    return _regression(asked, lambda does: (does.multiply_adds, does.params))


def nearest_device(asked: Asked) -> Mapping[str, Told]:
    """The other setting that is most like this one, times what fits best."""
    best: tuple[float, Mapping[str, float]] | None = None
    for other in asked.elsewhere:
        common = [name for name in asked.known if name in other.values]
        if len(common) < 4:
            continue
        ratios = np.log([asked.known[name] / other.values[name] for name in common])
        factor, spread = np.exp(ratios.mean()), float(ratios.std())
        if best is None or spread < best[0]:
            best = spread, {n: v * factor for n, v in other.values.items()}
    if best is None:
        return {}
    return {name: Told(value=best[1][name]) for name in asked.wanted if name in best[1]}


METHODS: Mapping[str, Method] = {
    "edgerank": ours,
    "multiply-adds": multiply_adds,
    "with parameters": with_parameters,
    "nearest device": nearest_device,
}


def _regression(
    asked: Asked, figures: Callable[[NetworkFeatures], tuple[int, ...]]
) -> Mapping[str, Told]:
    def columns(names: Sequence[str]) -> Array:
        logs = np.log([figures(asked.features[name]) for name in names])
        return np.hstack([np.ones((len(names), 1)), logs])

    known = [name for name in asked.known if name in asked.features]
    wanted = [name for name in asked.wanted if name in asked.features]
    if len(known) < 3 or not wanted:
        return {}
    logs = np.log([asked.known[name] for name in known])
    slopes = np.linalg.lstsq(columns(known), logs, rcond=None)[0]
    values = np.exp(columns(wanted) @ slopes)
    return {name: Told(value=float(v)) for name, v in zip(wanted, values, strict=True)}
