"""The expert of works: each costs something on a device, and like networks are off alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import scipy

from controller.ranking.prediction.experts import Expert, Places, Told
from controller.ranking.prediction.networks import Array, Works

_COST_DEVIATION: Final = 0.5
"""Of the logarithm of what a work costs on a device, about what it usually costs."""
_LEVEL_DEVIATION: Final = 1.0
"""Of that of all works together, about what the middle one of the known networks says."""
_DOUBT: Final = 40
"""How many times likelier usual costs are beforehand than those of all other settings together."""
_STEPS: Final = 9
_LONGEST_STEP: Final = 1.5
_SMALL_STEP: Final = 1e-3


class _Scale(NamedTuple):
    """How far sums of works are off, how like networks are that are so alike, and noise."""

    size: float
    length: float
    noise: float


_FIRST: Final = _Scale(size=0.25, length=0.5, noise=0.05)
_BEFORE: Final = _Scale(size=0.5, length=0.25, noise=0.05)
_SCALES: Final = tuple(
    _Scale(size, length, noise)
    for size, length, noise in product((0.1, 0.25, 0.5), (0.25, 0.5, 1.0), (0.02, 0.05))
)


class Measured(NamedTuple):
    """What some networks take in a setting: their rows, and logarithms."""

    places: Places
    logs: Array


def working(
    works: Works,
    known: Measured,
    spreads: Array,
    others: Sequence[Measured] = (),
    *,
    are_common: bool = True,
) -> tuple[Expert, int | None]:
    """Latency as a sum of works, each times what it costs, times what like networks are off.

    Logarithms of costs are normal about those that are usual, or about those of another setting;
    then what each network is off there is taken over in part, too. What sums are off besides is
    alike of networks that spend their time alike. The most likely costs are found by steps of Gauss
    and Newton; linearised there, all of it is one Gaussian process. Chosen is what makes the known
    values most likely; what leaves some of them out keeps it.

    Args:
        works: a row a network.
        known: the values to learn from.
        spreads: standard deviations of these by their own measuring.
        others: the same networks in other settings.
        are_common: whether the networks to tell are among those that others have.

    Returns:
        The expert, and which of the others it believes; None where it believes the usual costs.
    """
    own = np.zeros(len(works.amounts))
    own[known.places] = spreads**2
    usual = _Belief(works.amounts, works.usual, np.zeros(len(works.amounts)), own, _FIRST)
    beliefs = [usual, *(_as_in(other, usual, are_common) for other in others)]
    doubts = [0.0] + [math.log(_DOUBT * len(others)) for _ in others]
    likely = [
        belief.learn(known).evidence - doubt for belief, doubt in zip(beliefs, doubts, strict=True)
    ]
    likeliest = int(np.argmax(likely))
    belief = beliefs[likeliest]
    tried = [replace(belief, scale=scale) for scale in _SCALES]
    learned = [each.learn(known) for each in tried]
    best = int(np.argmax([each.evidence for each in learned]))
    kept, begun = tried[best], learned[best].costs

    def tell(places: Places, logs: Array) -> Told:
        return kept.tell(places, kept.learn(Measured(places, logs), begun))

    return tell, likeliest - 1 if likeliest else None


def before_any(works: Works) -> tuple[Array, float]:
    """What is believed before any network is measured.

    Returns:
        The covariance of logarithms of what networks take, and the variance that a measured one has
        besides.
    """
    nothing = np.zeros(len(works.amounts))
    belief = _Belief(works.amounts, works.usual, nothing, nothing, _BEFORE)
    every = np.arange(len(works.amounts))
    shares = _shares(works.amounts, works.usual)
    covariance: Array = _with_prior(shares) @ shares.T + belief._off(every, every)
    return covariance, _BEFORE.noise**2


def _as_in(other: Measured, usual: "_Belief", are_common: bool) -> "_Belief":
    """Believe that works cost what they do in another setting, and networks are off as there."""
    # How exactly networks are measured here says nothing of there.
    costs = replace(usual, own=np.zeros_like(usual.own)).learn(other).costs
    off = np.zeros_like(usual.own)
    if are_common:
        off[other.places] = other.logs - _sums(usual.amounts[other.places], costs)
    return replace(usual, usual=costs, off_elsewhere=off)


class _Learned(NamedTuple):
    """What known values say, where costs are linearised.

    Attributes:
        costs: logarithms of what works cost.
        shares: of the known networks' time, by work.
        covariance: of the known values.
        weights: of the known networks: what is off goes by them.
        evidence: logarithm of how likely the values are, less a constant.
    """

    costs: Array
    shares: Array
    covariance: Array
    weights: Array
    evidence: float


@dataclass(frozen=True)
class _Belief:
    """What is believed of all networks before anything is known.

    Attributes:
        amounts: of works, a row a network.
        usual: logarithms of what works usually cost.
        off_elsewhere: logarithms of what networks are off in another setting, 0 where none tells:
            a half of it is expected here, give or take a half.
        own: variance of each network's value by its own measuring.
        scale: of what is off.
    """

    amounts: Array
    usual: Array
    off_elsewhere: Array
    own: Array
    scale: _Scale

    def learn(self, known: Measured, begun: Array | None = None) -> _Learned:
        """Find the most likely costs, from some to begin with, and what is off with them."""
        places = known.places
        amounts, logs = self.amounts[places], known.logs - self.off_elsewhere[places] / 2
        usual = self.usual + np.median(logs - _sums(amounts, self.usual))
        costs = usual if begun is None else begun
        noise = self.own[places] + self.scale.noise**2
        off = self._off(places, places) + np.diag(noise)
        for steps_left in reversed(range(_STEPS)):
            shares = _shares(amounts, costs)
            # What is left of the values where costs are linearised, at the usual ones.
            left = logs - _sums(amounts, costs) + shares @ (costs - usual)
            covariance = _with_prior(shares) @ shares.T + off
            factor = scipy.linalg.cho_factor(covariance, lower=True)
            weights = scipy.linalg.cho_solve(factor, left)
            step = usual + _with_prior(shares).T @ weights - costs
            if not steps_left or np.abs(step).max() < _SMALL_STEP:
                break
            costs = costs + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        evidence = -left @ weights / 2 - np.log(np.diag(factor[0])).sum()
        return _Learned(costs, shares, covariance, weights, float(evidence))

    def tell(self, places: Places, learned: _Learned) -> Told:
        """Say of all networks what is most likely, and how sure that is."""
        shares = _shares(self.amounts, learned.costs)
        every = np.arange(len(shares))
        off = self._off(every, places)
        expected = _sums(self.amounts, learned.costs) + self.off_elsewhere / 2
        common = _with_prior(shares) @ learned.shares.T + off
        solved = np.linalg.solve(learned.covariance, common.T)
        before = np.einsum("ij,ij->i", _with_prior(shares), shares)
        before += self.scale.size**2 + self.off_elsewhere**2 / 4
        variance = before - np.einsum("ij,ji->i", common, solved) + self.scale.noise**2
        deviations: Array = np.sqrt(np.maximum(variance, self.scale.noise**2))
        return Told(expected + off @ learned.weights, deviations)

    def _off(self, places: Places, others: Places) -> Array:
        """The covariance of what two groups of networks are off."""
        spent = np.sqrt(_shares(self.amounts, self.usual))
        apart = scipy.spatial.distance.cdist(spent[places], spent[others], "sqeuclidean")
        alike = self.scale.size**2 * np.exp(apart / (-2 * self.scale.length**2))
        elsewhere = self.off_elsewhere / 2
        both: Array = alike + np.outer(elsewhere[places], elsewhere[others])
        return both


def _sums(amounts: Array, costs: Array) -> Array:
    """The logarithm of what all works of a network cost together."""
    sums: Array = np.log(amounts @ np.exp(costs))
    return sums


def _shares(amounts: Array, costs: Array) -> Array:
    """Of each network's time what is spent with each work."""
    times = amounts * np.exp(costs)
    shares: Array = times / times.sum(axis=1, keepdims=True)
    return shares


def _with_prior(shares: Array) -> Array:
    """Shares times the covariance of logarithms of costs; those of a network have the sum 1."""
    weighted: Array = shares * _COST_DEVIATION**2 + _LEVEL_DEVIATION**2
    return weighted
