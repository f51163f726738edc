"""The command's own processes and a real runtime keep what schedules of simulated agents show."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.faults.judging.checker import violations
from tests.faults.judging.outcome import Outcome
from tests.faults.schedules import Kind
from tests.integration.faults.real_fleet import STRIKABLE, real_fleet

WHILE_IT_CONVERTS: Final = (Kind.CONTROLLER_KILLED, Kind.CONTROLLER_TERMINATED)
# Together they have every kind that real processes can meet.
SEEDS: Final = range(13, 18)
FAULTS_EACH: Final = 3


def draw(seed: int) -> list[Kind]:
    return random.Random(seed).sample(STRIKABLE, FAULTS_EACH)


@dataclass(frozen=True)
class Lived:
    """A fleet that went through a sweep: its folder, and how it ended."""

    folder: Path
    outcome: Outcome


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """One whose controller was killed, and stopped, while it converted for the sweep."""
    folder = tmp_path_factory.mktemp("first")
    with real_fleet(folder) as fleet:
        fleet.start_sweep()
        for kind in WHILE_IT_CONVERTS:
            fleet.await_converting()
            fleet.strike(kind)
        fleet.await_end_of_sweep()
        fleet.end()
        return Lived(folder, fleet.outcome(list(WHILE_IT_CONVERTS)))


def test_a_controller_that_is_killed_and_stopped_while_it_converts_goes_on(first: Lived) -> None:
    assert violations(first.outcome) == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_doubled_whatever_befalls_real_processes(
    seed: int, first: Lived, tmp_path: Path
) -> None:
    kinds = draw(seed)
    folder = tmp_path / "fleet"
    shutil.copytree(first.folder, folder)
    # So that they are fetched once more.
    shutil.rmtree(folder / "agent" / "artifacts")
    with real_fleet(folder) as fleet:
        fleet.start_sweep()
        for kind in kinds:
            fleet.await_measuring()
            fleet.strike(kind)
        fleet.await_end_of_sweep()
        fleet.end()
        assert violations(fleet.outcome([*WHILE_IT_CONVERTS, *kinds])) == (), kinds


def test_every_kind_that_real_processes_can_meet_befalls_one() -> None:
    assert {kind for seed in SEEDS for kind in draw(seed)} == set(STRIKABLE)
