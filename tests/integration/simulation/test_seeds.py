"""However a fleet is treated, both sides decide fairly, and each job ends once."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.causes import MAY_CAUSE, Kind
from tests.simulation.preparing import make_template
from tests.simulation.running import run_schedule
from tests.simulation.schedules import Fault, Size, draw

SEEDS = 20
SIZE = Size(jobs=40, devices=8, faults=24)
SMALL = Size(jobs=20, devices=4, faults=20)
ASKED = ("--jobs", "20", "--devices", "4", "--faults", "20", "--seed", "3")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    make_template(path)
    return path


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_unfair_in_simulated_time(
    seed: int, template: Path, tmp_path: Path
) -> None:
    run = run_schedule(draw(seed, SIZE), template, tmp_path)
    assert run.violations == ()
    assert run.leases > 0


def test_a_disk_that_is_full_while_artifacts_come_fails_no_job(
    template: Path, tmp_path: Path
) -> None:
    full = Fault(kind=Kind.CONTROLLER_DISK_FULL, at_s=1.0, whom=0, lasts_s=30.0, amount=0)
    run = run_schedule(replace(draw(0, SMALL), faults=(full,)), template, tmp_path)
    assert run.struck == (full,)
    assert run.violations == ()


def digest(hash_seed: str) -> str:
    """What a process of its own says of a seed."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *ASKED],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    ).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("  digest "))
    return line


def test_a_seed_replays_to_the_last_message() -> None:
    assert digest("1") == digest("2")


def test_a_seed_and_a_size_stand_for_the_same_faults_each_time() -> None:
    size = Size(jobs=1_000, devices=20, faults=200)
    assert draw(7, size) == draw(7, size)
    assert draw(7, size) != draw(8, size)


def test_every_kind_of_fault_befalls_some_fleet_of_the_suite() -> None:
    drawn = {fault.kind for seed in range(SEEDS) for fault in draw(seed, SIZE).faults}
    assert drawn == set(Kind) == set(MAY_CAUSE)
