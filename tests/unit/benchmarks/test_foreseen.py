"""Races by the product's own rounds on a table end as they are asked to."""

import numpy as np
import pytest

from controller.domain.sweeps.races import Race
from tests.benchmarks.racing.foreseen import race
from tests.benchmarks.racing.simulated import is_right_winner
from tests.benchmarks.racing.tables import read_table

KNOWN = read_table("Xeon Gold 6148")
LIMIT_MS = sorted(each.latency_ms for each in KNOWN)[len(KNOWN) // 2]


def test_it_takes_no_more_processes_than_it_may() -> None:
    ended = race(KNOWN, Race(), 20, np.random.default_rng(1))
    assert ended.processes == 20
    assert not ended.is_decided


@pytest.mark.parametrize("seed", range(3))
def test_the_right_one_wins_once_it_is_decided(seed: int) -> None:
    wanted = Race(max_latency_ms=LIMIT_MS)
    ended = race(KNOWN, wanted, 10 * len(KNOWN), np.random.default_rng(seed))
    assert ended.is_decided
    assert ended.processes < 10 * len(KNOWN)
    assert is_right_winner(KNOWN, ended.medians_ms, LIMIT_MS)
