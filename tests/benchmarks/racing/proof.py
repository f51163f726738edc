"""Races on published tables: fronts and winners with a tenth of a full sweep's processes."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from controller.domain.sweeps import DEFAULT_MOST_REPETITIONS
from controller.ranking.racing.beliefs import RaceRules
from tests.benchmarks.pages.section import Section
from tests.benchmarks.racing.simulated import (
    answered,
    hypervolume,
    is_right_winner,
    left_wrongly,
    lost,
    race,
)
from tests.benchmarks.racing.tables import SURVEYED, Known, flat_table, read_table
from tests.benchmarks.size import scaled

RunT = TypeVar("RunT")

SHARE = 0.1
LEAST_VOLUME = 0.98
LEAST_RIGHT = 0.95
# Of a front of 198 a race takes a second.
FRONTS = (
    *("Snapdragon 855, 1 thread", "Snapdragon 855, 4 threads", "Xeon Gold 6148", "T4, TensorRT"),
    *SURVEYED,
)
# How much slower each is than the one before.
FLAT = (0.002, 0.01, 0.021, 0.03)
_OF_FLAT = 20


def run_fronts() -> Section:
    """Whole fronts, without a limit."""
    runs = scaled(1_000)
    found = {name: _front(read_table(name), runs) for name in FRONTS}
    return Section(
        title="Races for the front",
        promise=f"with {SHARE:.0%} of the processes of a full sweep "
        f"({DEFAULT_MOST_REPETITIONS} for each backbone) what a race answers with dominates at "
        f"least {LEAST_VOLUME:.0%} of the area that the true front dominates, on a logarithmic "
        f"scale of latency, in {LEAST_RIGHT:.0%} of {runs:,} runs. Processes differ by 1.5%, "
        "heavy-tailed (Student's t of 4 degrees); priors are of two sizes alone.",
        header=("table", "backbones", "of the front", "area, mean", "5th percentile", "runs held"),
        rows=[(name, *_front_row(name, *each)) for name, each in found.items()],
        holds=all(_share_held(volumes) >= LEAST_RIGHT for volumes, _ in found.values()),
    )


def run_winners() -> Section:
    """The most accurate within a limit, which each run draws anew."""
    runs = scaled(1_000)
    found = {name: _winners(read_table(name), runs) for name in FRONTS}
    return Section(
        title="Races under a limit",
        promise=f"with at most {SHARE:.0%} of the processes of a full sweep the most accurate "
        "backbone within a limit of latency, or one that ties with it within 2%, wins in "
        f"{LEAST_RIGHT:.0%} of {runs:,} runs, each with a limit of its own. A race that is "
        "decided before stops.",
        header=("table", "backbones", "right", "decided before", "processes, mean", "of a sweep"),
        rows=[(name, *each[1:]) for name, each in found.items()],
        holds=all(right >= LEAST_RIGHT for right, *_ in found.values()),
    )


def run_flat() -> Section:
    """Fronts on which everything is, with the processes of a full sweep."""
    runs = scaled(1_000)
    found = {apart: _flat(apart, runs) for apart in FLAT}
    return Section(
        title="Races among near ties",
        promise=f"of {_OF_FLAT} backbones that are all of the front, each a little slower and "
        "more accurate than the one before, none leaves wrongly in "
        f"{LEAST_RIGHT:.0%} of {runs:,} runs that may take a full sweep's processes: for each that "
        "left, one stayed that is at least as accurate and at most 2% slower. That nothing leaves "
        "at all, a tie either, is counted beside it and not promised.",
        header=(
            "each slower by",
            "none left wrongly",
            "none left",
            "left, at most",
            "decided",
            "processes, mean",
            "of a sweep",
        ),
        rows=[(f"{apart:.1%}", *each[1:]) for apart, each in found.items()],
        holds=all(held >= LEAST_RIGHT for held, *_ in found.values()),
    )


def each_run(one: Callable[[int], RunT], runs: int) -> list[RunT]:
    """What each of so many runs gives, by its number; as many at once as there are cores."""
    with (
        threadpool_limits(1),
        ProcessPoolExecutor(mp_context=get_context("fork")) as processes,
    ):
        return list(processes.map(one, range(runs), chunksize=max(1, min(20, runs // 8))))


def tenth(known: Sequence[Known]) -> int:
    """How many processes are a tenth of those of a full sweep."""
    return round(SHARE * DEFAULT_MOST_REPETITIONS * len(known))


def _front(known: Sequence[Known], runs: int) -> tuple[list[float], int]:
    found = each_run(partial(_one_front, known), runs)
    return [volume for volume, _ in found], round(np.median([size for _, size in found]))


def _one_front(known: Sequence[Known], run: int) -> tuple[float, int]:
    """What the answer of a race dominates, of what the true front does, and how many it is of."""
    rng = np.random.default_rng((len(known), run))
    answer = answered(known, race(known, RaceRules(), tenth(known), rng).medians_ms)
    return hypervolume(answer, known) / hypervolume(known, known), len(answer)


def _front_row(name: str, volumes: list[float], size: int) -> tuple[str, ...]:
    return (
        str(len(read_table(name))),
        str(size),
        f"{np.mean(volumes):.2%}",
        f"{np.percentile(volumes, 5):.2%}",
        f"{_share_held(volumes):.1%}",
    )


def _share_held(volumes: Sequence[float]) -> float:
    return sum(each >= LEAST_VOLUME for each in volumes) / len(volumes)


def _winners(known: Sequence[Known], runs: int) -> tuple[float, str, str, str, str, str]:
    found = each_run(partial(_one_winner, known), runs)
    right, decided, processes = (sum(figures) for figures in zip(*found, strict=True))
    of_sweep = processes / runs / (DEFAULT_MOST_REPETITIONS * len(known))
    return (
        right / runs,
        str(len(known)),
        f"{right / runs:.1%}",
        f"{decided / runs:.1%}",
        f"{processes / runs:.1f}",
        f"{of_sweep:.1%}",
    )


def _one_winner(known: Sequence[Known], run: int) -> tuple[bool, bool, int]:
    """Whether the winner is right, whether that was decided before, and by how many processes."""
    rng = np.random.default_rng((len(known), run))
    limit_ms = drawn_limit_ms(known, rng)
    outcome = race(known, RaceRules(max_latency_ms=limit_ms), tenth(known), rng)
    is_right = is_right_winner(known, outcome.medians_ms, limit_ms)
    return is_right, outcome.is_decided, outcome.processes


def drawn_limit_ms(known: Sequence[Known], rng: np.random.Generator) -> float:
    """A limit that a tenth keeps at least, and a tenth breaks."""
    by_latency = sorted(each.latency_ms for each in known)
    few = max(1, len(known) // 10)
    return math.exp(rng.uniform(math.log(by_latency[few]), math.log(by_latency[-few])))


def _flat(apart: float, runs: int) -> tuple[float, str, str, str, str, str, str]:
    wrong, left, processes, decided = zip(*each_run(partial(_one_flat, apart), runs), strict=True)
    held = 1 - sum(wrong) / runs
    mean = float(np.mean(processes))
    return (
        held,
        f"{held:.1%}",
        f"{left.count(0) / runs:.1%}",
        str(max(left)),
        f"{sum(decided) / runs:.1%}",
        f"{mean:.1f}",
        f"{mean / (DEFAULT_MOST_REPETITIONS * _OF_FLAT):.1%}",
    )


def _one_flat(apart: float, run: int) -> tuple[bool, int, int, bool]:
    """Whether anybody left wrongly, how many left, processes, and whether it was decided."""
    known = flat_table(_OF_FLAT, apart)
    rng = np.random.default_rng((_OF_FLAT, run))
    ended = race(known, RaceRules(), DEFAULT_MOST_REPETITIONS * len(known), rng)
    return bool(left_wrongly(known, ended)), len(lost(ended)), ended.processes, ended.is_decided
