"""What blocks of two loops in turn tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LIMIT = 0.01


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The mean time of an inference in each block, ns; those of one place followed each other."""

    measured_ns: Sequence[float]
    bare_ns: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Measured to bare, of neighbouring blocks: the median, and its 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def is_within_limit(self) -> bool:
        """Whether all of the interval is."""
        return self.low >= 1 - LIMIT and self.high <= 1 + LIMIT

    def __str__(self) -> str:
        return f"{self.ratio:.4f} ({self.low:.4f} to {self.high:.4f})"


def compare(blocks: Blocks) -> Ratio:
    """The median ratio of neighbours, and what the bootstrap leaves open of it.

    Neighbours see the same host, whose changes the medians of all blocks would differ by.
    """
    ratios = np.divide(blocks.measured_ns, blocks.bare_ns)
    found = stats.bootstrap(
        (ratios,), np.median, method="percentile", random_state=np.random.default_rng(0)
    )
    low, high = found.confidence_interval
    return Ratio(ratio=float(np.median(ratios)), low=float(low), high=float(high))
