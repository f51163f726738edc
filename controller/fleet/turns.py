"""Who is measured when on a device, and which repetitions count: rules without clock or database.

The repetitions of a sweep's jobs take turns in a random order. Measured one after the other, all
processes of one job would lie in the same busy minute and agree on a wrong figure; in turns, what
disturbs the device for a while falls on one repetition of many jobs, and shows as disagreement.

What lasts longer than that is told by the sentinel: one small backbone, read before the others,
after every ten of them and after the last. Two readings enclose a block. A block is suspect when a
reading at one of its ends is slower than the fastest reading of the sweep by more than both
intervals and 5 %; its repetitions are taken again, at most once for each, and do not count where at
least two others are left. A reading that the device was not ready for makes its block longer; after
a second one in a row the sentinel has failed, and what no later reading enclosed was not watched.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from controller.domain.jobs import OpenJob, Reading

SENTINEL_EVERY: Final = 10


# As far as processes of one network differ on a machine that others use, too.
DRIFT_MARGIN: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What follows from the turns that were taken.

    Attributes:
        added: the jobs whose turns follow after all others, in order, one for each turn.
        complete: the jobs of which no more is to be measured.
    """

    added: tuple[str, ...]
    complete: tuple[str, ...]


def order_turns(
    repetitions: Mapping[str, int], sentinel: str | None, rng: random.Random
) -> tuple[str, ...]:
    """The jobs in the order of their turns: shuffled, and the sentinel before, between and after.

    Args:
        repetitions: of each job that is no sentinel.
        sentinel: the job that is one, if any.
        rng: makes the order.
    """
    turns = [job_id for job_id, count in repetitions.items() for _ in range(count)]
    rng.shuffle(turns)
    if sentinel is None or not turns:
        return tuple(turns)
    return (sentinel, *_with_readings(turns, sentinel))


def settle(jobs: Sequence[OpenJob], readings: Sequence[Reading], rng: random.Random) -> Settlement:
    """Which turns are to be taken again, and which jobs are complete.

    Args:
        jobs: those of one sweep on one device that have not ended.
        readings: those of the sentinel, in order.
        rng: orders what is taken again.
    """
    suspects = suspect_blocks(readings)
    sentinel = next((job for job in jobs if job.is_sentinel), None)
    measured = [job for job in jobs if not job.is_sentinel]
    again = {job.job_id: _missing(job, suspects) for job in measured}
    complete = [
        job
        for job in measured
        if not job.has_open_turns
        and not again[job.job_id]
        and (sentinel is None or all(is_watched(turn.block, readings) for turn in job.turns))
    ]
    if sentinel is None:
        turns = order_turns(again, None, rng)
        return Settlement(added=turns, complete=tuple(job.job_id for job in complete))
    # With a reading of their own before them: the one that made them needed was a slow one.
    added = order_turns(again, sentinel.job_id, rng)
    if len(complete) == len(measured):
        complete.append(sentinel)
    elif not added and not sentinel.has_open_turns:
        added = (sentinel.job_id,)
    return Settlement(added=added, complete=tuple(job.job_id for job in complete))


def suspect_blocks(readings: Sequence[Reading]) -> frozenset[int]:
    """The blocks, numbered by how many readings come before them, with an end that was slowed down.

    Block 0 has the first reading as its only end.
    """
    if not readings:
        return frozenset()
    limit_ms = min(reading.high_ms for reading in readings) * (1 + DRIFT_MARGIN)
    slow = [reading.low_ms > limit_ms for reading in readings]
    return frozenset(block for block, ends in enumerate(pairwise([slow[0], *slow])) if any(ends))


def is_watched(turn_block: int | None, readings: Sequence[Reading]) -> bool:
    """Whether a reading followed on a turn that was taken in this block."""
    return turn_block is None or turn_block < len(readings)


def slowdown(readings: Sequence[Reading]) -> float:
    """How much slower the slowest reading is than the fastest; 0.2 is 20 %."""
    middles = [(reading.low_ms + reading.high_ms) / 2 for reading in readings]
    return max(middles) / min(middles) - 1


def _with_readings(turns: Sequence[str], sentinel: str) -> tuple[str, ...]:
    """The turns, and the sentinel's after every ten and after the last."""
    order: list[str] = []
    for begin in range(0, len(turns), SENTINEL_EVERY):
        order += [*turns[begin : begin + SENTINEL_EVERY], sentinel]
    return tuple(order)


def _missing(job: OpenJob, suspects: frozenset[int]) -> int:
    """How many turns of a job are to be taken again; each one once at most."""
    good = sum(turn.is_open or turn.block not in suspects for turn in job.turns)
    allowed = 2 * job.repetitions - len(job.turns)
    return max(0, min(job.repetitions - good, allowed))
