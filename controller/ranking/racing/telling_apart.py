"""Whether further processes are likely to tell candidates apart."""

import math
from collections.abc import Sequence
from typing import Final

from scipy import special

from controller.ranking.racing.beliefs import INDIFFERENCE, Belief

# One that would be settled less often is a tie: on a device whose processes differ by a tenth, all
# processes of near ones would go where they tell nothing.
LEAST_CHANCE: Final = 0.25


def chance_of_settling(
    own: Belief, rivals: Sequence[Belief], deviation: float, most_processes: int, quantile: float
) -> float:
    """How likely it stays in or loses, by all processes that it and its rivals may have.

    How far two are apart in the end is normal about how far they are now, as further processes
    move both means (predictive power of a trial at an interim look: Spiegelhalter, Freedman and
    Blackburn, 1986). Staying takes all rivals, losing one: the likeliest of these, since all are
    of one candidate's processes.

    Args:
        own: one that was measured.
        rivals: those that were measured and would be better if they were faster.
        deviation: standard deviation between processes of one candidate, on the logarithm.
        most_processes: of one candidate.
        quantile: how many standard errors a difference may lie beside the truth.

    Returns:
        0 to 1.
    """
    # Two that end closer than that are neither told apart nor within 2 %.
    between = quantile * deviation * math.sqrt(2 / most_processes) - INDIFFERENCE
    if between <= 0:
        return 1.0
    loses, stays = 0.0, 1.0
    for rival in rivals:
        apart = own.mean - rival.mean
        moves = _still_moves(own, rival, deviation, most_processes)
        loses = max(loses, _beyond(apart - between, moves))
        stays = min(stays, _beyond(-apart - between, moves))
    return min(1.0, loses + stays)


def chance_of_a_side(
    own: Belief, limit: float, deviation: float, most_processes: int, quantile: float
) -> float:
    """How likely all processes that it may have would tell on which side of a limit it is.

    Args:
        own: one that was measured.
        limit: logarithm of a latency in ms.
        deviation: standard deviation between processes of one candidate, on the logarithm.
        most_processes: of one candidate.
        quantile: how many standard errors its mean may lie beside the truth.

    Returns:
        0 to 1.
    """
    between = quantile * deviation / math.sqrt(most_processes)
    if between < INDIFFERENCE:
        return 1.0
    moves = math.sqrt(max(0.0, own.error**2 - deviation**2 / most_processes))
    apart = own.mean - limit
    return _beyond(apart - between, moves) + _beyond(-apart - between, moves)


def _still_moves(own: Belief, rival: Belief, deviation: float, most_processes: int) -> float:
    """Standard deviation of how far two come to be apart in the end, from how far they are now."""
    left = own.error**2 + rival.error**2 - 2 * deviation**2 / most_processes
    return math.sqrt(max(0.0, left))


def _beyond(distance: float, deviation: float) -> float:
    """How likely a normal variable about a distance is above 0."""
    if deviation == 0:
        return float(distance > 0)
    return float(special.ndtr(distance / deviation))
