"""What backbones would be measured at on a device, as people ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.predictions import CONFIDENCE, EarlierErrors, LeftOutErrors
from controller.domain.sweeps import SweepSpec
from models.catalog.precisions import MADE_PRECISIONS, Precision
from protos.reasons import Reason
from protos.runtimes import Runtime

LEAST_CONFIDENCE: Final = 0.5
MOST_CONFIDENCE: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class PredictQuestion:
    """Of which backbones figures are wanted that were not measured on a device.

    Attributes:
        device: its name.
        backbones: names; none are all of the catalog.
        runtime: in this runtime; None is in each that something was measured in.
        threads: with so many threads; None is with each number that something was measured with.
        precision: of what would be measured.
        confidence: share of intervals that are to hold what is measured later.
        judged_by: the id of a sweep, a beginning of it, or a name: of earlier predictions only
            those are told that it measured; None is all.
    """

    device: str
    backbones: tuple[str, ...] = ()
    runtime: Runtime | None = None
    threads: int | None = None
    precision: Precision = Precision.FP32
    confidence: float = CONFIDENCE
    judged_by: str | None = None


def check_question(question: PredictQuestion) -> None:
    """Refuse a confidence that no interval of a few dozen figures can have, and a precision.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    if question.precision not in MADE_PRECISIONS:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"models that came quantised are not predicted, so that there is nothing to tell in "
            f"{question.precision.value}; ask for "
            f"{', '.join(each.value for each in MADE_PRECISIONS)}",
        )
    if not LEAST_CONFIDENCE <= question.confidence <= MOST_CONFIDENCE:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"intervals hold {LEAST_CONFIDENCE:.0%} to {MOST_CONFIDENCE:.0%} of what is measured "
            f"later, not {question.confidence:.0%}",
        )


@dataclass(frozen=True, kw_only=True)
class MeasuredBackbone:
    """What a backbone was measured at in one setting.

    Attributes:
        backbone: its name.
        latency_ms: the median latency.
        low_ms: lower end of the interval of the median.
        high_ms: upper end of it.
    """

    backbone: str
    latency_ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True, kw_only=True)
class PredictedFigure:
    """A figure that nobody measured.

    Attributes:
        value: ms or bytes.
        low: lower end of its interval.
        high: upper end of its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PredictedBackbone:
    """What a backbone would be measured at in one setting.

    Attributes:
        backbone: its name.
        latency_ms: the median latency.
        peak_rss_bytes: peak memory above the baseline; None where it cannot be told.
        top1: its accuracy on ImageNet-1k in the setting's precision, percent; None where none is
            known.
    """

    backbone: str
    latency_ms: PredictedFigure
    peak_rss_bytes: PredictedFigure | None = None
    top1: float | None = None


@dataclass(frozen=True, kw_only=True)
class UnpredictedBackbone:
    """A backbone of which nothing can be told.

    Attributes:
        backbone: its name.
        reason: why.
    """

    backbone: str
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class PredictedSetting:
    """What is predicted of one runtime with one number of threads, in one precision, for one image.

    Attributes:
        runtime: which one.
        threads: how many.
        predicted: backbones with predictions, the fastest first.
        unpredicted: those without, by name.
        measured: what was measured in this setting, the fastest first.
        rests_on: backbones that were measured in this setting, which predictions are made of.
        settings: other devices and settings that they learned from.
        latency_errors: how far off predictions of latency are of what was measured here, each made
            without it; None where too little was measured.
        memory_errors: the same of memory.
        earlier_errors: how far off predictions of latency were that were made before what they are
            of was measured here; None where no such was measured yet.
        precision: which one.
    """

    runtime: Runtime
    threads: int
    predicted: tuple[PredictedBackbone, ...] = ()
    unpredicted: tuple[UnpredictedBackbone, ...] = ()
    measured: tuple[MeasuredBackbone, ...] = ()
    rests_on: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    latency_errors: LeftOutErrors | None = None
    memory_errors: LeftOutErrors | None = None
    earlier_errors: EarlierErrors | None = None
    precision: Precision = Precision.FP32


@dataclass(frozen=True, kw_only=True)
class DevicePredictions:
    """What backbones would be measured at on a device; no figure of it was measured.

    Attributes:
        device: its name.
        confidence: share of intervals that are to hold what is measured later.
        settings: each runtime and number of threads that was asked about.
        suggested_sweep: where too little was measured, the backbones that tell most, so that
            predictions become possible; None where nothing is missing.
    """

    device: str
    confidence: float
    settings: tuple[PredictedSetting, ...]
    suggested_sweep: SweepSpec | None = None


def with_top1(
    told: DevicePredictions, top1s: Mapping[tuple[str, Precision], float]
) -> DevicePredictions:
    """Say beside predictions how accurate backbones are in that precision, where it is known.

    Args:
        told: predictions.
        top1s: percent, by a backbone's name and a precision.
    """

    def beside(setting: PredictedSetting) -> PredictedSetting:
        known = (
            replace(each, top1=top1s.get((each.backbone, setting.precision)))
            for each in setting.predicted
        )
        return replace(setting, predicted=tuple(known))

    return replace(told, settings=tuple(map(beside, told.settings)))
