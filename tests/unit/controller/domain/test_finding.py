"""What a race found says of candidates that nobody measured."""

from dataclasses import replace

import pytest

from controller.domain.rankings.finding import OnlyPredicted, found_by
from controller.domain.rankings.predicted import PredictedFigure
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.integration.controller.domain_samples import SPEC
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


@pytest.mark.parametrize("raced", [WeightsKind.PRETRAINED, WeightsKind.SYNTHETIC])
def test_what_is_missing_is_measured_with_the_weights_of_the_race(raced: WeightsKind) -> None:
    lacking = replace(RANKING, winner=None, suggested_sweep=SPEC)
    sweep = replace(SWEEP, ended=tuple(replace(each, weights=raced) for each in SWEEP.ended))
    suggested = found_by(sweep, lacking).ranking.suggested_sweep
    assert suggested == replace(SPEC, weights=raced)
