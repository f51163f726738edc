"""The catalog as it does on one device: what was measured there, and what is only predicted."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.predicted import (
    DevicePredictions,
    MeasuredBackbone,
    PredictedFigure,
    PredictedSetting,
)
from models.catalog.catalog import Backbone
from protos.reasons import Reason
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class BackboneOnDevice:
    """A backbone, and its latency in one setting of a device; measured or predicted, never both.

    Attributes:
        backbone: what is known of it without a device.
        measured: what it was measured at; null where nobody has.
        predicted_latency_ms: what it would be measured at; null where it was, and where nobody can
            tell.
        unpredicted: why nobody can tell; null where somebody can.
    """

    backbone: Backbone
    measured: MeasuredBackbone | None = None
    predicted_latency_ms: PredictedFigure | None = None
    unpredicted: Reason | None = None


@dataclass(frozen=True, kw_only=True)
class BackbonesOnDevice:
    """Backbones with their latency on a device, in fp32 and for one image.

    Attributes:
        device: its name.
        runtime: of all figures.
        threads: of all figures.
        confidence: share of predicted intervals that are to hold what is measured later.
        backbones: in the order of the catalog.
    """

    device: str
    runtime: Runtime
    threads: int
    confidence: float
    backbones: tuple[BackboneOnDevice, ...]


def on_device(told: DevicePredictions, backbones: Iterable[Backbone]) -> BackbonesOnDevice:
    """Put beside backbones what is told of them, in the setting that most were measured in.

    Raises:
        EdgerankError: NOTHING_FOUND where nothing was measured, so that nothing is predicted.
    """
    setting = max(told.settings, key=lambda each: len(each.measured), default=None)
    if setting is None or not setting.measured:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"nothing was measured on {told.device!r} in fp32 for one image in the setting asked "
            f"for, so that nothing can be predicted; 'edgerank predict {_asked(told)}' names the "
            "sweep that would change it",
        )
    return BackbonesOnDevice(
        device=told.device,
        runtime=setting.runtime,
        threads=setting.threads,
        confidence=told.confidence,
        backbones=_rows(setting, backbones),
    )


def _asked(told: DevicePredictions) -> str:
    """The options that ask for the same settings."""
    options = f"--device {told.device}"
    if len(told.settings) == 1:
        options += f" --runtime {told.settings[0].runtime.value}"
    if told.settings:
        options += f" --threads {told.settings[0].threads}"
    return options


def _rows(setting: PredictedSetting, backbones: Iterable[Backbone]) -> tuple[BackboneOnDevice, ...]:
    measured = {each.backbone: each for each in setting.measured}
    predicted = {each.backbone: each.latency_ms for each in setting.predicted}
    reasons = {each.backbone: each.reason for each in setting.unpredicted}
    return tuple(
        BackboneOnDevice(
            backbone=each,
            measured=measured.get(each.name),
            predicted_latency_ms=predicted.get(each.name),
            unpredicted=reasons.get(each.name),
        )
        for each in backbones
    )
