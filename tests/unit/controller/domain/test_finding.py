"""What a race found says of candidates that nobody measured."""

from controller.domain.rankings.finding import OnlyPredicted, found_by
from controller.domain.rankings.predicted import PredictedFigure
from protos.runtimes import Runtime
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
