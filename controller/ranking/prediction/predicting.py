"""Prediction: see `predict`."""

from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    NotPredicted,
    Prediction,
    PredictionQuestion,
    Unpredictable,
)


def predict(question: PredictionQuestion) -> Prediction:
    """Predict what wanted backbones would be measured at."""
    known = {figure.backbone for figure in question.known}
    wanted = [name for name in question.wanted if name not in known]
    if len(known) < LEAST_MEASURED:
        why = Unpredictable.FEW_MEASURED
        return Prediction(not_predicted=tuple(NotPredicted(backbone=n, why=why) for n in wanted))
    raise NotImplementedError
