"""Predictions of a device: one setting that can be told, and one that cannot."""

from controller.domain.rankings.predicted import (
    DevicePredictions,
    MeasuredBackbone,
    PredictedBackbone,
    PredictedFigure,
    PredictedSetting,
    UnpredictedBackbone,
)
from controller.domain.rankings.predictions import EarlierErrors, JudgedPrediction, LeftOutErrors
from models.catalog.precisions import Precision
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.asked_sweeps import asked_by

ERRORS = LeftOutErrors(
    count=16, median=0.021, mean=0.034, within_5_percent=0.75, within_10_percent=0.9375
)
EARLIER = EarlierErrors(
    count=41,
    median=0.062,
    mean=0.081,
    within_interval=0.88,
    promised=0.9,
    least_known=12,
    most_known=40,
    worst=JudgedPrediction(backbone="ResNet50", predicted_ms=31.2, measured_ms=41.5),
)
PREDICTIONS = DevicePredictions(
    device="board",
    confidence=0.9,
    settings=(
        PredictedSetting(
            runtime=Runtime.ONNXRUNTIME,
            threads=2,
            predicted=(
                PredictedBackbone(
                    backbone="PPLCNet_x1_0",
                    latency_ms=PredictedFigure(value=4.3, low=3.9, high=4.8),
                    peak_rss_bytes=PredictedFigure(value=31e6, low=28e6, high=35e6),
                    top1=71.32,
                ),
                PredictedBackbone(
                    backbone="MobileNetV3_large_x1_0",
                    latency_ms=PredictedFigure(value=7.9, low=7.1, high=8.8),
                ),
            ),
            unpredicted=(
                UnpredictedBackbone(
                    backbone="VGG16", reason=reason(ReasonCode.PREDICTION_EXTRAPOLATES)
                ),
            ),
            measured=(
                MeasuredBackbone(
                    backbone="MobileNetV1_x0_0", latency_ms=1.2, low_ms=1.19, high_ms=1.22
                ),
            ),
            rests_on=tuple(f"MobileNetV1_x0_{number}" for number in range(16)),
            settings=("phone, paddlelite, 4",),
            latency_errors=ERRORS,
            earlier_errors=EARLIER,
        ),
        PredictedSetting(
            runtime=Runtime.PADDLELITE,
            threads=1,
            precision=Precision.INT8_DYNAMIC,
            unpredicted=(
                UnpredictedBackbone(
                    backbone="VGG16",
                    reason=reason(ReasonCode.PREDICTION_FEW_MEASURED, measured=3, needed=8),
                ),
            ),
        ),
    ),
    suggested_sweep=asked_by("--models", "A,B", "--devices", "board"),
)
