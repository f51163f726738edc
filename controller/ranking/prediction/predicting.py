"""Prediction: see `predict`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    KnownFigure,
    LeftOutErrors,
    NotPredicted,
    Predicted,
    Prediction,
    PredictionQuestion,
    Unpredictable,
)
from controller.ranking.prediction.experts import Expert, Places, additive, alike, process
from controller.ranking.prediction.factors import Latent, latent, telling
from controller.ranking.prediction.leaving_out import Ensemble, calibrated, ensemble, intervals
from controller.ranking.prediction.networks import (
    Array,
    costs,
    far_from,
    rows_of,
    sizes,
    standardised,
)

_LEAST_SPREAD: Final = 1e-4


def predict(question: PredictionQuestion) -> Prediction:
    """Predict what backbones would be measured at where others were.

    Networks with features are told from known ones with features, the others from what other
    settings took for them. Deterministic; takes one thread.
    """
    known = {figure.backbone: figure for figure in question.known}
    wanted = [name for name in dict.fromkeys(question.wanted) if name not in known]
    with threadpool_limits(1):
        parts = [_of_featured(question, known, wanted), _of_others(question, known, wanted)]
    found = {each.backbone: each for part in parts for each in part.predicted}
    missing = {each.backbone: each for part in parts for each in part.not_predicted}
    base = next((part for part in parts if part.rests_on), Prediction())
    return replace(
        base,
        predicted=tuple(found[name] for name in wanted if name in found),
        not_predicted=tuple(missing[name] for name in wanted if name in missing),
    )


def _of_featured(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> Prediction:
    """Predict networks with features, by these and by what other settings took."""
    features = question.features
    telling_known = [known[name] for name in known if name in features]
    asked = [name for name in wanted if name in features]
    if len(telling_known) < LEAST_MEASURED:
        return _refused(asked, Unpredictable.FEW_MEASURED)
    names = [*(figure.backbone for figure in telling_known), *asked]
    rows = rows_of([features[name] for name in names])
    every = rows_of(list(features.values()))
    large = standardised(sizes(np.vstack([rows, every])))[: len(rows)]
    elsewhere = telling(question.elsewhere, names)
    tables, experts = [large], [additive(costs(rows))]
    if elsewhere:
        factors, others = _completed(elsewhere, names, large)
        tables.append(np.hstack([large, factors]))
        experts.append(alike(others))
    ground = _Ground(
        known=telling_known,
        asked=asked,
        tables=tables,
        elsewhere=elsewhere,
        far=far_from(rows, rows[: len(telling_known)])[len(telling_known) :].tolist(),
        experts=experts,
    )
    return _told(ground, question.confidence)


def _of_others(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> Prediction:
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
        ground = _Ground(
            known=telling_known,
            asked=asked,
            tables=[factors],
            experts=[alike(others)],
            elsewhere=elsewhere,
            far=[False] * len(asked),
        )
        told = _told(ground, question.confidence)
    return replace(told, not_predicted=(*unknown.not_predicted, *told.not_predicted))


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What a prediction stands on: rows of tables are the known networks, then those asked for."""

    known: Sequence[KnownFigure]
    asked: Sequence[str]
    tables: Sequence[Array]
    elsewhere: Sequence[Elsewhere]
    far: Sequence[bool]
    experts: Sequence[Expert] = ()


def _told(ground: _Ground, confidence: float) -> Prediction:
    """Ask the experts, and a Gaussian process over each table, of what is not too far."""
    known = ground.known
    places: Places = np.arange(len(known))
    logs = np.log([figure.value for figure in known])
    spreads = np.array([max(figure.spread, _LEAST_SPREAD) for figure in known])
    processes = [process(table, places, logs, spreads) for table in ground.tables]
    said = ensemble([*ground.experts, *processes], places, logs)
    low, high = intervals(said, confidence)
    deviations = calibrated(said)
    first = len(known)
    predicted = tuple(
        Predicted(
            backbone=name,
            value=float(np.exp(said.logs[place])),
            low=float(np.exp(low[place])),
            high=float(np.exp(high[place])),
            deviation=float(deviations[place]),
        )
        for place, (name, is_far) in enumerate(zip(ground.asked, ground.far, strict=True), first)
        if not is_far
    )
    return replace(
        _refused(
            [name for name, is_far in zip(ground.asked, ground.far, strict=True) if is_far],
            Unpredictable.FAR_AWAY,
        ),
        predicted=predicted,
        rests_on=tuple(figure.backbone for figure in known),
        settings=tuple(setting.setting for setting in ground.elsewhere),
        errors=_errors(said),
    )


def _completed(elsewhere: Sequence[Elsewhere], names: Sequence[str], large: Array) -> Latent:
    """All networks by other settings: those that none of them has as their size suggests."""
    seen = {name for setting in elsewhere for name in setting.values}
    has = [place for place, name in enumerate(names) if name in seen]
    known = np.hstack(latent(elsewhere, [name for name in names if name in seen]))
    terms = np.hstack([np.ones((len(names), 1)), large])
    normal = terms[has].T @ terms[has] + np.eye(terms.shape[1])
    slopes: Array = np.linalg.solve(normal, terms[has].T @ known)
    both: Array = np.dot(terms, slopes)
    both[has] = known
    count = known.shape[1] - len(elsewhere)
    return Latent(both[:, :count], both[:, count:])


def _errors(said: Ensemble) -> LeftOutErrors:
    errors = np.abs(np.expm1(-said.residuals))
    return LeftOutErrors(
        count=len(errors),
        median=float(np.median(errors)),
        mean=float(errors.mean()),
        within_5_percent=float((errors <= 0.05).mean()),
        within_10_percent=float((errors <= 0.1).mean()),
    )


def _refused(names: Sequence[str], why: Unpredictable) -> Prediction:
    return Prediction(not_predicted=tuple(NotPredicted(backbone=n, why=why) for n in names))
