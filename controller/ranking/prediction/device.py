"""What backbones would be measured at on a device, from all that a controller has measured."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import Constraints
from controller.domain.rankings.predicted import (
    DevicePredictions,
    PredictedBackbone,
    PredictedFigure,
    PredictedSetting,
    PredictQuestion,
    UnpredictedBackbone,
)
from controller.domain.rankings.predictions import (
    LEAST_MEASURED,
    Elsewhere,
    KnownFigure,
    NotPredicted,
    Predicted,
    Prediction,
    PredictionQuestion,
    Unpredictable,
)
from controller.domain.sweeps import SweepSpec
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.prediction.choosing import first_backbones
from controller.ranking.prediction.predicting import predict
from controller.ranking.suggestion import suggest_sweep, weights_in_use
from models.catalog.catalog import Backbone
from models.catalog.features import NetworkFeatures
from models.catalog.precisions import Precision
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime

_FIRST: Final = 12
"""Backbones of the sweep that makes predictions possible."""
_USUAL: Final = Distinction()
_SURE: Final = (Verdict.OK, Verdict.WIDE)

_Figure = Callable[[Measurement], float | None]


class Setting(NamedTuple):
    """Where something was measured."""

    device: str
    runtime: Runtime
    threads: int

    @property
    def name(self) -> str:
        """What it is called among the settings that a prediction learned from."""
        return f"{self.device}, {self.runtime.value}, {self.threads}"


def features_by_name(
    backbones: Iterable[Backbone], counted: Mapping[tuple[str, int], NetworkFeatures]
) -> dict[str, NetworkFeatures]:
    """The features of every backbone whose network was counted at its input size."""
    return {
        each.name: counted[key]
        for each in backbones
        if (key := (each.architecture, each.input_size.height)) in counted
    }


def measured_settings(
    measurements: Iterable[Measurement], catalog: Mapping[str, Backbone]
) -> dict[Setting, dict[str, Measurement]]:
    """What was measured in each setting, the last of each backbone, where it is comparable.

    Comparable are fp32 at one image of the backbone's own size, with nothing out of the ordinary,
    on a device that is no emulated one, by figures that nothing disturbed.

    Args:
        measurements: oldest first.
        catalog: backbones by name.
    """
    found: defaultdict[Setting, dict[str, Measurement]] = defaultdict(dict)
    for each in measurements:
        known = catalog.get(each.backbone)
        if (
            known is not None
            and each.latency is not None
            and each.verdict in _SURE
            and not each.emulator
            and (each.precision, each.batch) == (Precision.FP32, 1)
            and each.input_size == known.input_size
            and distinction(each) == _USUAL
        ):
            found[Setting(each.device, each.runtime, each.threads)][each.backbone] = each
    return dict(found)


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
    catalog = {each.name: each for each in backbones}
    measured = measured_settings(measurements, catalog)
    names = question.backbones or tuple(catalog)
    told = tuple(
        _predict_setting(setting, names, measured, features, question.confidence)
        for setting in _asked(question, measured, runtimes)
    )
    is_missing = not told or any(
        each.reason.code is ReasonCode.PREDICTION_FEW_MEASURED
        for setting in told
        for each in setting.unpredicted
    )
    sweep = _first_sweep(question, measurements, catalog, features, runtimes)
    return DevicePredictions(
        device=question.device,
        confidence=question.confidence,
        settings=told,
        suggested_sweep=sweep if is_missing else None,
    )


def _asked(
    question: PredictQuestion,
    measured: Mapping[Setting, Mapping[str, Measurement]],
    runtimes: Sequence[Runtime],
) -> list[Setting]:
    """The settings asked about: those that something was measured in, or else those named."""
    found = [
        setting
        for setting in sorted(measured, key=lambda s: (s.runtime.value, s.threads))
        if setting.device == question.device
        and question.runtime in (None, setting.runtime)
        and question.threads in (None, setting.threads)
    ]
    if found:
        return found
    wanted = (question.runtime,) if question.runtime is not None else tuple(runtimes)
    return [Setting(question.device, runtime, question.threads or 1) for runtime in wanted]


def _predict_setting(
    setting: Setting,
    names: Sequence[str],
    measured: Mapping[Setting, Mapping[str, Measurement]],
    features: Mapping[str, NetworkFeatures],
    confidence: float,
) -> PredictedSetting:
    here = measured.get(setting, {})
    wanted = [name for name in names if name not in here]

    def of(figure: _Figure) -> Prediction:
        return predict(
            PredictionQuestion(
                known=_known(here, figure),
                wanted=wanted,
                features=features,
                elsewhere=_elsewhere(setting, measured, figure),
                confidence=confidence,
            )
        )

    latency, memory = of(_latency_ms), of(_peak_rss_bytes)
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
        runtime=setting.runtime,
        threads=setting.threads,
        predicted=tuple(sorted(predicted, key=lambda each: each.latency_ms.value)),
        unpredicted=tuple(
            UnpredictedBackbone(backbone=each.backbone, reason=_why(each, len(here)))
            for each in sorted(latency.not_predicted, key=lambda each: each.backbone)
        ),
        rests_on=latency.rests_on,
        settings=latency.settings,
        latency_errors=latency.errors,
        memory_errors=memory.errors,
    )


def _known(here: Mapping[str, Measurement], figure: _Figure) -> list[KnownFigure]:
    values = {name: figure(each) for name, each in here.items()}
    return [KnownFigure(backbone=name, value=v) for name, v in values.items() if v]


def _elsewhere(
    setting: Setting, measured: Mapping[Setting, Mapping[str, Measurement]], figure: _Figure
) -> list[Elsewhere]:
    return [
        Elsewhere(setting=other.name, values={f.backbone: f.value for f in _known(figures, figure)})
        for other, figures in measured.items()
        if other != setting
    ]


def _latency_ms(measurement: Measurement) -> float | None:
    return None if measurement.latency is None else measurement.latency.median_ms


def _peak_rss_bytes(measurement: Measurement) -> float | None:
    return None if measurement.memory is None else measurement.memory.peak_rss_bytes


def _figure(predicted: Predicted) -> PredictedFigure:
    return PredictedFigure(value=predicted.value, low=predicted.low, high=predicted.high)


def _why(not_predicted: NotPredicted, measured_count: int) -> Reason:
    match not_predicted.why:
        case Unpredictable.FEW_MEASURED:
            return reason(
                ReasonCode.PREDICTION_FEW_MEASURED, measured=measured_count, needed=LEAST_MEASURED
            )
        case Unpredictable.UNKNOWN_NETWORK:
            return reason(ReasonCode.PREDICTION_UNKNOWN_NETWORK)
        case Unpredictable.FAR_AWAY:
            return reason(ReasonCode.PREDICTION_EXTRAPOLATES)


def _first_sweep(
    question: PredictQuestion,
    measurements: Sequence[Measurement],
    catalog: Mapping[str, Backbone],
    features: Mapping[str, NetworkFeatures],
    runtimes: Sequence[Runtime],
) -> SweepSpec | None:
    """The sweep of the backbones that tell most about the device."""
    on_device = [each for each in measurements if each.device == question.device]
    done = sorted({each.backbone for each in on_device if each.latency is not None} & set(features))
    first = first_backbones(features, _FIRST, measured=done)
    constraints = Constraints(runtime=question.runtime, threads=question.threads)
    weights = weights_in_use(on_device)
    chosen = [catalog[name] for name in first]
    return suggest_sweep(question.device, chosen, constraints, runtimes, weights)
