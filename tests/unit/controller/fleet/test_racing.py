"""After each round of a race: who ends, who has another process, and when nothing follows."""

import random
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from controller.domain.sweeps.races import Race
from controller.figures.spread import Spread
from controller.fleet.rounds.racing import RaceRound, next_round
from controller.fleet.rounds.turns import is_complete, wants_more
from controller.ranking.racing.beliefs import Prior
from controller.state.catalog.candidates import RacingJob
from models.catalog.precisions import Precision
from protos.reasons import ReasonCode
from tests.unit.controller.fleet.test_turns import COURSE, SPEC, job

FRONT = Race()
UNDER_LIMIT = Race(max_latency_ms=20)
RACING = replace(
    COURSE,
    spec=replace(SPEC, fewest_repetitions=1, most_repetitions=5, race=FRONT),
    spread=Spread(squares=40 * 0.01**2, degrees=40),
)
TOP1 = {"best": 80.0, "good": 75.0, "rival": 74.9, "bad": 70.0, "unknown": None}


def after(
    medians_ms: dict[str, tuple[float, ...]],
    race: Race = FRONT,
    ended: tuple[str, ...] = (),
    time_ms: int | None = None,
    expected: Mapping[str, Prior] = MappingProxyType({}),
) -> RaceRound:
    candidates = [
        RacingJob(
            job_id=name,
            backbone=f"of {name}",
            top1=TOP1[name],
            medians_ms=medians,
            has_ended=name in ended,
        )
        for name, medians in medians_ms.items()
    ]
    jobs = [
        job(name, medians, spent_ms=1_000)
        for name, medians in medians_ms.items()
        if name not in ended and medians
    ]
    course = replace(RACING, spec=replace(RACING.spec, time_ms=time_ms, race=race))
    return next_round(jobs, candidates, expected, course, random.Random(0))


def test_who_has_lost_ends_with_why_and_the_close_ones_go_on() -> None:
    found = after({"good": (10.0,), "rival": (10.1,), "bad": (20.0,)})
    why = found.lost["bad"]
    assert why.code is ReasonCode.LOST_RACE
    assert why.words["standing"] == "dominated"
    assert set(found.lost) == {"bad"}
    assert set(found.turns.jobs) <= {"good", "rival"}
    assert found.turns.jobs


def test_nothing_follows_on_a_race_that_is_decided() -> None:
    found = after({"best": (40.0,), "good": (10.0,), "bad": (5.0,)})
    assert not found.lost
    assert not found.undecided
    assert not found.turns.jobs


def test_under_a_limit_it_ends_when_the_most_accurate_within_it_is_known() -> None:
    found = after({"best": (40.0,), "good": (10.0,), "bad": (5.0,)}, UNDER_LIMIT)
    standings = {name: why.words["standing"] for name, why in found.lost.items()}
    assert standings == {"best": "over_limit", "bad": "outclassed"}
    assert not found.turns.jobs


def test_who_surely_loses_by_prediction_has_no_process_and_ends_with_the_race() -> None:
    slow = {"bad": Prior(median_ms=50, deviation=0.05, degrees=10)}
    found = after({"good": (10.0,), "rival": (10.1,), "bad": ()}, expected=slow)
    assert "bad" not in {*found.lost, *found.turns.jobs}
    assert found.turns.jobs
    decided = after({"good": (10.0,), "bad": ()}, expected=slow)
    assert not decided.turns.jobs
    assert decided.open_count == 0


def test_who_may_win_by_prediction_is_measured() -> None:
    fast = {"best": Prior(median_ms=11, deviation=0.05, degrees=10)}
    found = after({"good": (10.0,), "best": ()}, expected=fast)
    assert set(found.turns.jobs) == {"best"}


def test_of_whom_nothing_is_predicted_each_has_one_process_at_once() -> None:
    found = after({"good": (10.0,), "best": (), "rival": (), "bad": ()})
    assert set(found.turns.jobs) == {"best", "rival", "bad"}
    assert set(after({"good": (10.0,), "best": ()}, ended=("best",)).turns.jobs) == set()


def test_no_time_is_left_for_a_first_process_either() -> None:
    found = after({"good": (10.0,), "best": ()}, time_ms=1)
    assert not found.turns.jobs
    assert found.open_count == 1


def test_those_that_ended_before_still_beat_others() -> None:
    found = after({"good": (10.0,) * 3, "bad": (20.0,)}, ended=("good",))
    assert found.lost["bad"].words["other"] == "of good"


def test_when_the_time_is_over_it_says_who_is_undecided() -> None:
    found = after({"good": (10.0,), "rival": (10.1,)}, time_ms=1)
    assert not found.turns.jobs
    assert {why.code for why in found.undecided.values()} == {ReasonCode.RACE_UNDECIDED}


def test_what_has_no_known_accuracy_is_measured_once() -> None:
    found = after({"good": (10.0,), "unknown": (1.0,)})
    assert not found.turns.jobs
    assert not found.lost


def test_no_job_of_a_race_ends_or_has_more_by_itself() -> None:
    one = job("good", (10.0,))
    assert not wants_more(one, RACING)
    assert not is_complete(one, RACING)


def test_who_lost_to_one_in_another_precision_is_told_in_which() -> None:
    slow, fast = (
        RacingJob(
            job_id=precision.value,
            backbone="PPLCNet_x1_0",
            top1=71.0,
            medians_ms=(median_ms,),
            precision=precision,
        )
        for precision, median_ms in ((Precision.FP32, 20.0), (Precision.INT8_DYNAMIC, 10.0))
    )
    jobs = [job(each.job_id, each.medians_ms, spent_ms=1_000) for each in (slow, fast)]
    found = next_round(jobs, [slow, fast], {}, RACING, random.Random(0))
    why = found.lost[slow.job_id]
    assert (why.words["other"], why.words["precision"]) == ("PPLCNet_x1_0", "int8-dynamic")
    alike = [slow, replace(fast, precision=Precision.FP32)]
    found = next_round(jobs, alike, {}, RACING, random.Random(0))
    assert "precision" not in found.lost[slow.job_id].words
