"""Prediction: see `fit` and `predict`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    KnownFigure,
    LeftOutErrors,
    LogPrediction,
    NotPredicted,
    Predicted,
    Prediction,
    PredictionQuestion,
    Unpredictable,
)
from controller.ranking.prediction.elsewhere import measured, most_alike, telling_costs, without
from controller.ranking.prediction.experts import Expert, Places, additive, alike
from controller.ranking.prediction.factors import latent, telling
from controller.ranking.prediction.leaving_out import Ensemble, calibrated, ensemble, intervals
from controller.ranking.prediction.networks import (
    Array,
    far_from,
    rows_of,
    works_of,
)
from controller.ranking.prediction.one_thread import one_thread
from controller.ranking.prediction.working import Measured, working

_LEAST_SPREAD: Final = 1e-4
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
    with one_thread():
        return Fitted(
            parts=(*_of_featured(question, known, wanted), _of_others(question, known, wanted))
        )


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What was learned in one setting.

    Attributes:
        parts: of networks with features that other settings have, of those that they have not, and
            of networks without features.
    """

    parts: "tuple[_Part, ...]"

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
            )
            for name, each in self.logs(wanted, confidence).items()
        }
        missing = {each.backbone: each for part in self.parts for each in part.not_predicted}
        used = [part for part in self.parts if part.said is not None]
        used = [part for part in used if asked.keys() & part.places.keys()] or used[:1]
        base = max(used, key=lambda part: len(asked.keys() & part.places.keys()), default=_Part())
        return Prediction(
            predicted=tuple(found[name] for name in asked if name in found),
            not_predicted=tuple(missing[name] for name in asked if name in missing),
            rests_on=base.rests_on,
            settings=tuple(dict.fromkeys(name for part in used for name in part.settings)),
            errors=None if base.said is None else _errors(base.said),
        )

    def logs(self, wanted: Sequence[str], confidence: float) -> Mapping[str, LogPrediction]:
        """Tell the same as logarithms, by backbone's name, of those that can be predicted."""
        found: dict[str, LogPrediction] = {}
        for part in self.parts:
            found |= part.logs(wanted, confidence)
        return found


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What experts say of every network of one kind.

    Attributes:
        said: rows are the known networks, then those that were wanted; None where too few are
            known.
        places: rows of those that can be told, by backbone's name.
        not_predicted: the others.
        rests_on: known backbones.
        settings: names of the other settings.
    """

    said: Ensemble | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    not_predicted: tuple[NotPredicted, ...] = ()
    rests_on: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def logs(self, wanted: Sequence[str], confidence: float) -> Mapping[str, LogPrediction]:
        if self.said is None:
            return {}
        low, high = intervals(self.said, confidence)
        deviations = calibrated(self.said)
        return {
            name: LogPrediction(
                median=float(self.said.logs[place]),
                low=float(low[place]),
                high=float(high[place]),
                deviation=float(deviations[place]),
            )
            for name in dict.fromkeys(wanted)
            if (place := self.places.get(name)) is not None
        }


def _of_featured(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> list[_Part]:
    """Predict networks with features, by these and by what other settings took.

    Those that no other setting has are told apart: how well others tell of networks that they have
    says nothing of those that they have not, of which weights and intervals would be too sure. What
    works cost elsewhere is learned for them all the same, from networks that are not known here.
    """
    telling_known = [known[name] for name in known if name in question.features]
    asked = [name for name in wanted if name in question.features]
    if len(telling_known) < LEAST_MEASURED:
        return [_refused(asked, Unpredictable.FEW_MEASURED)]
    names = [*(figure.backbone for figure in telling_known), *asked]
    elsewhere = telling(question.elsewhere, names)
    seen = {name for setting in elsewhere for name in setting.values}
    seen_known = sum(figure.backbone in seen for figure in telling_known)
    if seen_known < LEAST_MEASURED:
        elsewhere, seen = (), set()
    groups = [(are, [n for n in asked if (n in seen) is are]) for are in (True, False)]
    told = [
        _featured(question, telling_known, some, elsewhere, are_common=are)
        for are, some in groups
        if some
    ]
    return told or [_featured(question, telling_known, [], (), are_common=False)]


def _featured(
    question: PredictionQuestion,
    known: Sequence[KnownFigure],
    asked: Sequence[str],
    elsewhere: Sequence[Elsewhere],
    *,
    are_common: bool,
) -> _Part:
    """Tell of networks by what they do, by what that costs here or in a setting like this one."""
    names = [*(figure.backbone for figure in known), *asked]
    names += sorted({name for each in elsewhere for name in each.values} - set(names))
    names = [name for name in names if name in question.features]
    others = most_alike(elsewhere, known, set(names))
    if not are_common:
        # What the known ones take there as well would tell of them, and of nobody else.
        mine = {figure.backbone for figure in known}
        others = telling_costs([without(each, mine) for each in others], set(names))
    rows = rows_of([question.features[name] for name in names])
    works = works_of(rows, question.figure)
    expert = working(
        works,
        Measured(np.arange(len(known)), _logs(known)),
        _spreads(known),
        [measured(each, names) for each in others],
        are_common=are_common,
    )
    far = far_from(rows[len(known) :][: len(asked)], rows[: len(known)]).tolist()
    return _told(_Ground(known, asked, others, far), [expert, additive(works.amounts, len(known))])


def _of_others(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> _Part:
    """Predict networks without features, by what other settings took for them."""
    asked = [name for name in wanted if name not in question.features]
    elsewhere = telling(question.elsewhere, [*known, *asked])
    seen = {name for setting in elsewhere for name in setting.values}
    telling_known = [figure for name, figure in known.items() if name in seen]
    unknown = _refused([n for n in asked if n not in seen], Unpredictable.UNKNOWN_NETWORK)
    asked = [name for name in asked if name in seen]
    if not asked:
        return unknown
    if len(telling_known) < LEAST_MEASURED:
        told = _refused(asked, Unpredictable.FEW_MEASURED)
    else:
        names = [*(figure.backbone for figure in telling_known), *asked]
        factors, others = latent(elsewhere, names)
        ground = _Ground(telling_known, asked, elsewhere, [False] * len(asked))
        told = _told(ground, [alike(others), _over(factors, telling_known)])
    return replace(told, not_predicted=(*unknown.not_predicted, *told.not_predicted))


def _over(factors: Array, known: Sequence[KnownFigure]) -> Expert:
    # It takes seconds to load, which every start of a controller would wait for.
    from controller.ranking.prediction.gaussian import process  # noqa: PLC0415

    return process(factors, np.arange(len(known)), _logs(known), _spreads(known))


class _Ground(NamedTuple):
    """What a prediction stands on: experts' rows are the known networks, then those asked for."""

    known: Sequence[KnownFigure]
    asked: Sequence[str]
    elsewhere: Sequence[Elsewhere]
    far: Sequence[bool]


