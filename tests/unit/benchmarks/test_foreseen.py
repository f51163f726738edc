"""Races by the product's own rounds on a table end as they are asked to."""

import numpy as np
import pytest

from controller.domain.sweeps.races import Race
from controller.fleet.rounds.expecting import network_name
from models.catalog.catalog import load_catalog
from tests.benchmarks.pages.section import Section
from tests.benchmarks.racing.beside import of_its_kind, others_of
from tests.benchmarks.racing.foreseen import race, runs_of, verdict
from tests.benchmarks.racing.simulated import is_right_winner
from tests.benchmarks.racing.tables import read_table
from tests.benchmarks.size import scaled

KNOWN = read_table("Xeon Gold 6148")
LIMIT_MS = sorted(each.latency_ms for each in KNOWN)[len(KNOWN) // 2]


def test_of_few_runs_nothing_is_said() -> None:
    assert verdict([1.0, 0.95], 100) is True
    assert verdict([1.0, 0.94], 100) is False
    assert verdict([1.0, 1.0], 99) is None
    told = Section("Races", "they end.", ("runs",), [("20",)], holds=verdict([1.0], 20))
    assert "Promise: they end. This run is **too short to say**" in told.markdown()


def test_races_that_are_short_are_run_a_thousand_times() -> None:
    assert [runs_of(KNOWN), runs_of(read_table("T4, TensorRT"))] == [scaled(1_000), scaled(100)]


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


def test_races_beside_others_know_nothing_of_the_device_itself() -> None:
    sizes = {each.name: each.input_size for each in load_catalog()}
    names = {network_name((each.name, sizes[each.name])) for each in KNOWN}
    others = others_of("Xeon Gold 6148", KNOWN)
    assert len(others) > 20
    assert not any("Xeon" in each.setting for each in others)
    assert any(names <= each.values.keys() for each in others)
    # Nearly what each takes here, and hardly one exactly.
    alike = of_its_kind(KNOWN)
    for each in KNOWN:
        ratio = alike.values[network_name((each.name, sizes[each.name]))] / each.latency_ms
        assert 0.75 < ratio < 1.33
        assert ratio != 1
