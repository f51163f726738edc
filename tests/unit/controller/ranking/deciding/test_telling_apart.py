"""A race spends nothing on candidates that all their processes are unlikely to tell apart."""

import math

from hypothesis import given
from hypothesis import strategies as st

from controller.ranking.racing.beliefs import Racer, RaceRules, beliefs, quantile
from controller.ranking.racing.standings import Standing, standings
from controller.ranking.racing.telling_apart import (
    LEAST_CHANCE,
    chance_of_a_side,
    chance_of_settling,
)

RULES = RaceRules()
NOISY, QUIET = 0.1, 0.015


def chance(own_ms: list[float], rival_ms: list[float], deviation: float) -> float:
    own, rival = beliefs([racer("own", 70, own_ms), racer("rival", 71, rival_ms)], deviation)
    return chance_of_settling(own, [rival], deviation, RULES.most_processes, quantile(20, RULES))


def racer(name: str, top1: float, medians_ms: list[float]) -> Racer:
    return Racer(racer_id=name, top1=top1, medians_ms=tuple(medians_ms))


def test_alike_ones_on_a_device_that_is_not_quiet_do_not_take_all_processes() -> None:
    alike = [racer("own", 70, [10.0] * 5), racer("rival", 71, [10.3] * 5)]
    assert not standings(alike, NOISY, RULES).open


def test_on_a_quiet_device_the_same_ones_are_told_apart() -> None:
    alike = [racer("own", 70, [10.0] * 5), racer("rival", 71, [10.3] * 5)]
    now = standings(alike, QUIET, RULES)
    assert [place.standing for place in now.places] == [Standing.IN, Standing.IN]


def test_who_is_far_behind_is_likely_to_lose() -> None:
    assert chance([15.0], [10.0], NOISY) > LEAST_CHANCE > chance([10.0], [10.0], NOISY)


def test_who_is_at_a_limit_does_not_take_all_processes_to_tell_its_side() -> None:
    under = RaceRules(max_latency_ms=10)
    at, far = (standings([racer("own", 70, [ms] * 4)], NOISY, under) for ms in (10.0, 9.0))
    assert (at.places[0].standing, far.places[0].standing) == (Standing.TIED, Standing.OPEN)


millis = st.floats(1, 100)


@given(millis, millis, st.integers(1, 10), st.floats(0.001, 0.5))
def test_it_is_a_chance_and_all_processes_leave_nothing_to_tell(
    own_ms: float, rival_ms: float, count: int, deviation: float
) -> None:
    found = chance([own_ms] * count, [rival_ms] * count, deviation)
    assert 0 <= found <= 1
    if count == RULES.most_processes:
        assert math.isclose(found, round(found))


@given(millis, millis, st.integers(1, 10), st.floats(0.001, 0.5))
def test_of_a_side_it_is_a_chance_too(
    own_ms: float, limit_ms: float, count: int, deviation: float
) -> None:
    (own,) = beliefs([racer("own", 70, [own_ms] * count)], deviation)
    found = chance_of_a_side(
        own, math.log(limit_ms), deviation, RULES.most_processes, quantile(20, RULES)
    )
    assert 0 <= found <= 1
