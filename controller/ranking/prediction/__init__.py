"""Predictions of what was not measured, and what is best measured first."""

from controller.ranking.prediction.choosing import first_backbones
from controller.ranking.prediction.predicting import predict

__all__ = ["first_backbones", "predict"]
