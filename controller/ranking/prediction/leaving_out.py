"""What experts say together, with known values left out: their weights, errors and intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from scipy import special

from controller.ranking.prediction.experts import Expert, Places, Told
from controller.ranking.prediction.networks import Array

_MOST_FOLDS: Final = 64
_LEAST_DEVIATION: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """What experts together say of every row, and what they say without each fold.

    Attributes:
        logs: of every row, from all that is known.
        deviations: standard deviations of these, as the experts have them: their ratios count.
        residuals: of each known row what was measured less what is said without it.
        scores: the residuals' sizes, each in units of the deviation that was said without it.
        left_out_logs: for each known row what is said of every row without its fold.
        left_out_deviations: likewise.
        expert_count: how many were weighed.
    """

    logs: Array
    deviations: Array
    residuals: Array
    scores: Array
    left_out_logs: Array
    left_out_deviations: Array
    expert_count: int


def ensemble(experts: Sequence[Expert], places: Places, logs: Array) -> Ensemble:
    """Weigh experts by how well they tell what is left out (stacking, Breiman 1996)."""
    count = len(places)
    folds = np.arange(count) % min(count, _MOST_FOLDS)
    without = [
        [expert(places[folds != fold], logs[folds != fold]) for expert in experts]
        for fold in range(folds.max() + 1)
    ]
    said = np.array([[told.logs for told in without[fold]] for fold in folds])
    each = np.arange(count)
    weights = _weights(said[each, :, places], logs)
    left_out_logs = np.einsum("e,keN->kN", weights, said)
    left_out_deviations = np.array([_deviations(without[fold]) for fold in folds])
    residuals = logs - left_out_logs[each, places]
    full = [expert(places, logs) for expert in experts]
    return Ensemble(
        logs=weights @ np.array([told.logs for told in full]),
        deviations=_deviations(full),
        residuals=residuals,
        scores=np.abs(residuals) / left_out_deviations[each, places],
        left_out_logs=left_out_logs,
        left_out_deviations=left_out_deviations,
        expert_count=len(experts),
    )


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
    weights, _ = scipy.optimize.nnls(matrix, wanted)
    total = weights.sum()
    return weights / total if total > 0 else np.full(experts, 1 / experts)


def intervals(told: Ensemble, confidence: float) -> tuple[Array, Array]:
    """Ends of the interval of every row, as logarithms.

    Jackknife+ (Barber, Candes, Ramdas, Tibshirani 2021; CV+ where folds hold more than one) with
    residuals in units of the experts' own deviation, so that what is unlike the known is told more
    widely. Where too few are known for the share wanted, Student's t of the residuals instead.
    """
    count = len(told.scores)
    place = (count + 1) * confidence - 1
    if place > count - 1:
        freedom = _freedom(told)
        half = special.stdtrit(freedom, (1 + confidence) / 2) * calibrated(told)
        return told.logs - half, told.logs + half
    reached = told.scores[:, None] * told.left_out_deviations
    low = -_between(np.sort(-(told.left_out_logs - reached), axis=0), place)
    high = _between(np.sort(told.left_out_logs + reached, axis=0), place)
    return np.minimum(low, told.logs), np.maximum(high, told.logs)


def _between(ordered: Array, place: float) -> Array:
    """What lies at a place of ordered rows, between two of them in proportion."""
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    found: Array = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return found


def _freedom(told: Ensemble) -> int:
    """Residuals less what was fitted to them, the experts' weights."""
    return max(len(told.scores) - told.expert_count, 1)


def calibrated(told: Ensemble) -> Array:
    """The deviation of every row, as large as the residuals say that it is."""
    deviations: Array = told.deviations * np.sqrt(np.sum(told.scores**2) / _freedom(told))
    return deviations
