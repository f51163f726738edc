"""A device is left out, some of its networks are measured again, and the rest is predicted."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from controller.domain.rankings.predictions import Elsewhere
from controller.ranking.prediction import first_backbones
from models.catalog.features import NetworkFeatures
from tests.benchmarks.predicting.methods import METHODS, Asked, Told
from tests.benchmarks.predicting.tables import Recorded, phones, reference
from tests.benchmarks.section import Section
from tests.benchmarks.size import scaled

MEASURED = (8, 16, 32, 64)
LEAST_PREDICTED = 6
DRAWS = 5
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
)
# One build of a runtime each; of the GPUs one, at batch 1.
SUBJECTS = {
    "Snapdragon 855, Paddle Lite, FP32, 1 threads, batch 1": "Snapdragon 855, 1 thread",
    "Snapdragon 855, Paddle Lite, FP32, 2 threads, batch 1": "Snapdragon 855, 2 threads",
    "Snapdragon 855, Paddle Lite, FP32, 4 threads, batch 1": "Snapdragon 855, 4 threads",
    "Intel Xeon Gold 6148, Paddle Inference + MKLDNN, FP32, 10 threads, batch 1": "Xeon 6148",
    "V100, TensorRT 8.0.3.4, FP32, batch 1, 2023": "V100, TensorRT 8.0",
    "T4, TensorRT 8.0.3.4, FP32, batch 1, 2023": "T4, TensorRT 8.0",
}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How good predictions of one draw are; None where nothing can be said."""

    wanted: int
    predicted: int
    spearman: float | None
    errors: Sequence[float]
    covered: Sequence[bool]


def run() -> Section:
    """Each setting with its device left out, each number of measured networks, each method."""
    rows = [*_reference_rows(), *_phone_rows()]
    ours = [row for row in rows if row[3] == "edgerank"]
    of_16 = [row for row in ours if row[2] == "16" and row[0].startswith("Snapdragon")]
    return Section(
        title="Predictions of what was not measured",
        promise="with 16 measured networks within one runtime build, Spearman 0.985 and a mean "
        "error of 7 % on the Snapdragon 855.",
        header=HEADER,
        rows=rows,
        holds=bool(of_16)
        and all(float(row[5]) >= 0.985 and float(row[7].split()[0]) <= 7 for row in of_16),
    )


def _reference_rows() -> Iterator[Sequence[str]]:
    tables, features = reference()
    for name, shown in SUBJECTS.items():
        subject = next(each for each in tables if each.name == name)
        values = {n: v for n, v in subject.values.items() if n in features}
        others = _elsewhere(tables, subject.device)
        for count in MEASURED:
            if len(values) >= count + LEAST_PREDICTED:
                known = _draws(values, features, count)
                yield from _rows(shown, values, known, features, others)


def _phone_rows() -> Iterator[Sequence[str]]:
    tables = phones()
    for count in MEASURED:
        found: dict[str, list[Figures]] = {name: [] for name in METHODS}
        networks: set[str] = set()
        for subject in tables:
            if len(subject.values) < count + LEAST_PREDICTED:
                continue
            networks |= subject.values.keys()
            others = _elsewhere(tables, subject.device)
            known = random.Random(count).sample(sorted(subject.values), count)
            for method, figures in _tried(subject.values, known, {}, others).items():
                found[method].append(figures)
        for method, several in found.items():
            if any(each.predicted for each in several):
                shown = "phones and boards, 3 runtimes, no features"
                yield _row(shown, len(networks), count, method, several)


def _draws(
    values: Mapping[str, float], features: Mapping[str, NetworkFeatures], count: int
) -> list[Sequence[str]]:
    """The networks that tell most, as the product names them, then some by chance."""
    first = first_backbones({name: features[name] for name in values}, count)
    by_chance = (random.Random(seed).sample(sorted(values), count) for seed in range(1, DRAWS))
    return [first, *by_chance][: scaled(DRAWS)]


def _elsewhere(tables: Sequence[Recorded], left_out: str) -> list[Elsewhere]:
    return [
        Elsewhere(setting=each.name, values=each.values)
        for each in tables
        if each.device != left_out
    ]


def _rows(
    shown: str,
    values: Mapping[str, float],
    draws: Sequence[Sequence[str]],
    features: Mapping[str, NetworkFeatures],
    others: Sequence[Elsewhere],
) -> Iterator[Sequence[str]]:
    found: dict[str, list[Figures]] = {name: [] for name in METHODS}
    for known in draws:
        for method, figures in _tried(values, known, features, others).items():
            found[method].append(figures)
    for method, several in found.items():
        if any(each.predicted for each in several):
            yield _row(shown, len(values), len(draws[0]), method, several)


def _tried(
    values: Mapping[str, float],
    known: Sequence[str],
    features: Mapping[str, NetworkFeatures],
    others: Sequence[Elsewhere],
) -> dict[str, Figures]:
    wanted = [name for name in values if name not in set(known)]
    asked = Asked(
        known={name: values[name] for name in known},
        wanted=wanted,
        features=features,
        elsewhere=others,
    )
    return {name: _figures(method(asked), values, wanted) for name, method in METHODS.items()}


def _figures(
    told: Mapping[str, Told], values: Mapping[str, float], wanted: Sequence[str]
) -> Figures:
    truths = [values[name] for name in told]
    said = [each.value for each in told.values()]
    return Figures(
        wanted=len(wanted),
        predicted=len(told),
        spearman=float(spearmanr(said, truths)[0]) if len(told) >= LEAST_PREDICTED else None,
        errors=[abs(a / b - 1) for a, b in zip(said, truths, strict=True)],
        covered=[
            each.low <= values[name] <= each.high
            for name, each in told.items()
            if each.low is not None and each.high is not None
        ],
    )


def _row(
    shown: str, networks: int, count: int, method: str, several: Sequence[Figures]
) -> Sequence[str]:
    errors = np.array([error for each in several for error in each.errors])
    covered = [is_in for each in several for is_in in each.covered]
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
        f"{np.mean(covered):.0%}".replace("%", " %") if covered else "",
    )
