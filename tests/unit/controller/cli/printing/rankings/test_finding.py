"""What `edgerank find` says on the way and below its answer, and why there is none."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller.cli.printing.rankings.finding import none_words, print_found
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Measurement, Verdict
from controller.domain.measurements.outcomes import outcome_of
from controller.domain.rankings import Constraints
from controller.domain.rankings.finding import Found, OnlyPredicted, found_by
from controller.domain.rankings.predicted import PredictedFigure, PredictedSetting
from controller.domain.sweeps import Activity, ActivityKind
from controller.ranking.ranking import rank
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.cli.printing.test_follow import lines_of, snapshot
from tests.unit.controller.samples.measurements import DEVICE, failed, measurement
from tests.unit.controller.samples.pages import printed
from tests.unit.controller.samples.predictions import EARLIER
from tests.unit.controller.samples.reasons import CRASHED
from tests.unit.controller.views.test_documents import SWEEP

FAST = measurement("PPLCNet_x1_0", 4.312, 0.04, top1=71.32)
ACCURATE = measurement("MobileNetV3_large_x1_0", 6.1, 0.04, top1=75.32)
LOST = reason(
    ReasonCode.LOST_RACE,
    {"standing": "dominated", "other": "MobileNetV3_large_x1_0"},
    repetitions=1,
)
OPEN = reason(ReasonCode.RACE_UNDECIDED, repetitions=1)
NO_WEIGHTS = reason(ReasonCode.WEIGHTS_UNAVAILABLE, {"detail": "no network"})


def race(
    measured: Sequence[Measurement],
    ended: Sequence[JobOutcome],
    before: Sequence[JobOutcome] = (),
    limit_ms: float | None = None,
    predicted: Sequence[OnlyPredicted] = (),
) -> Found:
    ranking = rank(DEVICE, measured, Constraints(max_latency_ms=limit_ms), load_catalog())
    sweep = replace(SWEEP, ended=tuple(ended))
    return found_by(sweep, ranking, len(predicted), predicted, before)


def told(found: Found) -> str:
    return " ".join(printed(print_found, found, (), 0.95).split())


def broken(why: Reason) -> JobOutcome:
    return replace(outcome_of(failed("LeViT_128S")), reasons=(why,))


def test_it_says_on_the_way_how_many_are_still_in_the_race() -> None:
    on = Activity(
        kind=ActivityKind.MEASURING,
        backbone="PPLCNet_x1_0",
        device="pc",
        runtime=Runtime.ONNXRUNTIME,
    )
    racing = [
        replace(snapshot(replace(on, ordinal=ordinal)), still_racing=count)
        for ordinal, count in enumerate((12, 3))
    ]
    first, second = (line for line in lines_of(*racing) if "still in the race" in line)
    assert ("12 still" in first, "3 still" in second) == (True, True)


def test_what_was_measured_before_and_stands_for_a_candidate_is_counted() -> None:
    before = [replace(outcome_of(FAST), reasons=(LOST,)), outcome_of(ACCURATE)]
    page = told(race([FAST, ACCURATE], [], before))
    assert "measured: 2 candidates, of which 1 left the race early" in page
    assert "earlier one" not in page


def test_it_is_not_said_that_everybody_was_measured_where_somebody_was_not() -> None:
    measured = [outcome_of(FAST), outcome_of(ACCURATE)]
    assert "every candidate was measured" in told(race([FAST, ACCURATE], measured))
    some = told(race([FAST, ACCURATE], [*measured, broken(CRASHED)]))
    assert "every candidate that could be was measured" in some
    assert "was measured; nothing" not in told(race([], [broken(CRASHED)]))


@pytest.mark.parametrize(
    "ended",
    [[FAST], [FAST, replace(ACCURATE, job_id="of this race", top1=60.0)]],
    ids=["another backbone", "another figure of one that raced"],
)
def test_a_winner_by_a_figure_that_is_not_of_the_race_is_said_to_be_one(
    ended: list[Measurement],
) -> None:
    page = told(race([FAST, ACCURATE], list(map(outcome_of, ended)), limit_ms=20))
    assert "the winner's figure is an earlier one, not of this race" in page
    assert "failed" not in page


def test_a_winner_that_failed_in_the_race_wins_by_an_earlier_figure_and_is_rested_on() -> None:
    now = replace(broken(CRASHED), job_id="now", backbone=ACCURATE.backbone)
    other = replace(now, job_id="other", threads=4)
    page = told(race([FAST, ACCURATE], [outcome_of(FAST), now], limit_ms=20))
    assert "is an earlier one, not of this race, in which it failed" in page
    assert "does not rest on" not in page
    page = told(race([FAST, ACCURATE], [outcome_of(FAST), now, other], limit_ms=20))
    assert "does not rest on: MobileNetV3_large_x1_0 (onnxruntime, 4 threads)" in page


def test_what_earlier_sweeps_measured_is_not_told_as_unknown() -> None:
    found = replace(race([FAST, ACCURATE], [outcome_of(FAST)]), unmeasured_count=3)
    page = told(replace(found, earlier_count=3))
    assert "not measured: 3 candidates, since the answer does not need them" in page
    assert "measured by earlier sweeps, and ranked by that: 3 candidates of these" in page
    assert "nothing is predicted" not in page
    page = told(replace(found, earlier_count=2))
    assert "of 1 candidate of these nothing is predicted by what was measured" in page


def test_that_failures_say_why_is_said_where_there_are_any() -> None:
    says_why = "what the answer does not rest on says why"
    assert says_why in none_words(race([], [broken(CRASHED)], limit_ms=20))
    none = replace(race([], [], limit_ms=20), unmeasured_count=2)
    assert says_why not in none_words(none)
    assert "more --time may find one" in none_words(none)
    assert none_words(replace(none, earlier_count=2)) == "no candidate was measured on 'pi5'"


def test_what_was_only_predicted_stands_below_all_that_was_measured() -> None:
    predicted = OnlyPredicted(
        backbone="ReXNet_1_0",
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        latency_ms=PredictedFigure(value=8, low=7, high=9),
        may_change_answer=True,
    )
    found = race([FAST, ACCURATE], [outcome_of(FAST), outcome_of(ACCURATE)], predicted=[predicted])
    page = printed(print_found, found, (), 0.95)
    assert page.index("Pareto front") < page.index("Only predicted on pi5; 95% intervals")
    assert "~" not in page[: page.index("Only predicted")]
    assert "only predicted, and may be of the answer: ReXNet_1_0" in page


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (race([FAST], [outcome_of(FAST)], limit_ms=1), "limit; a higher --max-latency may"),
        (
            race([FAST], [replace(outcome_of(FAST), reasons=(OPEN,))], limit_ms=1),
            "limit; more --time or a higher --max-latency may",
        ),
        (race([], [broken(NO_WEIGHTS)]), "'--weights synthetic' needs none"),
        (race([], [broken(CRASHED)], limit_ms=20), "no candidate was measured on 'pi5'"),
        (
            race(
                [replace(FAST, emulator="qemu", verdict=Verdict.WIDE)],
                [outcome_of(FAST)],
                limit_ms=20,
            ),
            "'edgerank best --device pi5' says why",
        ),
    ],
)
def test_why_there_is_no_winner_is_what_happened(found: Found, words: str) -> None:
    assert found.ranking.winner is None
    assert words in none_words(found)


def test_how_far_off_the_races_own_predictions_were_is_told_of_each_setting() -> None:
    ranking = rank(DEVICE, [FAST], Constraints(), load_catalog())
    settings = [
        PredictedSetting(runtime=Runtime.ONNXRUNTIME, threads=1, earlier_errors=EARLIER),
        PredictedSetting(runtime=Runtime.ONNXRUNTIME, threads=2),
    ]
    page = told(found_by(SWEEP, ranking, 2, settings=settings))
    assert "1 thread: 41 candidates predicted before this race measured them" in page
    assert page.count("within intervals that promised 90%") == 1
    assert "promised" not in told(found_by(SWEEP, ranking, 2))


def test_where_several_precisions_raced_each_is_named_and_what_did_not_race_besides() -> None:
    int8 = replace(FAST, precision=Precision.INT8_DYNAMIC, job_id="in int8")
    undecided = replace(outcome_of(int8), reasons=(OPEN,))
    predicted = OnlyPredicted(
        backbone="ReXNet_1_0",
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        latency_ms=PredictedFigure(value=8, low=7, high=9),
        may_change_answer=True,
        precision=Precision.INT8_DYNAMIC,
    )
    words = {"precision": "int8-dynamic", "backbones": ACCURATE.backbone}
    left_out = (reason(ReasonCode.RACE_WITHOUT_ACCURACY, words, count=1),)
    found = race([int8, ACCURATE], [outcome_of(ACCURATE), undecided], (), 20, [predicted])
    page = told(replace(found, left_out=left_out))
    assert "raced in fp32, int8-dynamic; the winner is in fp32" in page
    assert "more time would decide: PPLCNet_x1_0 (onnxruntime, 1 thread, int8-dynamic" in page
    assert "answer: ReXNet_1_0 (onnxruntime, 1 thread, int8-dynamic)" in page
    assert "top-1 in int8-dynamic of 1 backbone" in page
    assert ACCURATE.backbone in page
    alone = race([ACCURATE], [outcome_of(ACCURATE)], limit_ms=20)
    assert "raced in" not in told(alone)
