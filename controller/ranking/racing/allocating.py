"""Which candidates have the next processes: those that may change the answer most."""

import math
from collections.abc import Sequence

from scipy import special

from controller.ranking.racing.beliefs import Belief, RaceRules
from controller.ranking.racing.standings import Place, Standing, Standings

_NORMAL = 1 / math.sqrt(2 * math.pi)


def next_processes(now: Standings, rules: RaceRules, most: int) -> tuple[str, ...]:
    """Return who has one more process each, the most telling first; empty when it is decided.

    Those that were not measured, and of whom little or nothing is expected, come first: else a race
    whose priors tell nothing repeats a few and never sees the rest.

    Args:
        now: how the race stands.
        rules: what it decides.
        most: at most so many, so that the next look comes soon.
    """
    left = [place for place in now.places if place.belief.is_known and not place.standing.has_lost]
    beliefs = [place.belief for place in left]
    worth = {
        place.belief.racer.racer_id: (
            place.belief.is_vague,
            _worth(place.belief, beliefs, now, rules),
        )
        for place in _asked(now, left)
        if len(place.belief.racer.medians_ms) < rules.most_processes
    }
    return tuple(sorted(worth, key=worth.__getitem__, reverse=True)[:most])


def _asked(now: Standings, left: Sequence[Place]) -> list[Place]:
    """Those that are open, and those whose own processes would settle one that is."""
    asked = {place.belief.racer.racer_id: place for place in now.open}
    for place in now.open:
        rival = _nearest(place, left)
        if rival is not None and rival.belief.error > place.belief.error / 2:
            asked.setdefault(rival.belief.racer.racer_id, rival)
    return list(asked.values())


def _nearest(own: Place, left: Sequence[Place]) -> Place | None:
    """The one that is as accurate and whose latency is closest; None without any."""
    if not own.belief.is_known:
        return None
    top1 = own.belief.racer.top1
    rivals = [place for place in left if place is not own and place.belief.racer.top1 >= top1]
    return min(rivals, key=lambda rival: abs(rival.belief.mean - own.belief.mean), default=None)


def _worth(own: Belief, left: Sequence[Belief], now: Standings, rules: RaceRules) -> float:
    """What another process is expected to change: top-1 points times the logarithm of latency.

    `left` are those that are known and have not lost.
    """
    if not own.is_known:
        return math.inf
    if rules.max_latency_ms is not None:
        apart = own.mean - math.log(rules.max_latency_ms)
        height = _over_the_winner(own, now, rules)
        if not own.is_measured:
            # Where it would win, nothing else tells of it.
            return float(special.ndtr(-apart / own.error)) * height
        return _expected_beyond(abs(apart), own.error) * height
    others = [other for other in left if other is not own]
    if not own.is_measured:
        return _improvement(own, [other for other in others if other.is_measured])
    rivals = [other for other in others if other.racer.top1 >= own.racer.top1]
    # Its own error alone: what is not known of the rival, a process of the rival tells.
    flips = (_expected_beyond(abs(own.mean - rival.mean), own.error) for rival in rivals)
    return max(flips, default=0.0) * _height(own, others)


def _improvement(own: Belief, measured: Sequence[Belief]) -> float:
    """By how much it is expected to extend the front of what was measured."""
    rivals = [other.mean for other in measured if other.racer.top1 >= own.racer.top1]
    # Nothing as accurate is known: it extends the front by all that is slower.
    beyond = max([own.mean, *(other.mean for other in measured)]) + own.error
    gained = _expected_beyond(own.mean - min(rivals, default=beyond), own.error)
    return gained * _height(own, measured)


def _height(own: Belief, others: Sequence[Belief]) -> float:
    """By how many points of top-1 it is above the best of those that are faster, at least 0.1."""
    below = [each.racer.top1 for each in others if each.mean < own.mean]
    return max(0.1, own.racer.top1 - max(below, default=_least_top1(own, others)))


def _least_top1(own: Belief, others: Sequence[Belief]) -> float:
    """The least accuracy of all, from which a front's area counts."""
    return min([own.racer.top1, *(each.racer.top1 for each in others)])


def _over_the_winner(own: Belief, now: Standings, rules: RaceRules) -> float:
    """By how many points it would be more accurate than what is within the limit now."""
    assert rules.max_latency_ms is not None
    limit = math.log(rules.max_latency_ms)
    within = [
        place.belief.racer.top1
        for place in now.places
        if place.belief.is_measured
        and place.standing is not Standing.OVER_LIMIT
        and place.belief is not own
        and place.belief.mean <= limit
    ]
    return max(0.1, own.racer.top1 - max(within, default=0.0))


def _expected_beyond(distance: float, error: float) -> float:
    """How far a normal variable is expected to be beyond a distance: E[max(0, X - distance)]."""
    if error == 0:
        return 0.0
    z = distance / error
    density = _NORMAL * math.exp(-z * z / 2)
    return error * (density - z * float(special.ndtr(-z)))
