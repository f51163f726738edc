"""A sweep on a simulated device: the controller's own rules, the agent's own loop, no clock."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from agent.child.stopping import StoppingRule
from controller.domain.jobs import OpenJob, Turn, TurnState
from controller.domain.sweeps import SweepSpec, planned_time_ms
from controller.figures.drift import has_shifted
from controller.figures.spread import UNKNOWN, Spread, process_spread, spread_of
from controller.figures.statistics import median_of
from controller.fleet.rounds.concluding import those_but
from controller.fleet.rounds.turns import (
    Course,
    first_rounds,
    is_complete,
    next_turns,
    with_readings,
)
from models.catalog.variants import WeightsKind
from protos.measuring import Repetition
from tests.benchmarks.measuring.series import Series
from tests.benchmarks.protocol import NS_PER_MS, measure

# What a process takes besides its samples: to start, to load, to warm up.
PROCESS_MS = 1_000
SENTINEL = "the sentinel"
TIME_BUDGET_MS = 10_000
# By how much the whole device is slower at a moment, ms since the sweep began.
Slowness = Callable[[float], float]


def steady(_at_ms: float) -> float:
    """A device that keeps its speed."""
    return 1.0


def spec_of(
    wanted: float, fewest: int = 3, most: int = 10, time_ms: int | None = None
) -> SweepSpec:
    """A sweep that asks for this half-width."""
    return SweepSpec(
        backbones=("simulated",),
        devices=(),
        runtimes=(),
        threads=(1,),
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=fewest,
        most_repetitions=most,
        relative_half_width=wanted,
        time_budget_ms=TIME_BUDGET_MS,
        time_ms=time_ms,
    )


@dataclass(kw_only=True)
class SimulatedSweep:
    """Jobs, each of processes of one series, measured in rounds as a controller would.

    Attributes:
        jobs: by name, what its processes are of.
        spec: what was asked for.
        rng: draws processes.
        sentinel: what the sentinel's processes are of; None is no sentinel.
        history: of earlier sweeps on the device.
        slowness: of the device.
    """

    jobs: Mapping[str, Series]
    spec: SweepSpec
    rng: np.random.Generator
    sentinel: Series | None = None
    history: Spread = UNKNOWN
    slowness: Slowness = steady
    _taken: dict[str, list[tuple[Turn, Repetition]]] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _readings_ms: list[float] = field(default_factory=list)
    _spread: Spread = UNKNOWN
    _now_ms: float = 0.0
    _since_reading: int = 0
    _has_repeated: bool = False

    def run(self) -> dict[str, list[Repetition]]:
        """Of each job the repetitions that its figures are made of; none of a throttled one."""
        order = random.Random(int(self.rng.integers(2**32)))
        sentinel = None if self.sentinel is None else SENTINEL
        self._taken = {job_id: [] for job_id in self.jobs}
        queue = first_rounds(tuple(self.jobs), self.spec.fewest_repetitions, sentinel, order)
        while queue:
            for current in queue:
                self._take(current)
            queue = self._following(order)
        suspects = self.course().suspects
        counted = {
            job_id: [each for turn, each in taken if turn.block not in suspects]
            for job_id, taken in self._taken.items()
        }
        return {
            job_id: list(those_but(each, has_shifted)) if len(each) > 1 else []
            for job_id, each in counted.items()
        }

    def course(self) -> Course:
        """How the sweep stands."""
        return Course(
            spec=self.spec,
            planned_ms=planned_time_ms(self.spec, len(self.jobs)),
            spread=self._spread,
            history=self.history,
            spent_ms=round(self._now_ms),
            readings_ms=tuple(self._readings_ms),
            sentinel=None if self.sentinel is None else SENTINEL,
            has_repeated=self._has_repeated,
        )

    def _following(self, order: random.Random) -> tuple[str, ...]:
        course = self.course()
        self._ended |= {job.job_id for job in self._jobs() if is_complete(job, course)}
        going = [job for job in self._jobs() if job.job_id not in self._ended]
        found = next_turns(going, course, order)
        self._has_repeated |= found.is_repeat
        if self.sentinel is None:
            return found.jobs
        before = (SENTINEL,) if found.is_repeat and found.jobs else ()
        turns = with_readings(found.jobs, SENTINEL, 0 if before else self._since_reading)
        return (*before, *turns, *((SENTINEL,) if found.reading else ()))

    def _jobs(self) -> list[OpenJob]:
        return [
            OpenJob(job_id=job_id, turns=tuple(turn for turn, _ in taken))
            for job_id, taken in self._taken.items()
        ]

    def _medians_ms(self, job_id: str) -> list[float]:
        return [turn.median_ms for turn, _ in self._taken[job_id] if turn.median_ms is not None]

    def _take(self, current: str) -> None:
        series = self.sentinel if current == SENTINEL else self.jobs[current]
        assert series is not None
        known = self._spread.plus(self.history.as_history())
        own = UNKNOWN if current == SENTINEL else spread_of(self._medians_ms(current))
        rule = StoppingRule(
            relative_half_width=self.spec.relative_half_width,
            time_budget_ns=TIME_BUDGET_MS * NS_PER_MS,
            process_spread=process_spread(known, own),
            start_ns=PROCESS_MS * NS_PER_MS,
        )
        latency_ms = self.slowness(self._now_ms) * series.process(self.rng, series.runs)
        repetition = measure(latency_ms, rule, self.rng)
        took_ms = PROCESS_MS + sum(repetition.latency_ns) / NS_PER_MS
        self._now_ms += took_ms
        if current == SENTINEL:
            self._readings_ms.append(median_of(repetition))
            self._since_reading = 0
            return
        self._since_reading += 1
        turn = Turn(
            state=TurnState.TAKEN,
            block=len(self._readings_ms),
            median_ms=median_of(repetition),
            spent_ms=round(took_ms),
        )
        before = self._medians_ms(current)
        after = [*before, median_of(repetition)]
        self._spread = self._spread.plus(spread_of(after)).without(spread_of(before))
        self._taken[current].append((turn, repetition))
