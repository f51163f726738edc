"""What predictions rest on, how far off they are, and why there are none, in words."""

from typing import Final

from controller.domain.quantities import format_interval, format_latency, format_memory
from controller.domain.rankings.beside import PredictionBasis
from controller.domain.rankings.predicted import PredictedFigure, PredictedSetting
from controller.domain.rankings.predictions import EarlierErrors, LeftOutErrors
from controller.views.counting import counted, first_of
from controller.views.reasons.writing import Writers
from models.catalog.precisions import Precision
from protos.reasons import ReasonCode

SENTENCES: Final[Writers] = {
    ReasonCode.PREDICTION_FEW_MEASURED: lambda figures, _: (
        f"{counted(int(figures['measured']), 'backbone')} measured in this setting can be learned "
        f"from, and a prediction needs {figures['needed']:.0f}"
    ),
    ReasonCode.PREDICTION_UNKNOWN_NETWORK: lambda *_: (
        "what its network does was never counted, and no other device has measured it"
    ),
    ReasonCode.PREDICTION_UNCOUNTED: lambda _, words: (
        f"what its network does cannot be counted: {words['detail']}"
    ),
    ReasonCode.PREDICTION_EXTRAPOLATES: lambda *_: (
        "its network is unlike all that was measured here: its figure would be a guess"
    ),
}
"""How each code is written."""


def setting_words(setting: PredictedSetting | PredictionBasis) -> str:
    """Name a setting: onnxruntime, 2 threads, fp32."""
    # What `best` offers besides is of fp32.
    precision = setting.precision if isinstance(setting, PredictedSetting) else Precision.FP32
    threads = counted(setting.threads, "thread")
    return f"{setting.runtime.value}, {threads}, {precision.value}"


def latency_words(figure: PredictedFigure) -> tuple[str, str]:
    """Write a predicted latency, and its interval."""
    return f"~ {format_latency(figure.value)}", format_interval(figure.low, figure.high)


def memory_words(figure: PredictedFigure | None) -> tuple[str, str]:
    """Write predicted memory, and its interval; dashes where there is none."""
    if figure is None:
        return "-", "-"
    low, high = format_memory(round(figure.low)), format_memory(round(figure.high))
    return f"~ {format_memory(round(figure.value))}", f"[{low}, {high}]"


def rests_words(setting: PredictedSetting | PredictionBasis, most_named: int | None = None) -> str:
    """Say what a setting's predictions are made of, with so many names of each; None is all."""
    measured = counted(len(setting.rests_on), "backbone")
    words = f"rests on {measured} measured here: {first_of(setting.rests_on, most_named)}"
    if setting.settings:
        others = counted(len(setting.settings), "other setting")
        words += f"; and on {others}: {first_of(setting.settings, most_named, '; ')}"
    return words


def errors_words(setting: PredictedSetting | PredictionBasis) -> tuple[str, ...]:
    """Say how far off predictions are of what was measured here."""
    return tuple(
        _off(errors, figure)
        for errors, figure in (
            (setting.latency_errors, "latency"),
            (setting.memory_errors, "memory"),
        )
        if errors is not None
    )


def earlier_words(errors: EarlierErrors | None) -> str:
    """Say how far off predictions were that were made before what they are of was measured."""
    if errors is None:
        return "no earlier prediction was measured yet"
    told = counted(errors.count, "earlier prediction")
    return f"latency: {told} measured since, {judged_words(errors)}"


def judged_words(errors: EarlierErrors) -> str:
    """Say when predictions were made, and how far off they were once they were measured."""
    known = f"{errors.least_known} to {errors.most_known} backbones were"
    if errors.least_known == errors.most_known:
        known = f"{counted(errors.most_known, 'backbone')} {_were(errors.most_known)}"
    worst = errors.worst
    return (
        f"made when {known} known: off by {errors.median:.1%} (median), {errors.mean:.1%} (mean); "
        f"{errors.within_interval:.0%} within intervals that promised {errors.promised:.0%}; "
        f"farthest off {worst.backbone}, {format_latency(worst.predicted_ms)} predicted and "
        f"{format_latency(worst.measured_ms)} measured"
    )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _off(errors: LeftOutErrors, figure: str) -> str:
    return (
        f"{figure}: each of the {errors.count} predicted without its own measurement is off by "
        f"{errors.median:.1%} (median), {errors.mean:.1%} (mean); "
        f"{errors.within_10_percent:.0%} by at most 10 %"
    )
