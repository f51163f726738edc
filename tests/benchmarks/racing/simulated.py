"""A race on a table whose truth is known, with processes that differ as measured ones do."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from controller.figures.spread import Spread, spread_of
from controller.ranking.racing.allocating import next_processes
from controller.ranking.racing.beliefs import Racer, RaceRules, race_deviation
from controller.ranking.racing.standings import Standings, standings
from tests.benchmarks.racing.priors import LEAST_MEASURED, expected, first_measured
from tests.benchmarks.racing.tables import Known, front

Measured: TypeAlias = Mapping[str, Sequence[float]]
"""Medians of processes, ms, by backbone's name."""


@dataclass(frozen=True)
class Noise:
    """How processes of one backbone differ, on the logarithm; degrees of Student's t."""

    deviation: float = 0.015
    degrees: int = 4

    def process(self, latency_ms: float, rng: np.random.Generator) -> float:
        """The median of one process, ms."""
        scale = self.deviation / math.sqrt(self.degrees / (self.degrees - 2))
        return latency_ms * math.exp(scale * rng.standard_t(self.degrees))


@dataclass(frozen=True)
class Outcome:
    """How a race ended."""

    standings: Standings
    processes: int
    medians_ms: dict[str, list[float]]

    @property
    def is_decided(self) -> bool:
        """Whether it stopped by itself, not for its time."""
        return self.standings.is_decided


def race(
    known: Sequence[Known],
    rules: RaceRules,
    most: int,
    rng: np.random.Generator,
    noise: Noise = Noise(),
) -> Outcome:
    """One race of at most so many processes in all."""
    truth = {each.name: each for each in known}
    sizes = {each.name: each.sizes for each in known}
    medians: dict[str, list[float]] = {}
    order = first_measured(sizes, min(most, max(LEAST_MEASURED, len(known) // 8)))
    spent, wave = 0, max(2, len(known) // 16)
    while True:
        for name in order[: most - spent]:
            median = noise.process(truth[name].latency_ms, rng)
            medians.setdefault(name, []).append(median)
            spent += 1
        pooled = Spread()
        for each in medians.values():
            pooled = pooled.plus(spread_of(each))
        means = {name: float(np.exp(np.mean(np.log(each)))) for name, each in medians.items()}
        priors = expected(sizes, means)
        racers = [
            Racer(
                racer_id=each.name,
                top1=each.top1,
                medians_ms=tuple(medians.get(each.name, ())),
                prior=priors.get(each.name),
            )
            for each in known
        ]
        now = standings(racers, race_deviation(pooled), rules)
        order = next_processes(now, rules, wave)
        if not order or spent >= most:
            return Outcome(now, spent, medians)


def answered(known: Sequence[Known], medians_ms: Measured) -> list[Known]:
    """What a race answers with: the front of the medians it measured, as what they truly are."""
    seen = [
        Known(each.name, each.top1, float(np.median(medians_ms[each.name])), each.sizes)
        for each in known
        if each.name in medians_ms
    ]
    truth = {each.name: each for each in known}
    return [truth[each.name] for each in front(seen)]


def hypervolume(points: Sequence[Known], known: Sequence[Known]) -> float:
    """What points dominate of the plane of top-1 and the logarithm of latency."""
    worst = math.log(max(each.latency_ms for each in known))
    least = min(each.top1 for each in known)
    volume, below = 0.0, least
    for each in front(points):
        volume += (worst - math.log(each.latency_ms)) * (each.top1 - below)
        below = each.top1
    return volume


def is_right_winner(known: Sequence[Known], medians_ms: Measured, limit_ms: float) -> bool:
    """Whether what it measured to be most accurate within a limit is, or ties with what is.

    What is within 2 % of the limit may stand on either side of it, and what is at most 2 % slower
    and as accurate is a tie.
    """
    ahead = [
        each
        for each in known
        if each.name in medians_ms and float(np.median(medians_ms[each.name])) <= limit_ms
    ]
    if not ahead:
        return all(each.latency_ms > limit_ms / 1.02 for each in known)
    winner = max(ahead, key=lambda each: (each.top1, -float(np.median(medians_ms[each.name]))))
    surely = [each for each in known if each.latency_ms <= limit_ms / 1.02]
    best = max((each.top1 for each in surely), default=-math.inf)
    fastest = min((each.latency_ms for each in surely if each.top1 == best), default=math.inf)
    if winner.latency_ms > limit_ms * 1.02:
        return False
    return winner.top1 > best or (winner.top1 == best and winner.latency_ms <= fastest * 1.02)


def lost(outcome: Outcome) -> set[str]:
    """Those that lost a race."""
    return {
        place.belief.racer.racer_id for place in outcome.standings.places if place.standing.has_lost
    }


def left_wrongly(known: Sequence[Known], outcome: Outcome) -> list[str]:
    """Those that lost a race for the front though nobody that stayed ties with them or beats them.

    Beside one that is at least as accurate and at most 2 % slower nobody is missed. What it lost to
    does not excuse it: that may have lost as well.
    """
    left = lost(outcome)
    stayed = [each for each in known if each.name not in left]
    return [
        each.name
        for each in known
        if each.name in left
        and all(
            other.top1 < each.top1 or other.latency_ms > each.latency_ms * 1.02 for other in stayed
        )
    ]
