"""Whether the device changed while a sweep was measured, told by its sentinel: pure rules.

A sentinel is one small backbone. Two readings of it enclose a block of repetitions. Its processes
differ as those of any other network do, so readings are judged against that: from their own
median, by their own deviation, and in both directions. What passes, or stays within it, falls on
the repetitions of all jobs alike, since these are in random order, and stands in their intervals.
Only a change that is gross and lasts makes a block suspect.

After a second reading in a row that the device was not ready for the sentinel has failed, and what
no later reading enclosed was not watched.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low
from typing import Final

import numpy as np

GROSS_CHANGE: Final = 0.2
GROSS_DEVIATIONS: Final = 4.0
# The standard deviation of a normal distribution over the median of the absolute differences
# between two draws from it: 1.4826 / sqrt(2).
_DEVIATION_OF_DIFFERENCES: Final = 1.0484


def suspect_blocks(readings_ms: Sequence[float]) -> frozenset[int]:
    """The blocks, numbered by how many readings come before them, beside a gross, lasting change.

    A reading has changed when it is 20 % and 4 standard deviations from the median of all, and that
    lasts when one of its neighbours has changed in the same direction. The deviation is that of the
    readings themselves, told by the median difference between neighbours. That of the jobs'
    processes is not asked: a change of the device is in it, too.

    Args:
        readings_ms: the sentinel's medians in order, ms.
    """
    changes = _changes(readings_ms)
    lasting = [
        bool(change) and change in changes[max(0, place - 1) : place] + changes[place + 1 :][:1]
        for place, change in enumerate(changes)
    ]
    ends = pairwise([False, *lasting])
    return frozenset(block for block, of_block in enumerate(ends) if any(of_block))


def awaits_another(readings_ms: Sequence[float]) -> bool:
    """Whether the last reading has changed and only another one tells whether that lasts."""
    changes = _changes(readings_ms)
    return bool(changes) and bool(changes[-1]) and changes[-1:] != changes[-2:-1]


def is_watched(block: int | None, readings_ms: Sequence[float]) -> bool:
    """Whether a reading followed on a turn that was taken in this block."""
    return block is None or block < len(readings_ms)


def is_decided(block: int | None, readings_ms: Sequence[float]) -> bool:
    """Whether two readings followed, so that a change at its end is known to last or not."""
    return block is None or block < len(readings_ms) - 1


def slowdown(readings_ms: Sequence[float]) -> float:
    """How much slower the slowest reading is than the fastest; 0.2 is 20 %."""
    return max(readings_ms) / min(readings_ms) - 1


def _changes(readings_ms: Sequence[float]) -> list[int]:
    """Of each reading, whether it is grossly slower (1) or faster (-1) than most, or is not (0)."""
    if len(readings_ms) < 2:
        return [0] * len(readings_ms)
    logs = np.log(readings_ms)
    # Of neighbours, whose differences a device that changed once does not inflate.
    own = median_low(np.abs(np.diff(logs)).tolist()) * _DEVIATION_OF_DIFFERENCES
    limit = max(math.log1p(GROSS_CHANGE), GROSS_DEVIATIONS * own)
    # One of the readings, lest both states of a device were taken for changed.
    apart = logs - median_low(logs.tolist())
    changes: list[int] = np.where(np.abs(apart) > limit, np.sign(apart), 0).astype(int).tolist()
    return changes
