"""`find` on this machine: a sweep that measures as far as its answer needs."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import UNGATED
from tests.processes import START_TIMEOUT_S, edgerank, running, running_agent, running_controller

TINY = "PPLCNet_x0_25,PPLCNet_x0_35,MobileNetV1_x0_25,MobileNetV1_x0_5"
RACE = (
    *("find", "--device", "pc", "--models", TINY, "--runtimes", "onnxruntime"),
    *("--weights", "synthetic", "--time", "60s", *UNGATED),
)


@pytest.fixture(scope="module")
def address(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state_dir: Path = tmp_path_factory.mktemp("race")
    shutil.copytree(converted, state_dir / "controller")
    with (
        running_controller(state_dir / "controller", 0) as (_controller, told),
        running_agent(told, "pc", state_dir / "agent"),
    ):
        yield told


@pytest.fixture(scope="module")
def found(address: str) -> dict[str, Any]:
    """A race under a limit that all but nobody breaks, so that the most accurate one wins soon."""
    done = edgerank(*RACE, "--max-latency", "10s", "--json", address=address)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_most_accurate_within_the_limit_wins_after_one_process_of_the_others(
    address: str, found: dict[str, Any]
) -> None:
    assert found["ranking"]["winner"]["measurement"]["backbone"] == "MobileNetV1_x0_5"
    # What was measured before in another setting is no answer to this.
    asked = found["ranking"]["constraints"]
    assert (asked["runtime"], asked["threads"]) == ("onnxruntime", 1)
    assert len(found["lost"]) == 3
    assert not found["failed"]
    assert not found["undecided"]
    for outcome in found["lost"]:
        codes = [each["code"] for each in outcome["reasons"]]
        assert "lost_race" in codes
        assert outcome["median_ms"] > 0
    listed = json.loads(
        edgerank("results", "--sweep", found["sweep_id"], "--json", address=address).stdout
    )
    counted = {
        each["backbone"]: each["latency"]["repetition_count"]
        for each in listed
        if each["backbone"] != "MobileNetV1_x0_25"
    }
    assert counted["PPLCNet_x0_25"] == counted["PPLCNet_x0_35"] == 1


def test_it_is_listed_as_a_sweep_and_the_same_race_measures_nothing_again(
    address: str, found: dict[str, Any]
) -> None:
    listed = json.loads(edgerank("sweeps", "--json", address=address).stdout)
    assert found["sweep_id"] in {each["sweep_id"] for each in listed}
    # Another process on this machine disturbs a figure, which then stands for nothing. All others
    # do, under the ids that they have.
    of_first = measured_in(address, found["sweep_id"])
    doubtful = {name for name, (_, verdict) in of_first.items() if verdict not in ("ok", "wide")}
    again = edgerank(*RACE, "--max-latency", "10s", "--json", address=address)
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    of_second = measured_in(address, document["sweep_id"])
    assert of_second.keys() == of_first.keys()
    assert {name for name in of_first if of_second[name] != of_first[name]} == doubtful
    assert document["ranking"]["winner"]["measurement"]["backbone"] == "MobileNetV1_x0_5"
    kinds = ("lost", "undecided", "decided")
    assert {each["backbone"] for kind in kinds for each in document[kind]} == of_first.keys()


def measured_in(address: str, sweep_id: str) -> dict[str, tuple[str, str]]:
    """The figures of a race, of before as well: id and verdict of each backbone."""
    listed = json.loads(edgerank("results", "--sweep", sweep_id, "--json", address=address).stdout)
    return {each["backbone"]: (each["measurement_id"], each["verdict"]) for each in listed}


def test_without_a_limit_the_front_is_decided_or_the_time_ends_it(
    address: str, found: dict[str, Any]
) -> None:
    assert found["sweep_id"]
    done = edgerank(*RACE, "--time", "15s", address=address)
    assert done.returncode == 0, done.stderr
    assert "MobileNetV1_x0_5" in done.stdout


def test_who_stops_the_command_is_told_that_the_race_goes_on(address: str, tmp_path: Path) -> None:
    with running_agent(address, "gone", tmp_path):
        pass
    race = ("find", "--device", "gone", "--models", TINY, "--weights", "synthetic")
    with running(*race, "--controller", address) as found:
        sweep_id = found.output.wait_for(r"^sweep (\S+):")[1]
        found.process.send_signal(signal.SIGINT)
        found.output.wait_for(f"the race goes on: 'edgerank follow {sweep_id}' shows it")
        assert found.process.wait(START_TIMEOUT_S) == 130
    assert edgerank("cancel", sweep_id, address=address).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--max-latency", "0ms"), 2),
        (("--confidence", "100%"), 2),
        (("--time", "1ms"), 2),
        (("--tier", "server"), 2),
        (("--max-latency", "0.001ms"), 3),
        (("--device", "watch"), 2),
    ],
)
def test_what_cannot_be_found_says_why(
    address: str, found: dict[str, Any], arguments: tuple[str, ...], code: int
) -> None:
    assert found["sweep_id"]
    done = edgerank(*RACE, *arguments, address=address)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
