"""Prediction: see `fit` and `predict`."""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    KnownFigure,
    LeftOutErrors,
    LogPrediction,
    Predicted,
    Prediction,
    PredictionQuestion,
    Unpredictable,
)
from controller.ranking.prediction.experts import Expert, alike
from controller.ranking.prediction.factors import latent, telling
from controller.ranking.prediction.featured import of_featured
from controller.ranking.prediction.leaving_out import Ensemble
from controller.ranking.prediction.networks import Array
from controller.ranking.prediction.one_thread import one_thread
from controller.ranking.prediction.parts import (
    Ground,
    Part,
    logs_of,
    refused,
    spreads_of,
    tell_near,
)
from controller.ranking.prediction.same_network import of_same_network

_MOST_LOG: Final = 700.0
"""Above it no number of 64 bits is large enough."""


def predict(question: PredictionQuestion) -> Prediction:
    """Predict what backbones would be measured at where others were.

    Networks with features are told from known ones with features, the others from what other
    settings took for them. Deterministic; takes one thread. Who asks of the same figures again
    keeps what `fit` gives.
    """
    return fit(question).told(question.wanted, question.confidence)


def predicted_logs(question: PredictionQuestion) -> Mapping[str, LogPrediction]:
    """Predict as `predict` does, and tell logarithms: what to weigh candidates by before any ran.

    Returns:
        By backbone's name, of those that can be predicted; who is not among them is as open as
        before, be it too unlike the known ones, or these too few (`LEAST_MEASURED`).
    """
    return fit(question).logs(question.wanted, question.confidence)


def fit(question: PredictionQuestion) -> "Fitted":
    """Learn from what is known; what is learned tells of any of the wanted, at any confidence.

    Args:
        question: its confidence says nothing here.
    """
    known = {figure.backbone: figure for figure in question.known}
    wanted = [name for name in dict.fromkeys(question.wanted) if name not in known]
    same = of_same_network(question, known, wanted)
    wanted = [name for name in wanted if name not in same.places]
    with one_thread():
        return Fitted(
            parts=(*of_featured(question, known, wanted), _of_others(question, known, wanted), same)
        )


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What was learned in one setting.

    Attributes:
        parts: of networks with features that another setting tells of, one for each such setting,
            of those that none does, of networks without features, and of those that do what a
            known one does.
    """

    parts: tuple[Part, ...]

    @property
    def numbers(self) -> int:
        """How many numbers it holds, about."""
        return sum(2 * each.said.logs.size for each in self.parts if each.said is not None)

    def told(self, wanted: Sequence[str], confidence: float) -> Prediction:
        """Tell of some of the backbones that were wanted, in their order; others are left out.

        Args:
            wanted: names.
            confidence: share of intervals that are to hold what will be measured, 0.5 to 0.99.
        """
        asked = dict.fromkeys(wanted)
        found = {
            name: Predicted(
                backbone=name,
                value=_exp(each.median),
                low=_exp(each.low),
                high=_exp(each.high),
                deviation=each.deviation,
                degrees=each.degrees,
            )
            for name, each in self.logs(wanted, confidence).items()
        }
        missing = {each.backbone: each for part in self.parts for each in part.not_predicted}
        used = [part for part in self.parts if part.said is not None]
        used = [part for part in used if asked.keys() & part.places.keys()] or used[:1]
        base = max(used, key=lambda part: _weight(part, asked.keys()), default=Part())
        return Prediction(
            predicted=tuple(found[name] for name in asked if name in found),
            not_predicted=tuple(missing[name] for name in asked if name in missing),
            rests_on=_rests_on(base, asked),
            settings=tuple(dict.fromkeys(name for part in used for name in part.settings)),
            errors=None if base.said is None or not _is_judged(base) else _errors(base.said),
        )

    def logs(self, wanted: Sequence[str], confidence: float) -> Mapping[str, LogPrediction]:
        """Tell the same as logarithms, by backbone's name, of those that can be predicted."""
        found: dict[str, LogPrediction] = {}
        for part in self.parts:
            found |= part.logs(wanted, confidence)
        return found


def _of_others(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> Part:
    """Predict networks without features, by what other settings took for them."""
    asked = [name for name in wanted if name not in question.features]
    elsewhere = telling(question.elsewhere, [*known, *asked])
    seen = {name for setting in elsewhere for name in setting.values}
    telling_known = [figure for name, figure in known.items() if name in seen]
    unknown = refused([n for n in asked if n not in seen], Unpredictable.UNKNOWN_NETWORK)
    asked = [name for name in asked if name in seen]
    if not asked:
        return unknown
    if len(telling_known) < LEAST_MEASURED:
        told = refused(asked, Unpredictable.FEW_MEASURED)
    else:
        names = [*(figure.backbone for figure in telling_known), *asked]
        factors, others = latent(elsewhere, names)
        places = np.arange(len(telling_known))
        ground = Ground(
            known=telling_known,
            asked={name: place for place, name in enumerate(asked, len(places))},
            elsewhere=elsewhere,
            far=set(),
            alike=places,
        )
        told = tell_near(ground, [alike(others), _over(factors, telling_known)])
    return replace(told, not_predicted=(*unknown.not_predicted, *told.not_predicted))


def _over(factors: Array, known: Sequence[KnownFigure]) -> Expert:
    # It takes seconds to load, which every start of a controller would wait for.
    from controller.ranking.prediction.gaussian import process  # noqa: PLC0415

    return process(factors, np.arange(len(known)), logs_of(known), spreads_of(known))


def _exp(log: float) -> float:
    return math.exp(min(log, _MOST_LOG))


def _weight(part: Part, asked: Set[str]) -> tuple[bool, int]:
    """What speaks for naming what a part rests on: that it is judged, and of how many it tells."""
    return _is_judged(part), len(asked & part.places.keys())


def _rests_on(part: Part, asked: Iterable[str]) -> tuple[str, ...]:
    if _is_judged(part):
        return part.rests_on
    # Each by one of its own.
    own = (part.rests_on[part.places[name]] for name in asked if name in part.places)
    return tuple(dict.fromkeys(own))


def _is_judged(part: Part) -> bool:
    """Whether known networks were left out to tell how far off it is."""
    return part.said is not None and bool(part.said.residuals.size)


def _errors(said: Ensemble) -> LeftOutErrors:
    errors = np.abs(np.expm1(-said.residuals))
    return LeftOutErrors(
        count=len(errors),
        median=float(np.median(errors)),
        mean=float(errors.mean()),
        within_5_percent=float((errors <= 0.05).mean()),
        within_10_percent=float((errors <= 0.1).mean()),
    )
