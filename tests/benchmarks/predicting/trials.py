"""Some networks of a setting are taken for measured, and the rest is predicted, by each method."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import spearmanr

from controller.domain.rankings.predictions import Elsewhere, Figure
from controller.ranking.prediction import first_backbones
from models.catalog.features import NetworkFeatures
from tests.benchmarks.predicting.methods import METHODS, Asked, Method, Told
from tests.benchmarks.size import scaled

MEASURED = (8, 16, 32, 64)
LEAST_PREDICTED = 6
# Of how many choices of the measured networks a row is: by one choice of 8 the share that intervals
# cover differs by a tenth.
DRAWS = {8: 16, 16: 10, 32: 5, 64: 3}
# Of our own choice: from all networks, and from most of them, drawn by chance.
CHOICES = 4
CHOSEN_FROM = 0.85
OURS = "edgerank"
CHOSEN = "edgerank, of its own choice"
HEADER = (
    "setting left out",
    "networks",
    "measured",
    "method",
    "predicted",
    "Spearman",
    "median error",
    "mean error",
    "within 5 %",
    "within 10 %",
    "90 % interval covers",
    "interval",
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A setting whose networks are predicted.

    Attributes:
        shown: what its rows call it.
        values: what its networks take or hold, by name.
        features: of networks that have any.
        elsewhere: what is known of other settings.
        figure: what the values are of.
        methods: those that are tried, by name.
    """

    shown: str
    values: Mapping[str, float]
    features: Mapping[str, NetworkFeatures]
    elsewhere: Sequence[Elsewhere]
    figure: Figure = Figure.LATENCY
    methods: Mapping[str, Method] = field(default_factory=lambda: METHODS)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How good predictions of one draw are; None where nothing can be said."""

    wanted: int
    predicted: int
    spearman: float | None
    errors: Sequence[float]
    covered: Sequence[bool]
    widths: Sequence[float]


def rows(subject: Subject, count: int) -> Iterator[Sequence[str]]:
    """A row of each method with so many measured networks; none where there are too few."""
    if len(subject.values) < count + LEAST_PREDICTED:
        return
    found: dict[str, list[Figures]] = {name: [] for name in subject.methods}
    for known in _drawn(subject, count):
        for method, figures in tried(subject, known).items():
            found[method].append(figures)
    found[CHOSEN] = [tried(subject, known)[OURS] for known in _chosen(subject, count)]
    yield from rows_of(subject.shown, len(subject.values), count, found)


def tried(subject: Subject, known: Sequence[str]) -> dict[str, Figures]:
    """How good each method is with these networks measured."""
    wanted = [name for name in subject.values if name not in set(known)]
    asked = Asked(
        known={name: subject.values[name] for name in known},
        wanted=wanted,
        features=subject.features,
        elsewhere=subject.elsewhere,
        figure=subject.figure,
    )
    return {
        name: _figures(method(asked), subject.values, wanted)
        for name, method in subject.methods.items()
    }


def rows_of(
    shown: str, networks: int, count: int, found: Mapping[str, Sequence[Figures]]
) -> Iterator[Sequence[str]]:
    """A row of each method that says anything."""
    for method, several in found.items():
        if any(each.predicted for each in several):
            yield _row(shown, networks, count, method, several)


def _drawn(subject: Subject, count: int) -> list[Sequence[str]]:
    names = sorted(subject.values)
    return [random.Random(seed).sample(names, count) for seed in range(scaled(DRAWS[count]))]


def _chosen(subject: Subject, count: int) -> list[Sequence[str]]:
    """The networks that tell most, as the product names them."""
    names = sorted(subject.values)
    among = [names]
    for seed in range(1, scaled(CHOICES)):
        most = max(count, round(CHOSEN_FROM * len(names)))
        among.append(random.Random(seed).sample(names, most))
    return [first_backbones({n: subject.features[n] for n in each}, count) for each in among]


def _figures(
    told: Mapping[str, Told], values: Mapping[str, float], wanted: Sequence[str]
) -> Figures:
    truths = [values[name] for name in told]
    said = [each.value for each in told.values()]
    ends = {
        name: (each.low, each.high)
        for name, each in told.items()
        if each.low is not None and each.high is not None
    }
    return Figures(
        wanted=len(wanted),
        predicted=len(told),
        spearman=float(spearmanr(said, truths)[0]) if len(told) >= LEAST_PREDICTED else None,
        errors=[abs(a / b - 1) for a, b in zip(said, truths, strict=True)],
        covered=[low <= values[name] <= high for name, (low, high) in ends.items()],
        widths=[math.sqrt(high / low) - 1 for low, high in ends.values()],
    )


def _row(
    shown: str, networks: int, count: int, method: str, several: Sequence[Figures]
) -> Sequence[str]:
    errors = np.array([error for each in several for error in each.errors])
    widths = [width for each in several for width in each.widths]
    ranks = [each.spearman for each in several if each.spearman is not None]
    share = sum(each.predicted for each in several) / sum(each.wanted for each in several)
    return (
        shown,
        str(networks),
        str(count),
        method,
        f"{share:.0%}".replace("%", " %"),
        f"{np.mean(ranks):.3f}" if ranks else "",
        f"{np.median(errors):.1%}".replace("%", " %"),
        f"{errors.mean():.1%}".replace("%", " %"),
        f"{(errors <= 0.05).mean():.0%}".replace("%", " %"),
        f"{(errors <= 0.1).mean():.0%}".replace("%", " %"),
        _coverage(several),
        f"± {np.median(widths):.0%}".replace("%", " %") if widths else "",
    )


def _coverage(several: Sequence[Figures]) -> str:
    """The share that intervals hold, and the standard error of that: choices vary as a whole."""
    covered = [is_in for each in several for is_in in each.covered]
    if not covered:
        return ""
    shares = [float(np.mean(each.covered)) for each in several if each.covered]
    error = float(np.std(shares)) / math.sqrt(len(shares))
    return f"{np.mean(covered):.0%} ± {error:.1%}".replace("%", " %")
