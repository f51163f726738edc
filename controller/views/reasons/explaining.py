"""Explanations in words: what beats a backbone, by how much, and what it would need."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from controller.domain.quantities import format_memory, format_number
from controller.domain.rankings import Merit
from controller.domain.rankings.explanations import Explanation, Goal, Lack, Rival
from controller.domain.rankings.limits import Bound, Criterion
from controller.views.reasons.limits import CRITERIA, amount

_GOALS: Final = MappingProxyType(
    {
        Goal.WITHIN: "to satisfy the constraints",
        Goal.FRONT: "to be on the Pareto front",
        Goal.WIN: "to be the first",
    }
)


def place_of(explanation: Explanation) -> str:
    """Say where a backbone is: the first of 12, or place 3-5 of 12."""
    candidate = explanation.candidate
    if candidate is None:
        return "it is not ranked" if explanation.left_out else "it was not measured there"
    if not candidate.rank_low:
        return "it does not satisfy the constraints"
    low, high = candidate.rank_low, candidate.rank_high
    places = f"{low}" if low == high else f"{low}-{high}"
    front = ", on the Pareto front" if candidate.on_pareto_front else ""
    return f"place {places} of {explanation.candidate_count}{front}"


def rival_words(rival: Rival) -> str:
    """Say in what a rival is better, and by how much."""
    told = list(_differences(rival))
    others = [
        each
        for each in rival.better_in
        if each not in (Criterion.LATENCY, Criterion.TOP1, Criterion.MEMORY)
    ]
    told += [f"less {CRITERIA[each]}" for each in others]
    return "; ".join(told)


def lack_words(lack: Lack, merit: Merit) -> str:
    """Say what it would need of one figure, all else as it is."""
    needed = amount(lack.criterion, lack.value)
    is_limit = lack.goal is Goal.WITHIN
    # Of equal top-1 the faster is the first.
    is_reached = is_limit or (lack.goal is Goal.WIN and merit is Merit.ACCURACY)
    at_least = lack.bound is Bound.AT_LEAST
    if is_reached:
        bound = "at least" if at_least else "at most"
    else:
        bound = "more than" if at_least else "less than"
    has = "" if lack.has is None else f", it has {amount(lack.criterion, lack.has)}"
    return f"{_GOALS[lack.goal]}: {CRITERIA[lack.criterion]} of {bound} {needed}{has}"


def _differences(rival: Rival) -> Iterator[str]:
    low, high = rival.latency_ratio_low, rival.latency_ratio_high
    interval = f"[{format_number(low)}, {format_number(high)}]"
    if low > 1:
        yield f"{format_number(rival.latency_ratio)} times as fast {interval}"
    elif high < 1:
        yield f"{format_number(1 / rival.latency_ratio)} times its latency [{_inverse(rival)}]"
    else:
        ratio = format_number(rival.latency_ratio)
        yield f"latency is a tie (the ratio is {ratio} {interval})"
    points = rival.top1_points
    if points is None:
        yield "top-1 is not known of both"
    elif points:
        yield f"{abs(points):.2f} points {'more' if points > 0 else 'less'} top-1"
    else:
        yield "the same top-1"
    memory = rival.memory_bytes
    if memory:
        yield f"{format_memory(abs(memory))} {'less' if memory > 0 else 'more'} memory"


def _inverse(rival: Rival) -> str:
    low, high = 1 / rival.latency_ratio_high, 1 / rival.latency_ratio_low
    return f"{format_number(low)}, {format_number(high)}"
