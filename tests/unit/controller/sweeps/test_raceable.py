"""What races in which precision: what a ranking knows the accuracy of there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import ErrorCode, Refused
from controller.domain.sweeps.races import Race
from controller.sweeps.planning import plan_sweep
from models.catalog.catalog import DEMO_BACKBONES
from models.catalog.precisions import MADE_PRECISIONS, Precision
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.unit.controller.sweeps.test_planning import CATALOG, SPEC, device

NAMES = DEMO_BACKBONES[:4]
OTHERS = tuple(each for each in MADE_PRECISIONS if each is not Precision.FP32)
RACE = replace(SPEC, backbones=NAMES, runtimes=(Runtime.ONNXRUNTIME,), threads=(1,), race=Race())
PAIRS = st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(OTHERS)))


@given(
    precisions=st.lists(st.sampled_from(MADE_PRECISIONS), min_size=1, unique=True).map(tuple),
    ranked=PAIRS,
)
def test_a_race_is_of_fp32_and_of_what_the_top1_is_known_of_and_names_the_rest(
    precisions: tuple[Precision, ...], ranked: set[tuple[str, Precision]]
) -> None:
    asked = {(name, precision) for name in NAMES for precision in precisions}
    races = {each for each in asked if each[1] is Precision.FP32 or each in ranked}
    spec = replace(RACE, precisions=precisions)
    if not races:
        with pytest.raises(Refused) as refused:
            plan_sweep(spec, [device("pc")], CATALOG, ranked=ranked)
        assert refused.value.code is ErrorCode.PRECONDITION
        assert refused.value.reasons[0].code is ReasonCode.RACE_WITHOUT_ACCURACY
        return
    plan = plan_sweep(spec, [device("pc")], CATALOG, ranked=ranked)
    assert {(job.variant.backbone, job.variant.precision) for job in plan.jobs} == races
    named = {
        (name, Precision(each.words["precision"]))
        for each in plan.left_out
        for name in each.words["backbones"].split(", ")
    }
    assert named == asked - races
    assert sum(each.figures["count"] for each in plan.left_out) == len(named)


def test_a_sweep_that_is_no_race_measures_what_nobody_knows_the_top1_of() -> None:
    sweep = replace(RACE, race=None, precisions=MADE_PRECISIONS)
    plan = plan_sweep(sweep, [device("pc")], CATALOG)
    assert len(plan.jobs) == len(NAMES) * len(MADE_PRECISIONS)
    assert not plan.left_out
