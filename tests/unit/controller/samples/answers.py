"""Why a backbone is where it is, and its best setting."""

from controller.domain.measurements import Measurement
from controller.domain.rankings import Ranking
from controller.domain.rankings.explanations import Explanations
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.tuning import Fate, Setting, Trial, Tuning
from controller.ranking.explaining import explain
from models.catalog.precisions import Precision
from protos.reasons import Reason
from protos.runtimes import Runtime

SETTING = Setting(runtime=Runtime.ONNXRUNTIME, threads=2, precision=Precision.FP32)


def answers(
    ranking: Ranking, measured: Measurement, crashed: Reason
) -> list[tuple[str, Explanations | Tuning]]:
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
    return [("rankings/explanations", Explanations(on_devices=told)), ("rankings/tuning", tuning)]
