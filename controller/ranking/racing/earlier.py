"""How far off predictions were that were made before what they are of was measured."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from statistics import fmean, median
from typing import NamedTuple

from controller.domain.rankings.predictions import (
    EarlierErrors,
    Foretold,
    JudgedPrediction,
    MeasuredLater,
)
from controller.ranking.prediction.evidence import is_comparable
from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from protos.runtimes import Runtime


class Judged(NamedTuple):
    """In which setting of a device something was predicted, and measured."""

    runtime: Runtime
    threads: int
    precision: Precision = Precision.FP32


def judged(
    predicted: Iterable[MeasuredLater], catalog: Mapping[str, Backbone]
) -> dict[Judged, EarlierErrors]:
    """Tell of each setting how far off predictions were, by what predictions are learned from.

    Args:
        predicted: on one device, and measured later, what was predicted first before others; one
            prediction counts once.
        catalog: backbones by name.
    """
    found: defaultdict[Judged, dict[tuple[str, Foretold], MeasuredLater]] = defaultdict(dict)
    for each in predicted:
        if is_comparable(each, catalog):
            setting = Judged(each.settings.runtime, each.settings.threads, each.precision)
            # Measured again, it was no prediction any more.
            found[setting].setdefault((each.backbone, each.foretold), each)
    return {setting: _errors([*those.values()]) for setting, those in found.items()}


def _errors(predicted: Sequence[MeasuredLater]) -> EarlierErrors:
    each_judged = [
        JudgedPrediction(
            backbone=each.backbone,
            predicted_ms=each.foretold.median_ms,
            measured_ms=each.median_ms,
        )
        for each in predicted
    ]
    errors = [each.error for each in each_judged]
    known = [each.foretold.known_count for each in predicted]
    return EarlierErrors(
        count=len(predicted),
        median=median(errors),
        mean=fmean(errors),
        within_interval=fmean(
            each.foretold.low_ms <= each.median_ms <= each.foretold.high_ms for each in predicted
        ),
        promised=fmean(each.foretold.confidence for each in predicted),
        least_known=min(known),
        most_known=max(known),
        worst=max(each_judged, key=attrgetter("error")),
    )
