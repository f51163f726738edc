"""A race in which something is missing: a network that nothing converts, a device that leaves."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import BACKBONES, SENTINEL, UNGATED
from tests.processes import edgerank, running, running_agent, running_controller

UNCONVERTIBLE = "SwinTransformerV2_tiny_patch4_window8_256"
RACE = ("find", "--device", "pc", "--runtimes", "onnxruntime", "--weights", "synthetic", *UNGATED)


@pytest.fixture(scope="module")
def folder(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("race")
    shutil.copytree(converted, made / "controller")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with running_controller(folder / "controller") as (_controller, told):
        yield told


def test_the_answer_says_that_it_does_not_rest_on_what_cannot_be_converted(
    address: str, folder: Path
) -> None:
    models = ("--models", f"{SENTINEL},{UNCONVERTIBLE}")
    with running_agent(address, "pc", folder / "agent"):
        done = edgerank(*RACE, *models, "--time", "60s", "--json", address=address)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ranking"]["winner"]["measurement"]["backbone"] == SENTINEL
    (failed,) = found["failed"]
    assert failed["backbone"] == UNCONVERTIBLE
    assert failed["reasons"]


def test_a_race_whose_device_left_is_ended_with_what_was_measured_and_goes_on_from_there(
    address: str, folder: Path
) -> None:
    race = (*RACE, "--models", ",".join(BACKBONES), "--threads", "2")
    environment = {"EDGERANK_CONTROLLER": address, "COLUMNS": "200"}
    with (
        running_agent(address, "pc", folder / "agent") as agent,
        running(*race, environment=environment) as found,
    ):
        measured = found.output.wait_for(r"^so far +pc +(\S+)")[1]
        agent.kill()
        sweep_id = found.output.wait_for(r"^sweep (\S+):")[1]
        found.output.wait_for("waiting for pc, which is not connected")
        assert edgerank("cancel", sweep_id, address=address).returncode == 0
        assert found.process.wait() == 4
        found.output.wait_for(f"the race {sweep_id} was cancelled before it was decided")
    before = figures_of(address, sweep_id)
    assert measured in before
    with running_agent(address, "pc", folder / "agent"):
        done = edgerank(*race, "--time", "60s", "--json", address=address)
    assert done.returncode == 0, done.stderr
    after = figures_of(address, json.loads(done.stdout)["sweep_id"])
    assert after.keys() == set(BACKBONES)
    # Its process counts on, unless something disturbed it.
    if before[measured]["verdict"] != "disturbed":
        assert counted(after[measured]) > counted(before[measured])


def counted(figure: dict[str, Any]) -> int:
    """Of how many processes a figure is."""
    count: int = figure["latency"]["repetition_count"]
    return count


def figures_of(address: str, sweep_id: str) -> dict[str, Any]:
    """What is known of the candidates of a race, by their names."""
    listed = edgerank("results", "--sweep", sweep_id, "--json", address=address)
    return {each["backbone"]: each for each in json.loads(listed.stdout)}
