"""Races: who leaves, who is measured next, and when it is decided."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.figures.spread import UNKNOWN
from controller.ranking.racing.allocating import next_processes
from controller.ranking.racing.beliefs import Prior, Racer, RaceRules, quantile, race_deviation
from controller.ranking.racing.standings import Standing, standings
from tests.benchmarks.racing.priors import LEAST_MEASURED, expected, first_measured
from tests.benchmarks.racing.simulated import left_wrongly, race
from tests.benchmarks.racing.tables import flat_table

QUIET = 0.01
FRONT = RaceRules()


def racer(name: str, top1: float, *medians_ms: float, prior: Prior | None = None) -> Racer:
    return Racer(racer_id=name, top1=top1, medians_ms=medians_ms, prior=prior)


def standing_of(*racers: Racer, rules: RaceRules = FRONT) -> dict[str, Standing]:
    now = standings(racers, QUIET, rules)
    return {place.belief.racer.racer_id: place.standing for place in now.places}


def test_slower_and_less_accurate_leaves_after_one_process() -> None:
    found = standing_of(racer("good", 75, 10.0), racer("bad", 70, 15.0), racer("fast", 60, 5.0))
    assert found["bad"] is Standing.DOMINATED
    assert (found["good"], found["fast"]) == (Standing.IN, Standing.IN)


def test_a_little_slower_stays_until_it_is_surely_so() -> None:
    close = (racer("good", 75, 10.0), racer("close", 74.9, 10.2))
    assert standing_of(*close)["close"] is Standing.OPEN
    surely = (racer("good", 75, *[10.0] * 10), racer("close", 74.9, *[10.5] * 10))
    assert standing_of(*surely)["close"] is Standing.DOMINATED


def test_within_two_percent_is_a_tie_that_costs_no_more() -> None:
    alike = (racer("good", 75, *[10.0] * 10), racer("alike", 75, *[10.02] * 10))
    assert Standing.OPEN not in standing_of(*alike).values()
    assert not any(standing.has_lost for standing in standing_of(*alike).values())


def test_under_a_limit_the_most_accurate_within_it_outclasses() -> None:
    rules = RaceRules(max_latency_ms=20)
    found = standing_of(
        racer("over", 80, 30.0),
        racer("winner", 75, 15.0),
        racer("fast", 60, 3.0),
        racer("near", 78, 20.1),
        rules=rules,
    )
    assert found == {
        "over": Standing.OVER_LIMIT,
        "winner": Standing.IN,
        "fast": Standing.OUTCLASSED,
        "near": Standing.OPEN,
    }


def test_what_is_only_predicted_may_lose_and_never_wins() -> None:
    unmeasured = (
        racer("slow", 70, prior=Prior(median_ms=40, deviation=0.1)),
        racer("promising", 80, prior=Prior(median_ms=5, deviation=0.1)),
    )
    measured = (racer("good", 75, 10.0),)
    now = standings((*measured, *unmeasured), QUIET, RaceRules())
    assert [each.belief.racer.racer_id for each in now.places if each.standing.has_lost] == ["slow"]
    assert next_processes(now, RaceRules(), 1) == ("promising",)
    assert not now.is_decided
    # Nothing is compared with a candidate that nobody measured.
    alone = standings(unmeasured, QUIET, RaceRules())
    assert not any(each.standing.has_lost for each in alone.places)


def test_what_nothing_is_known_of_is_measured_first() -> None:
    now = standings((racer("good", 75, 10.0), racer("unknown", 70)), QUIET, RaceRules())
    assert next_processes(now, RaceRules(), 1) == ("unknown",)


def test_who_is_less_accurate_than_what_is_within_the_limit_need_not_be_known() -> None:
    rules = RaceRules(max_latency_ms=20)
    found = standing_of(racer("winner", 75, 15.0), racer("unknown", 70), rules=rules)
    assert found["unknown"] is Standing.OUTCLASSED


def test_what_a_few_predictions_tell_loses_by_more_than_what_many_tell() -> None:
    def of(degrees: float) -> Standing:
        prior = Prior(median_ms=14, deviation=0.1, degrees=degrees)
        measured = racer("good", 75, *[10.0] * 5)
        return standing_of(measured, racer("slow", 70, prior=prior))["slow"]

    assert of(math.inf) is Standing.DOMINATED
    assert of(2) is Standing.OPEN


def test_of_whom_little_is_expected_has_its_first_process_before_any_other_a_second() -> None:
    vague = racer("vague", 60, prior=Prior(median_ms=20, deviation=0.5))
    now = standings((racer("a", 75, 10.0), racer("b", 74.9, 10.05), vague), QUIET, FRONT)
    assert next_processes(now, FRONT, 1) == ("vague",)


def test_more_comparisons_ask_for_more_evidence() -> None:
    few, many = quantile(5, RaceRules()), quantile(300, RaceRules())
    assert few < many < 7
    assert quantile(5, RaceRules(confidence=0.5)) < few
    assert race_deviation(UNKNOWN) > 0.03


@given(
    st.lists(
        st.tuples(st.floats(50, 90), st.lists(st.floats(1, 100), max_size=10), st.floats(1, 100)),
        min_size=1,
        max_size=12,
    ),
    st.none() | st.floats(1, 100),
)
@settings(deadline=None)
def test_whatever_is_measured_somebody_stays_and_a_race_goes_on_until_it_is_decided(
    drawn: list[tuple[float, list[float], float]], limit_ms: float | None
) -> None:
    racers = [
        racer(str(number), top1, *medians_ms, prior=Prior(median_ms=expected_ms, deviation=0.2))
        for number, (top1, medians_ms, expected_ms) in enumerate(drawn)
    ]
    rules = RaceRules(max_latency_ms=limit_ms)
    now = standings(racers, QUIET, rules)
    following = next_processes(now, rules, 3)
    assert len(following) == len(set(following)) <= 3
    assert bool(following) is not now.is_decided
    if limit_ms is None:
        assert not all(place.standing.has_lost for place in now.places)
    lost = {place.belief.racer.racer_id for place in now.places if place.standing.has_lost}
    assert not lost & set(following)


def test_sizes_alone_expect_latencies_that_grow_with_them() -> None:
    sizes = {str(number): (0.1 * 1.3**number, 1.0 * 1.2**number) for number in range(20)}
    first = first_measured(sizes, 8)
    assert len(set(first)) == 8
    assert {"0", "19"} <= set(first)
    medians_ms = {name: 20 * sizes[name][0] ** 0.9 for name in first}
    priors = expected(sizes, medians_ms)
    assert priors.keys() == sizes.keys() - set(first)
    for name, prior in priors.items():
        truth = math.log(20 * sizes[name][0] ** 0.9)
        assert abs(math.log(prior.median_ms) - truth) < 3 * prior.deviation
    few = dict(list(medians_ms.items())[: LEAST_MEASURED - 1])
    assert expected(sizes, few) == {}


@pytest.mark.parametrize("apart", [0.002, 0.01, 0.03])
def test_of_a_flat_front_hardly_anybody_is_lost_wrongly(apart: float) -> None:
    known = flat_table(10, apart)
    rng = np.random.default_rng(7)
    ended = [race(known, RaceRules(), 100, rng) for _ in range(12)]
    assert sum(bool(left_wrongly(known, each)) for each in ended) <= 1


def test_a_race_of_clear_differences_takes_a_fraction_of_a_sweep() -> None:
    known = flat_table(12, 0.2)
    outcome = race(known, RaceRules(), 120, np.random.default_rng(3))
    assert outcome.is_decided
    assert outcome.processes <= 36
    assert not left_wrongly(known, outcome)
