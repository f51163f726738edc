"""What is known of where a candidate's latency is, measured or predicted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import special

from controller.figures.spread import UNKNOWN_SPREAD, Spread, careful_deviation

# What is counted on before anything is known of a device: as of two processes more.
_UNKNOWN: Final = Spread(squares=2 * UNKNOWN_SPREAD**2, degrees=2)
# Latencies that differ by less are alike.
INDIFFERENCE: Final = math.log1p(0.02)
# Standard deviation of an expectation that is little better than none: a first process tells more
# than any further one of another candidate.
VAGUE: Final = 0.15


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What a latency is expected to be before it is measured.

    Attributes:
        median_ms: what is expected, ms.
        deviation: standard deviation on the logarithm; 0.1 is about 10 %.
        degrees: of freedom that the deviation is known with (Student's t); infinite is surely.
    """

    median_ms: float
    deviation: float
    degrees: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Racer:
    """A candidate of a race.

    Attributes:
        racer_id: unique id.
        top1: its accuracy, percent.
        medians_ms: of its processes so far, ms.
        prior: None where nothing is expected: it has to be measured.
    """

    racer_id: str
    top1: float
    medians_ms: tuple[float, ...] = ()
    prior: Prior | None = None


@dataclass(frozen=True, kw_only=True)
class RaceRules:
    """What a race decides, and how surely.

    Attributes:
        max_latency_ms: the limit that the winner keeps, ms; None decides the whole front.
        confidence: that no candidate leaves wrongly; 0.95 is 95 %.
        most_processes: of one candidate.
    """

    max_latency_ms: float | None = None
    confidence: float = 0.95
    most_processes: int = 10


@dataclass(frozen=True)
class Belief:
    """Where the logarithm of a candidate's latency in ms is.

    Attributes:
        racer: of whom.
        mean: of the logarithm; infinite where nothing is known.
        error: its standard error; infinite where nothing is known.
    """

    racer: Racer
    mean: float
    error: float

    @property
    def is_measured(self) -> bool:
        """Whether a process of it was measured."""
        return bool(self.racer.medians_ms)

    @property
    def is_known(self) -> bool:
        """Whether it was measured or predicted."""
        return math.isfinite(self.error)

    @property
    def is_vague(self) -> bool:
        """Whether it was not measured, and what is expected of it tells little or nothing."""
        return not self.is_measured and self.error > VAGUE


def belief(racer: Racer, deviation: float) -> Belief:
    """Tell where a candidate's latency is: by its processes alone where it has any.

    Args:
        racer: of whom.
        deviation: standard deviation between processes of one candidate, on the logarithm.
    """
    count = len(racer.medians_ms)
    if count:
        mean = math.fsum(map(math.log, racer.medians_ms)) / count
        return Belief(racer, mean, deviation / math.sqrt(count))
    if racer.prior is None:
        return Belief(racer, math.inf, math.inf)
    return Belief(racer, math.log(racer.prior.median_ms), racer.prior.deviation)


def beliefs(racers: Sequence[Racer], deviation: float) -> list[Belief]:
    """Tell the same of each, in order."""
    return [belief(racer, deviation) for racer in racers]


def race_deviation(known: Spread) -> float:
    """The standard deviation between processes that a race counts on: few tell it to be large.

    The upper 80 % bound of what all its candidates tell, and of 3 % where nothing is known.

    Args:
        known: of processes of the device.
    """
    return careful_deviation(known.plus(_UNKNOWN))


def quantile(candidates: int, rules: RaceRules, *, predicted: int = 0) -> float:
    """How many standard errors a difference may lie beside the truth, in all of a race.

    Each candidate is compared with each other one and with the limit, once for each process that it
    may have, from both sides; the error that is allowed is shared out evenly. Where some are only
    predicted, half of it is theirs, see `predicted_reach`.
    """
    comparisons = max(1, candidates * (candidates - 1) // 2 + candidates)
    looks = comparisons * rules.most_processes * 2
    return -float(special.ndtri(_allowed(rules, predicted) / looks))


def predicted_reach(prior: Prior, predicted: int, rules: RaceRules) -> float:
    """How far below what is expected of it a candidate may truly be, on the logarithm.

    Half of the error that is allowed is shared out evenly among all candidates that are only
    predicted. Each counts once, however often it is looked at: it does not leave before the race
    ends, and what is predicted of it then decides.

    Args:
        prior: what is expected.
        predicted: how many candidates are only predicted.
        rules: how sure the race is to be.
    """
    error = _allowed(rules, predicted) / max(1, predicted)
    if math.isinf(prior.degrees):
        return -float(special.ndtri(error)) * prior.deviation
    return -float(special.stdtrit(prior.degrees, error)) * prior.deviation


def _allowed(rules: RaceRules, predicted: int) -> float:
    return (1 - rules.confidence) / (2 if predicted else 1)
