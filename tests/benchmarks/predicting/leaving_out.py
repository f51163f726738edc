"""A device is left out, some of its networks are measured again, and the rest is predicted."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product

from controller.domain.rankings.predictions import Elsewhere
from tests.benchmarks.pages.section import Section
from tests.benchmarks.predicting.methods import METHODS
from tests.benchmarks.predicting.tables import SURVEYED, Recorded, phones, reference
from tests.benchmarks.predicting.trials import (
    CHOSEN,
    HEADER,
    LEAST_PREDICTED,
    MEASURED,
    OURS,
    Figures,
    Subject,
    rows,
    rows_of,
    tried,
)

# One build of a runtime each; of the GPUs one, at batch 1.
SUBJECTS = {
    "Snapdragon 855, Paddle Lite, FP32, 1 threads, batch 1": "Snapdragon 855, 1 thread",
    "Snapdragon 855, Paddle Lite, FP32, 2 threads, batch 1": "Snapdragon 855, 2 threads",
    "Snapdragon 855, Paddle Lite, FP32, 4 threads, batch 1": "Snapdragon 855, 4 threads",
    "Intel Xeon Gold 6148, Paddle Inference + MKLDNN, FP32, 10 threads, batch 1": "Xeon 6148",
    "V100, TensorRT 8.0.3.4, FP32, batch 1, 2023": "V100, TensorRT 8.0",
    "T4, TensorRT 8.0.3.4, FP32, batch 1, 2023": "T4, TensorRT 8.0",
    f"{SURVEYED}, paddlelite, 1 threads": f"{SURVEYED}, Paddle Lite, 1 thread",
    f"{SURVEYED}, paddlelite, 2 threads": f"{SURVEYED}, Paddle Lite, 2 threads",
    f"{SURVEYED}, onnxruntime, 1 threads": f"{SURVEYED}, ONNX Runtime, 1 thread",
    f"{SURVEYED}, onnxruntime, 2 threads": f"{SURVEYED}, ONNX Runtime, 2 threads",
}
# Looked at once, when the rules were chosen by the others.
HELD_BACK = {
    "Snapdragon 855, Paddle Lite, unnamed precision, batch 1": "held back: Snapdragon 855, unnamed",
    "T4, TensorRT 8.0.3.4, FP16, batch 1, 2023": "held back: T4, TensorRT 8.0, FP16",
}
PHONES = {
    "float": "phones and boards, 3 runtimes, no features",
    "w8a8": "held back: phones and boards, w8a8",
}
PROMISE = (
    "on processors, within one runtime build, with 16 measured networks Spearman 0.985 and a mean "
    "error of 7 %, with 64 Spearman 0.992, 99 % within 10 % and 80 % within 5 %."
)


def run() -> Section:
    """Each setting with its device left out, each number of measured networks, each method."""
    asked = [*SUBJECTS, "float", *HELD_BACK, "w8a8"]
    with ProcessPoolExecutor() as pool:
        found = pool.map(_tried_setting, *zip(*product(asked, MEASURED), strict=True))
        told = [row for several in found for row in several]
    return Section(
        title="Predictions of what was not measured",
        promise=PROMISE,
        header=HEADER,
        rows=told,
        holds=holds(told),
    )


def holds(told: Sequence[Sequence[str]]) -> bool:
    """Whether our rows of processors keep the promise, wherever they have 16 or 64 measured."""
    of_processors = [
        row
        for row in told
        if row[3] in (OURS, CHOSEN) and row[0].startswith(("Snapdragon", SURVEYED))
    ]
    of_16 = [
        number(row[5]) >= 0.985 and _percent(row[7]) <= 7 for row in of_processors if row[2] == "16"
    ]
    of_64 = [
        number(row[5]) >= 0.992 and _percent(row[8]) >= 80 and _percent(row[9]) >= 99
        for row in of_processors
        if row[2] == "64"
    ]
    return bool(of_16 and of_64) and all(of_16 + of_64)


def number(figure: str) -> float:
    """A figure of a row; one that cannot be told, as of too few networks, is in no bounds."""
    return float(figure or "nan")


def _percent(share: str) -> float:
    return number(share.removesuffix(" %"))


def _tried_setting(name: str, count: int) -> list[Sequence[str]]:
    """The rows of a setting, or of a precision of the phones; none where it has too few."""
    return list(_phone_rows(name, count) if name in PHONES else _reference_rows(name, count))


def _reference_rows(name: str, count: int) -> Iterator[Sequence[str]]:
    tables, features = reference()
    subject = next(each for each in tables if each.name == name)
    return rows(
        Subject(
            shown=(SUBJECTS | HELD_BACK)[name],
            values={n: v for n, v in subject.values.items() if n in features},
            features=features,
            elsewhere=_elsewhere(tables, subject.device),
        ),
        count,
    )


def _phone_rows(precision: str, count: int) -> Iterator[Sequence[str]]:
    tables = phones(precision)
    found: dict[str, list[Figures]] = {name: [] for name in METHODS}
    networks: set[str] = set()
    for table in tables:
        if len(table.values) < count + LEAST_PREDICTED:
            continue
        networks |= table.values.keys()
        others = _elsewhere(tables, table.device)
        subject = Subject(
            shown=PHONES[precision], values=table.values, features={}, elsewhere=others
        )
        known = random.Random(count).sample(sorted(table.values), count)
        for method, figures in tried(subject, known).items():
            found[method].append(figures)
    return rows_of(PHONES[precision], len(networks), count, found)


def _elsewhere(tables: Sequence[Recorded], left_out: str) -> list[Elsewhere]:
    return [
        Elsewhere(setting=each.name, values=each.values)
        for each in tables
        if each.device != left_out
    ]
