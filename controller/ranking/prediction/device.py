"""What backbones would be measured at on a device, from what a controller has measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints
from controller.domain.rankings.predicted import (
    DevicePredictions,
    MeasuredBackbone,
    PredictedBackbone,
    PredictedFigure,
    PredictedSetting,
    PredictQuestion,
    UnpredictedBackbone,
)
from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    Figure,
    KnownFigure,
    NotPredicted,
    Predicted,
    PredictionQuestion,
    Unpredictable,
)
from controller.domain.sweeps import SweepSpec
from controller.ranking.prediction.choosing import first_backbones
from controller.ranking.prediction.evidence import (
    Evidence,
    Setting,
    features_by_name,
    gather,
    tells_of,
)
from controller.ranking.prediction.predicting import Fitted, fit
from controller.ranking.suggestion import suggest_sweep, weights_in_use
from models.catalog.catalog import Backbone
from models.catalog.features import NetworkCount, NetworkFeatures
from models.catalog.precisions import Precision
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

__all__ = [
    "FittedSetting",
    "asked_settings",
    "features_by_name",
    "fit_setting",
    "predict_on_device",
    "tell",
]

_FIRST: Final = 12
"""Backbones of the sweep that makes predictions possible."""

_Figure = Callable[[Measurement], float | None]


@dataclass(frozen=True, kw_only=True)
class FittedSetting:
    """What was learned of one setting; it tells of any backbone with any confidence.

    Attributes:
        setting: where.
        here: what was measured there, by backbone's name.
        latency: in ms.
        memory: in bytes.
    """

    setting: Setting
    here: Mapping[str, Measurement]
    latency: Fitted
    memory: Fitted

    @property
    def numbers(self) -> int:
        """How many numbers it holds, about; at least 1."""
        return 1 + self.latency.numbers + self.memory.numbers


def predict_on_device(
    question: PredictQuestion,
    measurements: Sequence[Measurement],
    backbones: Sequence[Backbone],
    features: Mapping[str, NetworkFeatures],
    runtimes: Sequence[Runtime],
) -> DevicePredictions:
    """Predict what backbones would be measured at on a device, in each setting asked for.

    Args:
        question: its backbones are names of `backbones`.
        measurements: of every device, oldest first.
        backbones: the catalog.
        features: by backbone's name, of all that have any.
        runtimes: those that the device has, for what could be swept.
    """
    counted = {
        (each.name, each.input_size): NetworkCount(features=features[each.name])
        for each in backbones
        if each.name in features
    }
    evidence = gather(measurements, backbones, {}, counted)
    fitted = [fit_setting(each, evidence) for each in asked_settings(question, evidence, runtimes)]
    return tell(question, evidence, fitted, runtimes)


def asked_settings(
    question: PredictQuestion, evidence: Evidence, runtimes: Sequence[Runtime]
) -> list[Setting]:
    """The settings asked about: those that something was measured in, or else those named."""
    found = [
        setting
        for setting in sorted(evidence.measured, key=lambda s: (s.runtime.value, s.threads))
        if setting.device == question.device
        and setting.precision is question.precision
        and question.runtime in (None, setting.runtime)
        and question.threads in (None, setting.threads)
    ]
    if found:
        return found
    wanted = (question.runtime,) if question.runtime is not None else tuple(runtimes)
    threads = question.threads or 1
    return [Setting(question.device, each, threads, question.precision) for each in wanted]


def fit_setting(setting: Setting, evidence: Evidence) -> FittedSetting:
    """Learn what is measured in a setting, which takes up to a few seconds."""
    here = evidence.measured.get(setting, {})

    def of(figure: _Figure, kind: Figure) -> Fitted:
        return fit(
            PredictionQuestion(
                known=_known(here, figure),
                wanted=[name for name in evidence.catalog if name not in here],
                features=evidence.features,
                elsewhere=[
                    *_elsewhere(setting, evidence.measured, figure),
                    *evidence.others.get(kind, ()),
                ],
                figure=kind,
            )
        )

    return FittedSetting(
        setting=setting,
        here=here,
        latency=of(_latency_ms, Figure.LATENCY),
        memory=of(_peak_rss_bytes, Figure.MEMORY),
    )


def tell(
    question: PredictQuestion,
    evidence: Evidence,
    fitted: Sequence[FittedSetting],
    runtimes: Sequence[Runtime],
) -> DevicePredictions:
    """Answer a question by what was learned of its settings, which takes next to nothing.

    Args:
        question: its backbones are in the catalog.
        evidence: that the settings were fitted to.
        fitted: of `asked_settings`.
        runtimes: those that the device has, for what could be swept.
    """
    names = question.backbones or tuple(evidence.catalog)
    told = tuple(_tell_setting(each, names, evidence, question.confidence) for each in fitted)
    lacking = [setting for setting in told if _is_lacking(setting)]
    is_missing = not told or bool(lacking)
    return DevicePredictions(
        device=question.device,
        confidence=question.confidence,
        settings=told,
        suggested_sweep=_first_sweep(question, evidence, lacking, runtimes) if is_missing else None,
    )


def _tell_setting(
    fitted: FittedSetting, names: Sequence[str], evidence: Evidence, confidence: float
) -> PredictedSetting:
    here = fitted.here
    wanted = [name for name in names if name not in here]
    latency, memory = (of.told(wanted, confidence) for of in (fitted.latency, fitted.memory))
    memories = {each.backbone: each for each in memory.predicted}
    predicted = [
        PredictedBackbone(
            backbone=each.backbone,
            latency_ms=_figure(each),
            peak_rss_bytes=_figure(memories[each.backbone]) if each.backbone in memories else None,
        )
        for each in latency.predicted
    ]
    return PredictedSetting(
        runtime=fitted.setting.runtime,
        threads=fitted.setting.threads,
        precision=fitted.setting.precision,
        predicted=tuple(sorted(predicted, key=lambda each: each.latency_ms.value)),
        unpredicted=tuple(
            UnpredictedBackbone(
                backbone=each.backbone, reason=_why(each, len(here), evidence.refusals)
            )
            for each in sorted(latency.not_predicted, key=lambda each: each.backbone)
        ),
        measured=_measured(here),
        rests_on=latency.rests_on,
        settings=latency.settings,
        latency_errors=latency.errors,
        memory_errors=memory.errors,
    )


def _measured(here: Mapping[str, Measurement]) -> tuple[MeasuredBackbone, ...]:
    """What was measured in a setting, the fastest first."""
    found = [
        MeasuredBackbone(
            backbone=name,
            latency_ms=each.latency.median_ms,
            low_ms=each.latency.low_ms,
            high_ms=each.latency.high_ms,
        )
        for name, each in here.items()
        if each.latency is not None
    ]
    return tuple(sorted(found, key=lambda each: each.latency_ms))


def _known(here: Mapping[str, Measurement], figure: _Figure) -> list[KnownFigure]:
    values = {name: figure(each) for name, each in here.items()}
    return [KnownFigure(backbone=name, value=v) for name, v in values.items() if v]


def _elsewhere(
    setting: Setting, measured: Mapping[Setting, Mapping[str, Measurement]], figure: _Figure
) -> list[Elsewhere]:
    return [
        Elsewhere(setting=other.name, values={f.backbone: f.value for f in _known(figures, figure)})
        for other, figures in measured.items()
        if other != setting and tells_of(other.precision, setting.precision)
    ]


def _latency_ms(measurement: Measurement) -> float | None:
    return None if measurement.latency is None else measurement.latency.median_ms


def _peak_rss_bytes(measurement: Measurement) -> float | None:
    return None if measurement.memory is None else measurement.memory.peak_rss_bytes


def _figure(predicted: Predicted) -> PredictedFigure:
    return PredictedFigure(value=predicted.value, low=predicted.low, high=predicted.high)


def _why(not_predicted: NotPredicted, measured_count: int, refusals: Mapping[str, str]) -> Reason:
    match not_predicted.why:
        case Unpredictable.FEW_MEASURED:
            return reason(
                ReasonCode.PREDICTION_FEW_MEASURED, measured=measured_count, needed=LEAST_MEASURED
            )
        case Unpredictable.UNKNOWN_NETWORK if refusal := refusals.get(not_predicted.backbone):
            return reason(ReasonCode.PREDICTION_UNCOUNTED, {"detail": refusal})
        case Unpredictable.UNKNOWN_NETWORK:
            return reason(ReasonCode.PREDICTION_UNKNOWN_NETWORK)
        case Unpredictable.FAR_AWAY:
            return reason(ReasonCode.PREDICTION_EXTRAPOLATES)


def _is_lacking(setting: PredictedSetting) -> bool:
    """Whether too little was measured in it."""
    codes = {each.reason.code for each in setting.unpredicted}
    return ReasonCode.PREDICTION_FEW_MEASURED in codes


def _first_sweep(
    question: PredictQuestion,
    evidence: Evidence,
    lacking: Sequence[PredictedSetting],
    runtimes: Sequence[Runtime],
) -> SweepSpec | None:
    """The sweep of the backbones that tell most about the settings in which too few were measured.

    What another setting has measured says nothing of these: its backbones are measured here as any.
    """
    features = evidence.features
    on_device = [each for each in evidence.measurements if each.device == question.device]
    measured = [{each.backbone for each in setting.measured} for setting in lacking]
    done = sorted(set(features).intersection(*measured)) if measured else []
    first = first_backbones(features, _FIRST, measured=done)
    # Without any it is fp32.
    precision = None if question.precision is Precision.FP32 else question.precision
    constraints = Constraints(
        runtime=question.runtime, threads=question.threads, precision=precision
    )
    weights = weights_in_use(on_device)
    chosen = [evidence.catalog[name] for name in first]
    sweep = suggest_sweep(question.device, chosen, constraints, runtimes, weights)
    if sweep is None or not lacking:
        return sweep
    # A runtime that the device has no more measures nothing.
    mended = [each for each in lacking if each.runtime in runtimes] or lacking
    return replace(
        sweep,
        runtimes=tuple(dict.fromkeys(each.runtime for each in mended)),
        threads=tuple(sorted({each.threads for each in mended})),
    )
