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
    lasting = lasting_changes(readings_ms)
    ends = pairwise([False, *(place in lasting for place in range(len(readings_ms)))])
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


def band_ms(readings_ms: Sequence[float]) -> tuple[float, float]:
    """The readings that count as unchanged: from the least to the most, ms.

    Args:
        readings_ms: the sentinel's medians in order, ms, at least one.
    """
    # One of the readings, lest both states of a device were taken for changed.
    middle = median_low(readings_ms)
    # Of neighbours, whose differences a device that changed once does not inflate.
    steps = np.abs(np.diff(np.log(readings_ms))).tolist() or [0.0]
    own = median_low(steps) * _DEVIATION_OF_DIFFERENCES
    reach = math.exp(max(math.log1p(GROSS_CHANGE), GROSS_DEVIATIONS * own))
    return middle / reach, middle * reach


def lasting_changes(readings_ms: Sequence[float]) -> frozenset[int]:
    """The places, from 0, of the readings that changed and lasted (see `suspect_blocks`)."""
    changes = _changes(readings_ms)
    return frozenset(
        place
        for place, change in enumerate(changes)
        if bool(change) and change in changes[max(0, place - 1) : place] + changes[place + 1 :][:1]
    )


def _changes(readings_ms: Sequence[float]) -> list[int]:
    """Of each reading, whether it is grossly slower (1) or faster (-1) than most, or is not (0)."""
    if len(readings_ms) < 2:
        return [0] * len(readings_ms)
    low, high = band_ms(readings_ms)
    return [int(each > high) - int(each < low) for each in readings_ms]
