"""Who is measured when on a device: rules without clock or database.

A sweep's jobs are measured in rounds. A round takes one repetition of each, in random order: what
disturbs the device for a while falls on one repetition of many jobs, and shows as disagreement; and
after the first rounds there is a figure of every job. The fewest repetitions that were asked for
are taken in any case. Further rounds are of the jobs whose interval is still wider than wanted and
that have neither the most repetitions nor used up their time; where a sweep has a time of its own,
what is left of it goes to those that are widest.

Between the repetitions a sentinel is read, see `controller.fleet.rounds.drifting`: before the
first, after every ten and after the last. What lies beside a gross and lasting change is taken
again, once.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from controller.domain.jobs import OpenJob
from controller.domain.sweeps import SweepSpec, job_time_ms
from controller.figures.spread import (
    Spread,
    careful_deviation,
    half_width,
    likely_deviation,
    spread_of,
)
from controller.fleet.rounds.drifting import awaits_another, is_decided, is_watched, suspect_blocks

SENTINEL_EVERY: Final = 10
# Of the time that a sweep is planned to take.
REPEATING_SHARE: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a sweep stands on a device.

    Attributes:
        spec: what was asked for.
        planned_ms: what it is planned to take there, ms.
        spread: of its jobs' processes so far.
        history: of earlier sweeps on the device.
        spent_ms: what was spent on it so far, the sentinel's readings as well, ms.
        readings_ms: the sentinel's medians in order, ms.
        sentinel: the job that is one and can still be read; None without any.
        has_repeated: whether what lay beside a change was taken again.
        is_to_be_watched: whether there is a sentinel, failed or not.
    """

    spec: SweepSpec
    planned_ms: int
    spread: Spread
    history: Spread
    spent_ms: int
    readings_ms: tuple[float, ...]
    sentinel: str | None
    has_repeated: bool
    is_to_be_watched: bool = False

    @cached_property
    def suspects(self) -> frozenset[int]:
        """The blocks beside a gross and lasting change."""
        return suspect_blocks(self.readings_ms)


@dataclass(frozen=True, kw_only=True)
class NextTurns:
    """What follows when every turn was taken.

    Attributes:
        jobs: those whose turns follow, in order, one for each turn; empty is the end.
        reading: whether the sentinel is to be read besides.
        is_repeat: whether they are taken again.
    """

    jobs: tuple[str, ...] = ()
    reading: bool = False
    is_repeat: bool = False


def first_rounds(
    job_ids: Sequence[str], fewest: int, sentinel: str | None, rng: random.Random
) -> tuple[str, ...]:
    """The jobs in the order of their first turns: round after round, each in a random order.

    Args:
        job_ids: those that are no sentinel.
        fewest: how many rounds.
        sentinel: the job that is one, if any; it comes first, and after every ten others.
        rng: makes the order.
    """
    turns = tuple(job_id for _ in range(fewest) for job_id in shuffled(job_ids, rng))
    if sentinel is None or not turns:
        return turns
    return (sentinel, *with_readings(turns, sentinel, since=0))


def with_readings(turns: Sequence[str], sentinel: str, since: int) -> tuple[str, ...]:
    """The turns, with the sentinel's after every ten; `since` were taken after its last."""
    order: list[str] = []
    for turn in turns:
        if since >= SENTINEL_EVERY:
            order.append(sentinel)
            since = 0
        order.append(turn)
        since += 1
    return tuple(order)


def wants_more(job: OpenJob, course: Course) -> bool:
    """Whether a job is to have more repetitions than it has, if the sweep's time allows."""
    spec = course.spec
    if len(job.turns) >= spec.most_repetitions:
        return False
    if len(job.turns) < spec.fewest_repetitions:
        return True
    if spec.race is not None:
        # The race says who has more, see `controller.fleet.rounds.racing`.
        return False
    more = len(job.turns) + 1
    if spec.time_ms is None and job.spent_ms + job.next_ms > job_time_ms(spec, more):
        return False
    others = course.spread.without(spread_of(job.medians_ms)).plus(course.history.as_history())
    width = half_width(job.medians_ms, careful_deviation(others))
    return width > spec.relative_half_width


def is_complete(job: OpenJob, course: Course) -> bool:
    """Whether a job can end while others are measured: with all it is to have, all of it steady."""
    if job.has_open_turns or wants_more(job, course):
        return False
    if course.spec.race is not None:
        # What others will tell may give it more.
        return False
    if course.sentinel is None:
        return True
    return all(
        is_decided(turn.block, course.readings_ms) and turn.block not in course.suspects
        for turn in job.turns
    )


def next_turns(jobs: Sequence[OpenJob], course: Course, rng: random.Random) -> NextTurns:
    """What follows when every turn was taken: a round, a reading, what is taken again, or nothing.

    Args:
        jobs: those that have not ended; none has an open turn.
        course: how their sweep stands.
        rng: orders them.
    """
    typical = likely_deviation(course.spread)
    widest = sorted(jobs, key=lambda job: half_width(job.medians_ms, typical), reverse=True)
    round_ = in_time([job for job in widest if wants_more(job, course)], course)
    if round_:
        return NextTurns(jobs=shuffled(round_, rng))
    if course.sentinel is not None and jobs and _is_to_be_read(jobs, course):
        return NextTurns(reading=True)
    if course.has_repeated or not course.suspects:
        return NextTurns()
    again = [job for job in widest for turn in job.turns if turn.block in course.suspects]
    return NextTurns(
        jobs=shuffled(_in_time(again, REPEATING_SHARE * course.planned_ms), rng),
        is_repeat=True,
    )


def _is_to_be_read(jobs: Sequence[OpenJob], course: Course) -> bool:
    """Whether nothing followed on a repetition, or on a change that nobody knows to last."""
    blocks = [turn.block for job in jobs for turn in job.turns if turn.block is not None]
    if not all(is_watched(block, course.readings_ms) for block in blocks):
        return True
    last = len(course.readings_ms) - 1
    return last in blocks and awaits_another(course.readings_ms)


def _left_ms(course: Course) -> float | None:
    """What is left of the time of a sweep that has one of its own, ms."""
    return None if course.spec.time_ms is None else course.spec.time_ms - course.spent_ms


def in_time(jobs: Sequence[OpenJob], course: Course) -> list[str]:
    """The first of them that are expected to fit into what is left of the sweep's time."""
    return _in_time(jobs, _left_ms(course))


def _in_time(jobs: Sequence[OpenJob], left_ms: float | None) -> list[str]:
    """The first of them that are expected to take no longer together; None is no limit."""
    chosen: list[str] = []
    for job in jobs:
        if left_ms is not None:
            left_ms -= job.next_ms
            if left_ms < 0:
                break
        chosen.append(job.job_id)
    return chosen


def shuffled(job_ids: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """The same in random order."""
    # Not the widest first: a drift would fall on the same jobs in each round.
    return tuple(rng.sample(job_ids, len(job_ids)))
