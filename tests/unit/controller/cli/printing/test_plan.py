"""A plan on the terminal: the jobs, the files, the time, and what it is by."""

from dataclasses import replace
from typing import Any

import pytest

from controller.cli.printing.sweeps import print_plan
from controller.domain.jobs import PlanEstimate, PlanGroup, SweepPlan
from controller.views.sweeps.words import time_words
from models.catalog.precisions import Precision
from protos.inputs import ImageSize
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.pages import bound, kept, printed


def group(device: str, total: int, before: int, **changes: Any) -> PlanGroup:
    fields: dict[str, Any] = {
        "device": device,
        "runtime": Runtime.ONNXRUNTIME,
        "threads": 1,
        "precision": Precision.FP32,
        "jobs_total": total,
        "jobs_measured_before": before,
    }
    return PlanGroup(**(fields | changes))


PC = PlanEstimate(
    device="pc",
    jobs=1_200,
    expected_ms=9_000_000,
    known_here=1_000,
    known_elsewhere=150,
    earlier_ratio=1.234,
    earlier_sweeps=7,
)
PHONE = PlanEstimate(device="phone", jobs=3, expected_ms=45_000, known_here=0, known_elsewhere=0)
NAMES = tuple(f"Net{number:02}" for number in range(20))
PLAN = SweepPlan(
    jobs_total=1_300,
    jobs_measured_before=97,
    groups=(
        group("pc", 1_200, 0, threads=4),
        group("pc", 97, 97, runtime=Runtime.PADDLELITE),
        group("phone", 3, 0, input_size=ImageSize(192, 48), batch=4),
    ),
    estimates=(PC, PHONE),
    artifacts_total=400,
    artifacts_stored=380,
    backbones_to_convert=NAMES,
    left_out=(reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "Mine"}),),
)
NOTHING = SweepPlan(jobs_total=2, jobs_measured_before=2, groups=(group("pc", 2, 2),))
FIRST = replace(
    PLAN,
    jobs_total=3,
    jobs_measured_before=0,
    groups=PLAN.groups[2:],
    estimates=(PHONE,),
    artifacts_total=3,
    artifacts_stored=0,
    backbones_to_convert=NAMES[:1],
    left_out=(),
)


def test_a_plan_is_shown_as_it_was_approved() -> None:
    plans = {"many": PLAN, "all measured before": NOTHING, "the first of a device": FIRST}
    pages = {title: printed(print_plan, plan) for title, plan in plans.items()}
    assert bound(pages) == kept(__file__, "plan")


def test_what_holds_for_several_backbones_is_said_once_with_all_their_names() -> None:
    as_onnx = [reason(ReasonCode.ADDED_AS_ONNX, {"backbone": name}) for name in ("A", "B", "C")]
    quantised = reason(ReasonCode.CAME_QUANTISED, {"backbone": "Q", "asked": "fp32", "has": "int8"})
    page = printed(print_plan, replace(PLAN, left_out=(*as_onnx, quantised)))
    told = [line for line in page.splitlines() if line.startswith("left out: ")]
    assert len(told) == 2
    assert told[0].endswith(" B, C")
    assert told[1].startswith("left out: Q ")


@pytest.mark.parametrize("width", range(40, 121, 10))
def test_no_name_and_no_figure_is_lost(width: int) -> None:
    page = "".join(printed(print_plan, PLAN, width=width).split())
    for told in ("1,203jobs", "97of1,300jobs", "192x48px", "2h30min", "380of400", "1.23times"):
        assert told in page


@pytest.mark.parametrize(
    ("expected_ms", "words"),
    [
        (0, "under 1 min"),
        (29_000, "under 1 min"),
        (45_000, "1 min"),
        (3_500_000, "58 min"),
        (3_599_000, "1 h"),
        (11_100_000, "3 h 5 min"),
        (172_800_000, "2 d"),
        (187_200_000, "2 d 4 h"),
    ],
)
def test_a_time_is_said_as_people_wait(expected_ms: int, words: str) -> None:
    assert time_words(expected_ms) == words
