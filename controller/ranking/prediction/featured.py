"""Networks with features: told by what they do, and by what they take in other settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    KnownFigure,
    PredictionQuestion,
    Unpredictable,
)
from controller.ranking.prediction.elsewhere import measured, most_alike, telling_costs, without
from controller.ranking.prediction.experts import additive
from controller.ranking.prediction.networks import far_from, rows_of, works_of
from controller.ranking.prediction.parts import (
    Ground,
    Part,
    logs_of,
    refused,
    spreads_of,
    tell_near,
)
from controller.ranking.prediction.working import Measured, working

_MOST_TOLD: Final = 3
"""Other settings that tell what networks are off: each takes its time."""


def of_featured(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> list[Part]:
    """Predict networks with features, by these and by what other settings took.

    Each is told by the likeliest setting that has it, and those that no such setting has are told
    apart: how well a setting tells of networks that it has says nothing of those that it has not,
    of which weights and intervals would be too sure. What works cost elsewhere is learned for them
    all the same, from networks that are not known here.
    """
    telling_known = [known[name] for name in known if name in question.features]
    asked = [name for name in wanted if name in question.features]
    if len(telling_known) < LEAST_MEASURED:
        return [refused(asked, Unpredictable.FEW_MEASURED)]
    common = list(_common(question, telling_known, asked))
    told = {name for part in common for name in _names(part)}
    left = [name for name in asked if name not in told]
    if common and not left:
        return common
    return [*common, _apart(question, telling_known, left)]


def _names(part: Part) -> set[str]:
    return {*part.places, *(each.backbone for each in part.not_predicted)}


def _common(
    question: PredictionQuestion, known: Sequence[KnownFigure], asked: Sequence[str]
) -> Iterator[Part]:
    """Tell what other settings have, each of it by the likeliest of those that have it."""
    mine = {figure.backbone for figure in known}
    left = set(asked)
    shared: Sequence[Elsewhere] = [
        each for each in question.elsewhere if len(mine & each.values.keys()) >= LEAST_MEASURED
    ]
    for _ in range(_MOST_TOLD):
        # One that has none but known ones may look likeliest, and tells of nobody.
        shared = [setting for setting in shared if left & setting.values.keys()]
        if not shared:
            return
        others = most_alike(shared, known, question.features.keys())
        wanted = [name for name in asked if name in left]
        part = _featured(question, known, wanted, others, are_common=True)
        if not part.settings:
            return
        yield part
        left -= _names(part)
        shared = [setting for setting in shared if setting.setting not in part.settings]


def _apart(
    question: PredictionQuestion, known: Sequence[KnownFigure], asked: Sequence[str]
) -> Part:
    """Tell what no other setting tells of, by what works cost there."""
    # What the known ones take there as well would tell of them, and of nobody else.
    mine = {figure.backbone for figure in known}
    alike = most_alike(question.elsewhere if asked else (), known, question.features.keys())
    others = telling_costs([without(each, mine) for each in alike], question.features.keys())
    return _featured(question, known, asked, others, are_common=False)


def _featured(
    question: PredictionQuestion,
    known: Sequence[KnownFigure],
    asked: Sequence[str],
    others: Sequence[Elsewhere],
    *,
    are_common: bool,
) -> Part:
    """Tell of networks by what they do, by what that costs here or in the likeliest setting.

    Args:
        question: features are its.
        known: with features.
        asked: likewise.
        others: settings to choose from.
        are_common: whether only those are told that the likeliest setting has, if any is likelier
            than usual costs.
    """
    names = [*(figure.backbone for figure in known), *asked]
    names += sorted({name for each in others for name in each.values} - set(names))
    names = [name for name in names if name in question.features]
    rows = rows_of([question.features[name] for name in names])
    works = works_of(rows, question.figure)
    expert, chosen = working(
        works,
        Measured(np.arange(len(known)), logs_of(known)),
        spreads_of(known),
        [measured(each, names) for each in others],
        are_common=are_common,
    )
    settings = () if chosen is None else (others[chosen],)
    has = {name for each in settings for name in each.values} if are_common else set(names)
    places = {name: place for place, name in enumerate(names) if name in has}
    if are_common and not places.keys() & set(asked):
        return Part()
    far = far_from(rows, rows[: len(known)])
    return tell_near(
        Ground(
            known=known,
            asked={name: places[name] for name in asked if name in places},
            elsewhere=settings,
            far={name for name, is_far in zip(names, far.tolist(), strict=True) if is_far},
            alike=np.array([place for place in places.values() if place < len(known)]),
        ),
        [expert, additive(works.amounts, len(known))],
    )
