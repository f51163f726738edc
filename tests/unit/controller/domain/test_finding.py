"""What a race found says of candidates that nobody measured."""

from dataclasses import replace

import pytest

from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict
from controller.domain.measurements.outcomes import outcome_of
from controller.domain.rankings.finding import (
    OnlyPredicted,
    count_earlier,
    found_by,
    only_predicted,
)
from controller.domain.rankings.predicted import (
    MeasuredBackbone,
    PredictedBackbone,
    PredictedFigure,
    PredictedSetting,
)
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.integration.controller.domain_samples import SPEC
from tests.unit.controller.samples.measurements import measurement
from tests.unit.controller.views.test_documents import RANKING, SWEEP

SLOW = OnlyPredicted(
    backbone="Slow",
    runtime=Runtime.ONNXRUNTIME,
    threads=1,
    latency_ms=PredictedFigure(value=90, low=80, high=100),
    may_change_answer=False,
)


def test_it_is_said_of_how_many_nothing_is_known_at_all() -> None:
    assert found_by(SWEEP, RANKING, 3, [SLOW]).untold_count == 2
    assert found_by(SWEEP, RANKING, 1, [SLOW]).untold_count == 0
    assert found_by(SWEEP, RANKING).unmeasured_count == 0


def test_what_an_earlier_sweep_measured_is_known() -> None:
    found = found_by(SWEEP, RANKING, 3, [SLOW], earlier_count=2)
    assert (found.earlier_count, found.untold_count, found.is_open) == (2, 0, False)


def test_earlier_figures_count_where_the_race_has_none_of_the_candidate() -> None:
    here = [
        MeasuredBackbone(backbone=name, latency_ms=9, low_ms=8, high_ms=10)
        for name in ("Raced", "Stands", "Earlier", "No candidate")
    ]
    settings = [
        PredictedSetting(runtime=Runtime.ONNXRUNTIME, threads=threads, measured=tuple(here))
        for threads in (1, 2)
    ]
    raced = [
        outcome_of(measurement("Raced")),
        outcome_of(measurement("Stands")),
        outcome_of(measurement("Earlier"), is_sentinel=True),
    ]
    names = ("Raced", "Stands", "Earlier")
    assert count_earlier(settings[:1], names, raced) == 1
    assert count_earlier(settings, names, raced) == 4
    # In another precision none of these raced, and of one nobody knows how accurate it is there.
    int8 = replace(settings[0], precision=Precision.INT8_DYNAMIC)
    words = {"precision": "int8-dynamic", "backbones": "Raced, Other"}
    left_out = [reason(ReasonCode.RACE_WITHOUT_ACCURACY, words, count=2)]
    assert count_earlier([int8], names, raced) == 3
    assert count_earlier([int8], names, raced, left_out) == 2


@pytest.mark.parametrize("raced", [WeightsKind.PRETRAINED, WeightsKind.SYNTHETIC])
def test_what_is_missing_is_measured_with_the_weights_of_the_race(raced: WeightsKind) -> None:
    lacking = replace(RANKING, winner=None, suggested_sweep=SPEC)
    sweep = replace(SWEEP, ended=tuple(replace(each, weights=raced) for each in SWEEP.ended))
    suggested = found_by(sweep, lacking).ranking.suggested_sweep
    assert suggested == replace(SPEC, weights=raced)


def failed(code: ReasonCode, threads: int = 1, *, is_sentinel: bool = False) -> JobOutcome:
    why = reason(code, {"detail": "it did"})
    ended = measurement("Slow", threads=threads, verdict=Verdict.FAILED, latency=None)
    return outcome_of(replace(ended, reasons=(why,)), is_sentinel=is_sentinel)


def predicted_of_slow(*ended: JobOutcome) -> list[tuple[Runtime, int]]:
    """The settings in which it is only predicted."""
    told = PredictedBackbone(backbone="Slow", latency_ms=SLOW.latency_ms, top1=70.0)
    settings = [
        PredictedSetting(runtime=runtime, threads=threads, predicted=(told,))
        for runtime in Runtime
        for threads in (1, 2)
    ]
    found = only_predicted(settings, RANKING, ended)
    return [(each.runtime, each.threads) for each in found]


def test_what_failed_in_one_setting_is_predicted_in_the_others() -> None:
    everywhere = predicted_of_slow()
    assert len(everywhere) == 2 * len(Runtime)
    left = predicted_of_slow(failed(ReasonCode.CRASHED))
    assert left == [each for each in everywhere if each != (Runtime.ONNXRUNTIME, 1)]
    # A reading between the others is no candidate.
    assert predicted_of_slow(failed(ReasonCode.CRASHED, is_sentinel=True)) == everywhere


@pytest.mark.parametrize("code", [ReasonCode.NO_ARTIFACT, ReasonCode.WEIGHTS_UNAVAILABLE])
def test_what_was_not_converted_is_predicted_in_the_other_runtimes_alone(code: ReasonCode) -> None:
    left = predicted_of_slow(failed(code, threads=2))
    assert left == [each for each in predicted_of_slow() if each[0] is not Runtime.ONNXRUNTIME]
