"""Why a backbone is where it is, its best setting, and what was not measured."""

from controller.domain.measurements import Measurement
from controller.domain.rankings import Ranking
from controller.domain.rankings.beside import (
    PredictedBeside,
    PredictedCandidate,
    PredictionBasis,
    Prospect,
    PublishedBeside,
    PublishedCandidate,
    RankingBeside,
)
from controller.domain.rankings.explanations import Explanations
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.tuning import Fate, Setting, Trial, Tuning
from controller.ranking.explaining import explain
from models.catalog.precisions import Precision
from protos.reasons import Reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.predictions import PREDICTIONS
from tests.unit.controller.samples.reports import PUBLISHED

SETTING = Setting(runtime=Runtime.ONNXRUNTIME, threads=2, precision=Precision.FP32)


def answers(
    ranking: Ranking, measured: Measurement, crashed: Reason
) -> list[tuple[str, Explanations | Tuning | RankingBeside]]:
    """Each with the name of its schema."""
    told = tuple(explain(ranking, name) for name in ("Poor", "Good", "None"))
    tuning = Tuning(
        device=ranking.device,
        backbone="Good",
        limits=(Limit(criterion=Criterion.MEMORY, bound=Bound.AT_MOST, value=1e8),),
        trials=(
            Trial(setting=SETTING, fate=Fate.BEST, measurement=measured),
            Trial(setting=SETTING, fate=Fate.FAILED, reasons=(crashed,)),
        ),
        rounds=2,
        sweep_ids=("s1", "s2"),
    )
    return [
        ("rankings/explanations", Explanations(on_devices=told)),
        ("rankings/tuning", tuning),
        ("rankings/ranking_beside", RankingBeside(ranking=ranking)),
        ("rankings/ranking_beside", _beside(ranking)),
    ]


def _beside(ranking: Ranking) -> RankingBeside:
    (setting, _) = PREDICTIONS.settings
    predicted = PredictedBeside(
        confidence=0.9,
        candidates=(
            PredictedCandidate(
                backbone="PPLCNet_x1_0",
                runtime=setting.runtime,
                threads=setting.threads,
                prospect=Prospect.PERHAPS,
                latency_ms=setting.predicted[0].latency_ms,
                top1=71.32,
            ),
        ),
        candidate_count=1,
        rests_on=(
            PredictionBasis(
                runtime=setting.runtime,
                threads=setting.threads,
                rests_on=setting.rests_on,
                latency_errors=setting.latency_errors,
                earlier_errors=setting.earlier_errors,
            ),
        ),
        unheld=(Criterion.P99,),
        suggested_sweep=PREDICTIONS.suggested_sweep,
    )
    published = PublishedBeside(
        published_devices=(PUBLISHED.device,),
        candidates=(PublishedCandidate(published=PUBLISHED, prospect=Prospect.WINNER),),
        candidate_count=1,
    )
    return RankingBeside(ranking=ranking, predicted=predicted, published=published)
