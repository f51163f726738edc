"""Which candidates may be the first, so that the statement holds at a confidence."""

import math
from collections.abc import Callable, Iterable, Sequence

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.rankings import MOST_SURE, Candidate, Merit, Ranking
from controller.domain.rankings.certainty import Certainty, MayBeFirst
from controller.figures.statistics import median_interval, milliseconds
from protos.measuring import Repetition

Samples = Callable[[Sequence[Measurement]], Iterable[Sequence[Repetition]]]
"""What gives the stored repetitions of measurements, in their order, few at a time."""


def certainty(ranking: Ranking, confidence: float, samples: Samples) -> Certainty:
    """Tell who may be the first, family-wise: the set holds the true first at the confidence.

    Of k candidates, each median's interval is made anew of the stored samples at the level
    confidence^(1/k). Their medians were measured independently, so that all k intervals hold at
    once with the confidence (Šidák, Rectangular confidence regions for the means of multivariate
    normal distributions, Journal of the American Statistical Association 62, 1967). Whoever lies
    wholly above another's upper end is surely not the first; the others may be (Klein, Wright and
    Wieczorek, Journal of the Royal Statistical Society C 69, 2020). Pair by pair, each at the
    confidence, would be wrong more often the more candidates there are.

    By accuracy, only those of the highest top-1 can be first, and it is among them. Top-1 counts as
    known, and the constraints are held against the intervals at 95 %.

    Args:
        ranking: by latency or accuracy.
        confidence: a fraction.
        samples: asked for all candidates once; of one process there is no such interval.

    Raises:
        EdgerankError: INVALID_INPUT for more candidates than `MOST_SURE`.
    """
    family = _family(ranking)
    if len(family) > MOST_SURE:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"which one is surely the first can be asked among {MOST_SURE:,} candidates, and "
            f"{len(family):,} satisfy the limits; narrow them, by a tier, a runtime or threads, or "
            "ask without a confidence",
        )
    level = confidence ** (1 / max(1, len(family)))
    kept = samples([each.measurement for each in family])
    found = [(each, _interval(its, level)) for each, its in zip(family, kept, strict=True)]
    ends = [high for _, (_, high) in found if high is not None]
    least_end = min(ends, default=math.inf)
    return Certainty(
        confidence=confidence,
        candidate_count=len(family),
        interval_confidence=level,
        may_be_first=tuple(
            MayBeFirst(measurement_id=each.measurement.measurement_id, low_ms=low, high_ms=high)
            for each, (low, high) in found
            if low is None or low <= least_end
        ),
    )


def _family(ranking: Ranking) -> list[Candidate]:
    """Return the candidates among which the first is, fastest first."""
    shown = (ranking.winner, *ranking.ties, *ranking.pareto_front, *ranking.others)
    passing = {each.measurement.measurement_id: each for each in shown if each and each.rank_low}
    family = list(passing.values())
    if ranking.merit is Merit.ACCURACY:
        most = max((_top1(each) for each in family), default=0.0)
        family = [each for each in family if _top1(each) == most]
    return sorted(family, key=_median_ms)


def _interval(
    repetitions: Sequence[Repetition], level: float
) -> tuple[float, float] | tuple[None, None]:
    if len(repetitions) < 2:
        return None, None
    return median_interval([milliseconds(each.latency_ns) for each in repetitions], level)


def _top1(candidate: Candidate) -> float:
    return candidate.measurement.top1 or 0.0


def _median_ms(candidate: Candidate) -> float:
    latency = candidate.measurement.latency
    # What is ranked has figures.
    assert latency is not None
    return latency.median_ms
