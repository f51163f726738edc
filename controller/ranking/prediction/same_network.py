"""Networks that were measured here with other weights: the same work takes the same time."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    KnownFigure,
    PredictionQuestion,
)
from controller.ranking.prediction.leaving_out import Ensemble
from controller.ranking.prediction.parts import Part, logs_of

OTHER_WEIGHTS: Final = 0.05
"""Scale, on the logarithm, of one process beside another of the same network: a guess. With nothing
left out these are of Student's t of 4 degrees: a standard deviation of 7.1 %, and intervals of 90 %
that reach 11 % up, of 95 % 15 and of 99 % 26. Here thirteen pairs differed by 0.1 to 3 %."""


def of_same_network(
    question: PredictionQuestion, known: Mapping[str, KnownFigure], wanted: Sequence[str]
) -> Part:
    """Tell networks that do to the last number what a known one does, by that one alone.

    With fewer known ones than predictions need nothing is told of these either. What each rests on
    stands at its place.
    """
    features = question.features
    by_work = {features[name]: name for name in known if name in features}
    same = {
        name: by_work[features[name]]
        for name in wanted
        if name in features and features[name] in by_work
    }
    if not same or sum(name in features for name in known) < LEAST_MEASURED:
        return Part()
    return Part(
        said=Ensemble(
            logs=logs_of([known[each] for each in same.values()]),
            deviations=np.full(len(same), OTHER_WEIGHTS),
            # What others are off says nothing of these.
            residuals=np.empty(0),
            scores=np.empty(0),
        ),
        places={name: place for place, name in enumerate(same)},
        rests_on=tuple(same.values()),
    )
