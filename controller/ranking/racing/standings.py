"""Who is still in a race, who left it and why, and whether it is decided."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np

from controller.ranking.racing.beliefs import (
    INDIFFERENCE,
    Belief,
    Racer,
    RaceRules,
    beliefs,
    predicted_reach,
    quantile,
)
from controller.ranking.racing.telling_apart import (
    LEAST_CHANCE,
    chance_of_a_side,
    chance_of_settling,
)


class Standing(Enum):
    """How a candidate stands."""

    OPEN = "open"
    """More processes of it may change the answer."""
    IN = "in"
    """It is of the answer, whatever more of it would tell: beaten by nobody that was measured by
    more than 2 %."""
    TIED = "tied"
    """It is at most 2 % faster than one that is as accurate, or as far from the limit; or it has
    all processes that it may have, or these are unlikely to tell it apart."""
    DOMINATED = "dominated"
    """It is slower than one that is as accurate and was measured."""
    OVER_LIMIT = "over_limit"
    """It is over the limit."""
    OUTCLASSED = "outclassed"
    """One that is more accurate is within the limit."""

    @property
    def has_lost(self) -> bool:
        """Whether it is of no answer."""
        return self in _LOST


_LOST = frozenset({Standing.DOMINATED, Standing.OVER_LIMIT, Standing.OUTCLASSED})


@dataclass(frozen=True)
class Place:
    """How a candidate stands, and by whom.

    Attributes:
        belief: of whom, and where its latency is.
        standing: how it stands.
        beside: the candidate that it lost to or is tied with; empty for none.
    """

    belief: Belief
    standing: Standing
    beside: str = ""


@dataclass(frozen=True)
class Standings:
    """How a race stands.

    Attributes:
        places: of each candidate, in order.
    """

    places: tuple[Place, ...]

    @cached_property
    def open(self) -> tuple[Place, ...]:
        """Those that are still in the race."""
        return tuple(place for place in self.places if place.standing is Standing.OPEN)

    @property
    def is_decided(self) -> bool:
        """Whether no further process would change the answer."""
        return not self.open


def standings(racers: Sequence[Racer], deviation: float, rules: RaceRules) -> Standings:
    """Tell how each candidate stands.

    Args:
        racers: all of the race, those that lost before as well: nobody leaves the union bound.
        deviation: standard deviation between processes of one candidate, on the logarithm.
        rules: what is decided, and how surely.
    """
    return Standings(_Judge(beliefs(racers, deviation), deviation, rules).places())


class _Judge:
    def __init__(self, known: Sequence[Belief], deviation: float, rules: RaceRules) -> None:
        predicted = [each for each in known if each.is_known and not each.is_measured]
        self._known = known
        self._deviation = deviation
        self._quantile = quantile(len(known), rules, predicted=len(predicted))
        self._predicted = {
            each.racer.racer_id: predicted_reach(each.racer.prior, len(predicted), rules)
            for each in predicted
            if each.racer.prior is not None
        }
        self._rules = rules
        self._means = np.array([each.mean for each in known])
        self._errors = np.array([each.error for each in known])
        self._top1s = np.array([each.racer.top1 for each in known])
        self._measured = np.array([each.is_measured for each in known], bool)
        limit_ms = rules.max_latency_ms
        self._limit = None if limit_ms is None else math.log(limit_ms)
        self._within = max(
            (each.racer.top1 for each in known if self._is_surely_within(each)), default=-math.inf
        )
        self._lost = [self._lost_place(each) for each in known]

    def places(self) -> tuple[Place, ...]:
        """Tell how each stands, in order."""
        left = [each for each, lost in zip(self._known, self._lost, strict=True) if lost is None]
        return tuple(
            lost or self._racing_place(each, left)
            for each, lost in zip(self._known, self._lost, strict=True)
        )

    def _lost_place(self, own: Belief) -> Place | None:
        """How one stands that has lost; None for all others."""
        if self._limit is not None and own.racer.top1 < self._within:
            # However fast it is.
            return Place(own, Standing.OUTCLASSED)
        if not own.is_known:
            return None
        if self._limit is not None and own.mean - self._own_reach(own) > self._limit:
            return Place(own, Standing.OVER_LIMIT)
        beaten_by, behind = self._closest_to_beating(own)
        return Place(own, Standing.DOMINATED, beaten_by) if behind > 0 else None

    def _is_surely_within(self, own: Belief) -> bool:
        if self._limit is None or not own.is_measured:
            return False
        return own.mean + self._quantile * own.error <= self._limit

    def _racing_place(self, own: Belief, left: Sequence[Belief]) -> Place:
        """How one stands that has not lost, beside the others that have not."""
        if not own.is_measured:
            # What was only predicted is of no answer, and ties with nobody.
            return Place(own, Standing.OPEN)
        # One that was only predicted is open itself, and another process of this one tells less.
        rivals = [
            each
            for each in left
            if each is not own and each.is_measured and self._rivals(own, each)
        ]
        if all(self._most_behind(own, rival) < INDIFFERENCE for rival in rivals):
            return Place(own, self._beside_limit(own))
        behind, beaten_by = max(
            ((self._least_behind(own, rival), rival.racer.racer_id) for rival in rivals),
            key=lambda each: each[0],
        )
        if behind > -INDIFFERENCE:
            return Place(own, Standing.TIED, beaten_by)
        return Place(own, Standing.OPEN if self._may_settle(own, rivals) else Standing.TIED)

    def _may_settle(self, own: Belief, rivals: Sequence[Belief]) -> bool:
        """Whether further processes are likely to tell how it stands beside them."""
        most = self._rules.most_processes
        chance = chance_of_settling(own, rivals, self._deviation, most, self._quantile)
        return not self._has_all(own) and chance >= LEAST_CHANCE

    def _has_all(self, own: Belief) -> bool:
        """Whether it had all processes that it may have."""
        return len(own.racer.medians_ms) >= self._rules.most_processes

    def _closest_to_beating(self, own: Belief) -> tuple[str, float]:
        """The one that it is surely slower than, by most, and by how much at least."""
        # Of thousands each is compared with each other one: nothing else takes as long.
        is_better = self._top1s >= own.racer.top1
        if self._limit is not None:
            is_better = self._top1s == own.racer.top1
        if own.is_measured:
            reach = self._quantile * np.hypot(own.error, self._errors)
        else:
            # The shares of both errors: only one of them is of a normal variable.
            reach = self._own_reach(own) + self._quantile * self._errors
        behind = np.where(is_better & self._measured, own.mean - self._means - reach, -math.inf)
        # A candidate is never behind itself.
        place = int(np.argmax(behind))
        return self._known[place].racer.racer_id, float(behind[place])

    def _beside_limit(self, own: Belief) -> Standing:
        """How one stands that nobody beats."""
        if self._limit is None or self._is_surely_within(own):
            return Standing.IN
        near = max(abs(own.mean - self._limit), self._quantile * own.error) < INDIFFERENCE
        most = self._rules.most_processes
        chance = chance_of_a_side(own, self._limit, self._deviation, most, self._quantile)
        if near or self._has_all(own) or chance < LEAST_CHANCE:
            return Standing.TIED
        return Standing.OPEN

    def _rivals(self, own: Belief, other: Belief) -> bool:
        """Whether another would be better if it were faster."""
        if self._limit is not None:
            # A more accurate one outclasses by being within the limit, however fast.
            return other.racer.top1 == own.racer.top1
        return other.racer.top1 >= own.racer.top1

    def _least_behind(self, own: Belief, rival: Belief) -> float:
        """How much slower than a rival it is at least; less than 0 is faster."""
        return own.mean - rival.mean - self._reach(own, rival)

    def _most_behind(self, own: Belief, rival: Belief) -> float:
        """How much slower than a rival it is at most."""
        return own.mean - rival.mean + self._reach(own, rival)

    def _reach(self, own: Belief, other: Belief) -> float:
        """How far the difference of two that were measured may be beside the truth."""
        return self._quantile * math.hypot(own.error, other.error)

    def _own_reach(self, own: Belief) -> float:
        """How far what is known of one may be beside the truth."""
        predicted = self._predicted.get(own.racer.racer_id)
        return self._quantile * own.error if predicted is None else predicted