def _told(ground: _Ground, experts: Sequence[Expert]) -> _Part:
    """Ask the experts of what is not too far."""
    known = ground.known
    places: Places = np.arange(len(known))
    rows = enumerate(zip(ground.asked, ground.far, strict=True), len(known))
    near = {name: place for place, (name, is_far) in rows if not is_far}
    return replace(
        _refused([name for name in ground.asked if name not in near], Unpredictable.FAR_AWAY),
        said=ensemble(experts, places, _logs(known)),
        places=near,
        rests_on=tuple(figure.backbone for figure in known),
        settings=tuple(setting.setting for setting in ground.elsewhere),
    )


def _logs(known: Sequence[KnownFigure]) -> Array:
    logs: Array = np.log([figure.value for figure in known])
    return logs


def _spreads(known: Sequence[KnownFigure]) -> Array:
    return np.array([max(figure.spread, _LEAST_SPREAD) for figure in known])


def _exp(log: float) -> float:
    return math.exp(min(log, _MOST_LOG))


def _errors(said: Ensemble) -> LeftOutErrors:
    errors = np.abs(np.expm1(-said.residuals))
    return LeftOutErrors(
        count=len(errors),
        median=float(np.median(errors)),
        mean=float(errors.mean()),
        within_5_percent=float((errors <= 0.05).mean()),
        within_10_percent=float((errors <= 0.1).mean()),
    )


def _refused(names: Sequence[str], why: Unpredictable) -> _Part:
    return _Part(not_predicted=tuple(NotPredicted(backbone=n, why=why) for n in names))
