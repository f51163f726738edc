"""How far processes of one network differ, told by all jobs of a device together.

A job of few processes hardly tells: the deviation of three that happen to be close is a tenth of
the true one in 1 % of cases, and an interval that follows from it misses the truth. So what is
decided while a job is measured leans on the deviation that other jobs have, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from controller.figures.statistics import CONFIDENCE_LEVEL

# Of one that nothing is known of yet: shared machines reach it, and quiet ones stay below.
UNKNOWN_SPREAD: Final = 0.03
_UNKNOWN_DEGREES: Final = 2
# Other sweeps measured other networks on another day.
_HISTORY_DEGREES: Final = 4
# How likely the true deviation of others is below what is made of it.
_CAREFUL_LEVEL: Final = 0.8


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Deviations between processes of the same job, pooled.

    Attributes:
        squares: sum of the squared deviations of the logarithms of the processes' medians from the
            mean of their job.
        degrees: of freedom, processes less jobs.
    """

    squares: float = 0.0
    degrees: int = 0

    def plus(self, other: "Spread") -> "Spread":
        """This and another one together."""
        return Spread(squares=self.squares + other.squares, degrees=self.degrees + other.degrees)

    def without(self, part: "Spread") -> "Spread":
        """This one less a part of it."""
        return Spread(
            # Rounding may leave less than nothing.
            squares=max(0.0, self.squares - part.squares),
            degrees=max(0, self.degrees - part.degrees),
        )

    def as_history(self) -> "Spread":
        """The same deviation, told by at most 4 degrees of freedom."""
        if self.degrees <= _HISTORY_DEGREES:
            return self
        squares = self.squares * _HISTORY_DEGREES / self.degrees
        return Spread(squares=squares, degrees=_HISTORY_DEGREES)


UNKNOWN: Final = Spread()


def spread_of(medians_ms: Sequence[float]) -> Spread:
    """The spread of one job's processes, of their medians in ms; nothing of fewer than two."""
    if len(medians_ms) < 2:
        return UNKNOWN
    logs = np.log(medians_ms)
    return Spread(squares=float(np.sum((logs - logs.mean()) ** 2)), degrees=len(logs) - 1)


def half_width(medians_ms: Sequence[float], deviation: float) -> float:
    """How wide a job's interval is to be taken for, relative to its median; 0.02 is ±2 %.

    Student's t interval of the processes' own medians, or the one with another deviation in its
    place, whichever is wider; infinite for fewer than two processes.

    Args:
        medians_ms: of the job's processes.
        deviation: between processes, as others tell it.
    """
    if len(medians_ms) < 2:
        return math.inf
    own = float(np.std(np.log(medians_ms), ddof=1))
    quantile = float(special.stdtrit(len(medians_ms) - 1, (1 + CONFIDENCE_LEVEL) / 2))
    return math.expm1(quantile * max(own, deviation) / math.sqrt(len(medians_ms)))


def interval_so_far(medians_ms: Sequence[float], deviation: float) -> tuple[float, float]:
    """Return where the median of a job that goes on is at 95 %, ms.

    A normal interval of its processes' medians, on the logarithm, with the deviation that others
    tell or with their own, whichever is larger. Student's t of 2 processes would reach 12.7
    standard errors to each side and tell nothing; it is asked when the job ends.

    Args:
        medians_ms: of the job's processes, at least one.
        deviation: between processes, as other jobs tell it.
    """
    logs = np.log(medians_ms)
    own = float(np.std(logs, ddof=1)) if len(logs) > 1 else 0.0
    quantile = float(special.ndtri((1 + CONFIDENCE_LEVEL) / 2))
    reach = quantile * max(own, deviation) / math.sqrt(len(logs))
    middle = float(logs.mean())
    return math.exp(middle - reach), math.exp(middle + reach)


def careful_deviation(others: Spread) -> float:
    """The upper 80 % bound of the standard deviation between processes, told by other jobs.

    Infinite without any. A job that stops as soon as its own interval is narrow is picked because
    its processes agree by chance: with 3 to 10 processes and nothing else to lean on, such
    intervals hold the truth in as few as 91 % of simulated cases (the effect is that of Starr, The
    Performance of a Sequential Procedure for the Fixed-Width Interval Estimation of the Mean,
    1966). One that also has to be narrow by what
    others tell, of whom few tell little, is not.
    """
    if others.degrees == 0:
        return math.inf
    # Chi squared's quantile that this share lies above.
    quantile = float(special.chdtri(others.degrees, _CAREFUL_LEVEL))
    return math.sqrt(others.squares / quantile)


def likely_deviation(known: Spread) -> float:
    """The standard deviation between processes; 0 where nothing is known."""
    return math.sqrt(known.squares / known.degrees) if known.degrees else 0.0


def process_spread(known: Spread, own: Spread = UNKNOWN) -> float:
    """The standard deviation between processes that is to be counted on; 0.02 is 2 %.

    3 % where nothing is known, which counts as 2 degrees of freedom. At most what the job's own
    processes may really differ by: a few noisy jobs are not to make the quiet ones imprecise.

    Args:
        known: of all jobs on the device.
        own: of the one job that is asked about.
    """
    squares = known.squares + _UNKNOWN_DEGREES * UNKNOWN_SPREAD**2
    pooled = math.sqrt(squares / (known.degrees + _UNKNOWN_DEGREES))
    return min(pooled, careful_deviation(own))
