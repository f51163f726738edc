"""Races by the product's own rounds and predictions, on tables whose truth is known.

Other simulated races expect latencies by two sizes alone, so that thousands take minutes. Here each
round is what a controller makes of the same processes: whom it measures first, what it predicts of
the others, who has lost, who has the next process.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from controller.cli.rankings.racing import SHORT_PROCESS_MS, Racing, Wanted, race_spec
from controller.domain.jobs import OpenJob, Turn, TurnState
from controller.domain.rankings.predictions import Elsewhere
from controller.domain.sweeps import (
    DEFAULT_GATE,
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
)
from controller.domain.sweeps.races import Race
from controller.figures.spread import Spread, spread_of
from controller.fleet.rounds.expecting import expected_of, pioneers
from controller.fleet.rounds.racing import course_deviation, next_round
from controller.fleet.rounds.turns import Course
from controller.ranking.prediction.evidence import Network, features_by_network
from controller.state.catalog.candidates import RacingJob
from models.catalog.catalog import load_catalog
from models.catalog.features import NetworkFeatures, load_features
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import NetworkInput
from protos.measuring import MeasureSettings
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.benchmarks.pages.section import Section
from tests.benchmarks.racing.proof import (
    FRONTS,
    LEAST_RIGHT,
    LEAST_VOLUME,
    SHARE,
    drawn_limit_ms,
    each_run,
    tenth,
)
from tests.benchmarks.racing.simulated import Noise, answered, hypervolume, is_right_winner
from tests.benchmarks.racing.tables import Known, read_table
from tests.benchmarks.size import scaled

# A race of many backbones takes seconds: it predicts anew after each round that measured somebody
# new. One of few takes a quarter of one.
RUNS: Final = 100
RUNS_OF_FEW: Final = 1_000
_FEW: Final = 20
# Of fewer nothing is said of 95 %.
_LEAST_RUNS: Final = 100


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a race ended.

    Attributes:
        medians_ms: of its processes, by backbone's name.
        is_decided: whether it stopped by itself, not for its processes.
    """

    medians_ms: Mapping[str, Sequence[float]]
    is_decided: bool

    @property
    def processes(self) -> int:
        """How many there were in all."""
        return sum(map(len, self.medians_ms.values()))


def run() -> Section:
    """The front and the winner under a limit, of each table."""
    rows, held, fewest = [], [], RUNS_OF_FEW
    for name in FRONTS:
        known = read_table(name)
        runs = runs_of(known)
        fewest = min(fewest, runs)
        for asked, one in ASKED:
            found = each_run(partial(one, known), runs)
            held.append(sum(is_right for is_right, _, _ in found) / runs)
            rows.append((name, str(len(known)), f"{runs:,}", asked, *told(found, len(known))))
    return Section(
        title="Races by the product's own predictions",
        promise=f"with at most {SHARE:.0%} of the processes of a full sweep a front dominates at "
        f"least {LEAST_VOLUME:.0%} of the true one's area, and under a limit the right backbone "
        f"wins, as in the tables above, each in {LEAST_RIGHT:.0%} of at least {fewest:,} runs.",
        header=(
            *("table", "backbones", "runs", "asked for", "held", "decided before"),
            *("processes, mean", "of a sweep", "never measured, mean"),
        ),
        rows=rows,
        holds=verdict(held, fewest),
    )


def runs_of(known: Sequence[Known]) -> int:
    """How many races a row is of."""
    return scaled(RUNS_OF_FEW if len(known) <= _FEW else RUNS)


def verdict(held: Sequence[float], fewest: int) -> bool | None:
    """Whether the promise holds; None of too few runs.

    Args:
        held: shares of runs, of each row.
        fewest: runs that a row is of.
    """
    return None if fewest < _LEAST_RUNS else all(each >= LEAST_RIGHT for each in held)


