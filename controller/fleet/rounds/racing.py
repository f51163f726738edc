"""What follows on a round of a race: who has lost, and who has another process: pure rules.

The jobs that tell most of the others have one process first, see
`controller.fleet.rounds.expecting`. After each round the race is judged by all processes so far,
and by what is predicted of jobs that have none; those of which nothing is predicted have one next.
Measured jobs that have lost end with the figures that they have, and the next round is of the few
whose processes may change the answer most. It ends when no job is open any more, or with the
sweep's time; who was only predicted ends then without a figure.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.domain.jobs import OpenJob
from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.races import Race
from controller.fleet.rounds.turns import Course, NextTurns, in_time, next_turns, shuffled
from controller.ranking.racing.allocating import next_processes
from controller.ranking.racing.beliefs import Prior, Racer, RaceRules, race_deviation
from controller.ranking.racing.standings import Place, Standings, standings
from controller.state.catalog.candidates import RacingJob
from protos.reasons import Reason, ReasonCode, reason

# Of those that are open, in each round: few, so that what a round told decides on the next.
_SHARE_OF_ROUND: Final = 0.25
_LEAST_OF_ROUND: Final = 2


@dataclass(frozen=True, kw_only=True)
class RaceRound:
    """What follows on a round of a race.

    Attributes:
        lost: why each job that goes on has lost, by id.
        undecided: why each that is open is, should nothing follow.
        turns: what follows.
        open_count: how many candidates are still in the race.
    """

    lost: Mapping[str, Reason] = field(default_factory=dict)
    undecided: Mapping[str, Reason] = field(default_factory=dict)
    turns: NextTurns
    open_count: int = 0


def next_round(
    jobs: Sequence[OpenJob],
    candidates: Sequence[RacingJob],
    expected: Mapping[str, Prior],
    course: Course,
    rng: random.Random,
) -> RaceRound:
    """What follows when every turn was taken.

    A job of which no accuracy is known has nothing to win, and is measured once.

    Args:
        jobs: those that have turns and have not ended; none has an open turn.
        candidates: all of the race, those that ended as well.
        expected: what is expected of those that were not measured, by id.
        course: how their sweep stands, which is a race.
        rng: orders them.
    """
    rules = _rules(course.spec)
    steady = {job.job_id: _steady_medians(job, course) for job in jobs}
    begun = {job.job_id for job in jobs}
    begun |= {each.job_id for each in candidates if each.earlier_ms and not each.has_ended}
    racers = [
        Racer(
            racer_id=each.job_id,
            top1=each.top1,
            medians_ms=(*each.earlier_ms, *steady[each.job_id])
            if each.job_id in steady
            else each.medians_ms,
            prior=expected.get(each.job_id),
        )
        for each in candidates
        # What ended without a figure failed.
        if each.top1 is not None and (each.medians_ms or not each.has_ended)
    ]
    now = standings(racers, course_deviation(course), rules)
    lost = _lost(now, {each.job_id: each for each in candidates})
    going_on = {job.job_id: job for job in jobs if job.job_id not in lost}
    typical_ms = _typical_ms(jobs)
    new = {
        each.job_id: OpenJob(job_id=each.job_id, turns=(), expected_ms=typical_ms)
        for each in candidates
        if not each.has_ended and each.job_id not in steady and each.job_id not in lost
    }
    may_follow = new | {
        job_id: job for job_id, job in going_on.items() if len(job.turns) < rules.most_processes
    }
    chosen = next_processes(now, rules, len(racers))
    ready = [may_follow[job_id] for job_id in chosen if job_id in may_follow]
    turns = in_time(ready[: _round_size(now)], course)
    following = NextTurns(jobs=shuffled(turns, rng)) if turns else _at_end(going_on, course, rng)
    return RaceRound(
        lost={job_id: why for job_id, why in lost.items() if job_id in begun},
        undecided=_undecided(now),
        turns=following,
        open_count=len(now.open),
    )


def course_deviation(course: Course) -> float:
    """The standard deviation between processes that a race counts on."""
    return race_deviation(course.spread.plus(course.history.as_history()))


def _round_size(now: Standings) -> int:
    """How many have a process in the next round: those of whom nothing is known all at once."""
    unknown = sum(not place.belief.is_known for place in now.open)
    return unknown or max(_LEAST_OF_ROUND, math.ceil(_SHARE_OF_ROUND * len(now.open)))


def _typical_ms(jobs: Sequence[OpenJob]) -> float:
    """What a process takes, ms, by those that were taken."""
    taken = [job.next_ms for job in jobs if job.next_ms]
    return math.fsum(taken) / len(taken) if taken else 0.0


def _rules(spec: SweepSpec) -> RaceRules:
    race = spec.race or Race()
    return RaceRules(
        max_latency_ms=race.max_latency_ms,
        confidence=race.confidence,
        most_processes=spec.most_repetitions,
    )


def _at_end(going_on: Mapping[str, OpenJob], course: Course, rng: random.Random) -> NextTurns:
    """A reading, or what lay beside a change, once nobody has another process for the race."""
    return next_turns(list(going_on.values()), course, rng)


def _steady_medians(job: OpenJob, course: Course) -> tuple[float, ...]:
    """Of the processes that lie beside no change of the device, ms; of all where none is left."""
    steady = tuple(
        turn.median_ms
        for turn in job.turns
        if turn.median_ms is not None and turn.block not in course.suspects
    )
    return steady or job.medians_ms


def _lost(now: Standings, candidates: Mapping[str, RacingJob]) -> dict[str, Reason]:
    return {
        place.belief.racer.racer_id: reason(
            ReasonCode.LOST_RACE,
            {"standing": place.standing.value, **_other_words(place, candidates)},
            repetitions=_processes(place),
        )
        for place in now.places
        if place.standing.has_lost
    }


def _other_words(place: Place, candidates: Mapping[str, RacingJob]) -> dict[str, str]:
    """By whom it was beaten, and in which precision where that is another one."""
    own = candidates[place.belief.racer.racer_id]
    other = candidates.get(place.beside)
    if other is None:
        return {"other": ""}
    is_alike = other.precision is own.precision
    precision = {} if is_alike else {"precision": other.precision.value}
    return {"other": other.backbone, **precision}


def _undecided(now: Standings) -> dict[str, Reason]:
    return {
        place.belief.racer.racer_id: reason(
            ReasonCode.RACE_UNDECIDED, repetitions=_processes(place)
        )
        for place in now.open
    }


def _processes(place: Place) -> int:
    return len(place.belief.racer.medians_ms)
