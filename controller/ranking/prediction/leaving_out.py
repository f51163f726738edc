"""What experts say together, with known values left out: their weights, errors and intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from scipy import special

from controller.ranking.prediction.experts import MOST_STEPS, Expert, Places, Told
from controller.ranking.prediction.networks import Array

_MOST_FOLDS: Final = 64
_LEAST_DEVIATION: Final = 0.01
_ENOUGH_SCORES: Final = 16
"""So many scores tell alone how far off predictions are; fewer are filled up by usual ones."""
_USUAL_FREEDOM: Final = 4
"""Of the Student's t that scores usually have."""
# Of a prediction, experts that were weighed at most: what the residuals are fitted to.
_FITTED: Final = 4


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """What experts together say of every row, and how far off they are without each known one.

    Attributes:
        logs: of every row, from all that is known.
        deviations: standard deviations of these, as the experts have them: their ratios count.
        residuals: of each known row that was left out what was measured less what is said without
            it.
        scores: the residuals' sizes, each in units of the deviation that was said without it.
    """

    logs: Array
    deviations: Array
    residuals: Array
    scores: Array


def ensemble(
    experts: Sequence[Expert], places: Places, logs: Array, alike: Places | None = None
) -> Ensemble:
    """Weigh experts by how well they tell what is left out (stacking, Breiman 1996).

    The residual of a known row is of experts that were weighed without it, too. Deviations are
    drawn to what they are on average: of few known values a process may find that they all lie on
    a curve, and be sure of everything.

    Args:
        experts: to weigh.
        places: rows of the known networks.
        logs: their values.
        alike: which of these are left out, one after the other; None is all. Who knows more of some
            networks, those to tell among them, is judged by these.
    """
    alike = np.arange(len(places)) if alike is None else alike
    count = len(alike)
    folds = np.full(len(places), -1)
    folds[alike] = np.arange(count) % min(count, _MOST_FOLDS)
    without = [
        [expert(places[folds != fold], logs[folds != fold]) for expert in experts]
        for fold in range(folds.max() + 1)
    ]
    full = [expert(places, logs) for expert in experts]
    left_out = [
        (place, without[fold]) for place, fold in zip(places[alike], folds[alike], strict=True)
    ]
    logs = logs[alike]
    said = np.array([[each.logs[place] for each in told] for place, told in left_out])
    own = np.array([_deviations(told)[place] for place, told in left_out])
    usual = float(np.mean(own**2))
    residuals = np.array(
        [
            logs[row] - _weights(np.delete(said, row, axis=0), np.delete(logs, row)) @ said[row]
            for row in range(count)
        ]
    )
    return Ensemble(
        logs=_weights(said, logs) @ np.array([told.logs for told in full]),
        deviations=_drawn(_deviations(full), usual),
        residuals=residuals,
        scores=np.abs(residuals) / _drawn(own, usual),
    )


def _drawn(deviations: Array, usual_variance: float) -> Array:
    drawn: Array = np.sqrt((deviations**2 + usual_variance) / 2)
    return drawn


def _deviations(told: Sequence[Told]) -> Array:
    """The mean of the standard deviations that are told, which tell the like from the unlike."""
    deviations: Array = np.mean([t.deviations for t in told if t.deviations is not None], axis=0)
    return np.maximum(deviations, _LEAST_DEVIATION)


def _weights(said: Array, logs: Array) -> Array:
    """Weights of at least 0 and sum 1 that err least, drawn a little to equal ones."""
    count, experts = said.shape
    scale = np.sqrt(np.mean((said - logs[:, None]) ** 2))
    errors = np.vstack([said - logs[:, None], scale * np.eye(experts)])
    # Least squares under the sum of 1: a row so heavy that it holds.
    matrix = np.vstack([errors, np.full(experts, 1e3 * scale * np.sqrt(count))])
    wanted = np.append(np.zeros(len(errors)), 1e3 * scale * np.sqrt(count))
    weights, _ = scipy.optimize.nnls(matrix, wanted, maxiter=MOST_STEPS)
    total = weights.sum()
    return weights / total if total > 0 else np.full(experts, 1 / experts)


def intervals(told: Ensemble, confidence: float) -> tuple[Array, Array]:
    """Ends of the interval of every row, as logarithms.

    Conformal with the scores of left-out rows (Papadopoulos, Gammerman and Vovk 2008, normalised):
    so many deviations to each side as hold the share wanted of the scores. Among these are taken
    some of Student's t, in place of the one at infinity that conformal intervals add: as many as
    bring the scores to `_ENOUGH_SCORES`, and at least one. It is the predictive distribution of a
    Dirichlet process (Ferguson 1973) whose base is Student's t.
    """
    half = _reach(told.scores, confidence) * told.deviations
    return told.logs - half, told.logs + half


def _reach(scores: Array, confidence: float) -> float:
    """The quantile of the scores and the usual ones together.

    With some of the scores below it, the usual ones have to bring what is left of the share.
    """
    count = len(scores)
    mass = _usual_count(count)
    share = (confidence * (mass + count) - np.arange(count + 1)) / mass
    possible = share < 1
    usual = special.stdtrit(_USUAL_FREEDOM, (1 + np.maximum(share[possible], 0)) / 2)
    return float(np.maximum(np.append(0.0, np.sort(scores))[possible], usual).min())


def _usual_count(count: int) -> int:
    return max(_ENOUGH_SCORES - count, 1)


def calibrated(told: Ensemble) -> Array:
    """The deviation of every row, as large as the scores and the usual ones say that it is."""
    mass = _usual_count(len(told.scores))
    variance = _USUAL_FREEDOM / (_USUAL_FREEDOM - 2)
    total = mass * variance + float(np.sum(told.scores**2))
    return told.deviations * math.sqrt(total / (mass + len(told.scores)))


def freedom(told: Ensemble) -> int:
    """Degrees of freedom that these deviations are known with: the usual ones without scores."""
    count = len(told.scores)
    return max(1, count - _FITTED) if count else _USUAL_FREEDOM