def race(
    known: Sequence[Known],
    wanted: Race,
    most: int,
    rng: np.random.Generator,
    elsewhere: Sequence[Elsewhere] = (),
) -> Ended:
    """One race of at most so many processes in all, on a device of which nothing is known yet.

    `elsewhere` is what networks took on other devices, by `network_name`.
    """
    truth = {each.name: each for each in known}
    candidates = {each.name: _candidate(each) for each in known}
    features, noise = _networks(), Noise()
    shuffling = random.Random(int(rng.integers(2**32)))
    medians: dict[str, list[float]] = {}
    others = {Precision.FP32: elsewhere}
    spent, order = 0, pioneers(list(candidates.values()), features)
    while True:
        for name in order[: most - spent]:
            median_ms = noise.process(truth[name].latency_ms, rng)
            medians.setdefault(name, []).append(median_ms)
            candidates[name] = replace(candidates[name], medians_ms=tuple(medians[name]))
            spent += 1
        course = _course(wanted, medians)
        racing = list(candidates.values())
        expected = expected_of(racing, (), features, course_deviation(course), others)
        going_on = [each for each in racing if each.medians_ms and not each.has_ended]
        following = next_round(list(map(_open, going_on)), racing, expected, course, shuffling)
        for name in following.lost.keys() & medians.keys():
            candidates[name] = replace(candidates[name], has_ended=True)
        order = following.turns.jobs
        if not order or spent >= most:
            return Ended(medians_ms=medians, is_decided=not order)


def one_front(
    known: Sequence[Known], run: int, elsewhere: Sequence[Elsewhere] = ()
) -> tuple[bool, bool, Ended]:
    """Whether the front is nearly all that the true one is, and whether that was decided."""
    rng = np.random.default_rng((len(known), run))
    ended = race(known, Race(), tenth(known), rng, elsewhere)
    share = hypervolume(answered(known, ended.medians_ms), known) / hypervolume(known, known)
    return share >= LEAST_VOLUME, ended.is_decided, ended


def one_winner(
    known: Sequence[Known], run: int, elsewhere: Sequence[Elsewhere] = ()
) -> tuple[bool, bool, Ended]:
    """Whether the winner is right, and whether that was decided."""
    rng = np.random.default_rng((len(known), run))
    limit_ms = drawn_limit_ms(known, rng)
    wanted = Race(max_latency_ms=limit_ms)
    ended = race(known, wanted, tenth(known), rng, elsewhere)
    return is_right_winner(known, ended.medians_ms, limit_ms), ended.is_decided, ended


ASKED: Final = (("the front", one_front), ("within a limit", one_winner))


def told(found: Sequence[tuple[bool, bool, Ended]], backbones: int) -> tuple[str, ...]:
    """How many held and were decided, what they took, and how many were never measured."""
    right, decided, ended = zip(*found, strict=True)
    processes = float(np.mean([each.processes for each in ended]))
    unmeasured = backbones - float(np.mean([len(each.medians_ms) for each in ended]))
    return (
        f"{np.mean(right):.1%}",
        f"{np.mean(decided):.1%}",
        f"{processes:.1f}",
        f"{processes / (DEFAULT_MOST_REPETITIONS * backbones):.1%}",
        f"{unmeasured:.1f}",
    )


def _networks() -> Mapping[Network, NetworkFeatures]:
    return features_by_network(load_catalog(), load_features(), {})


def _candidate(known: Known) -> RacingJob:
    size = load_catalog().get(known.name).input_size
    return RacingJob(
        job_id=known.name,
        backbone=known.name,
        top1=known.top1,
        settings=MeasureSettings(
            runtime=Runtime.ONNXRUNTIME,
            threads=1,
            relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
            time_budget_ms=SHORT_PROCESS_MS,
            takes=NetworkInput(size=size),
            input_seed=1,
            onnxruntime=OnnxRuntimeOptions(),
        ),
        input_size=size,
    )


def _open(job: RacingJob) -> OpenJob:
    turns = [Turn(state=TurnState.TAKEN, block=0, median_ms=each) for each in job.medians_ms]
    return OpenJob(job_id=job.job_id, turns=tuple(turns))


def _course(wanted: Race, medians: Mapping[str, Sequence[float]]) -> Course:
    spread = Spread()
    for each in medians.values():
        spread = spread.plus(spread_of(each))
    return Course(
        spec=race_spec(
            Racing(
                device="",
                names=None,
                tier=None,
                runtimes=(),
                threads=(1,),
                weights=WeightsKind.SYNTHETIC,
            ),
            Wanted(
                max_latency_ms=wanted.max_latency_ms, time_ms=None, confidence=wanted.confidence
            ),
            DEFAULT_GATE,
            backbones=(),
        ),
        planned_ms=0,
        spread=spread,
        history=Spread(),
        spent_ms=0,
        readings_ms=(),
        sentinel=None,
        has_repeated=False,
    )
