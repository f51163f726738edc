"""`find` on this machine in two precisions: each by the top-1 that is known in it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.system.conftest import BACKBONES, SENTINEL, UNGATED
from tests.processes import edgerank, running_agent, running_controller

UNKNOWN, ACCURATE = BACKBONES
RACE = (
    *("find", "--device", "pc", "--models", ",".join((*BACKBONES, SENTINEL))),
    *("--runtimes", "onnxruntime", "--weights", "synthetic", "--time", "60s", *UNGATED),
    *("--max-latency", "10s"),
)
BOTH = ("--precisions", "fp32,int8-dynamic")
# More than any of them has in fp32, so that the answer is decided soon.
ACCURACY = f"""name,dataset,metric,value,precision,source
{ACCURATE},imagenet,top1,99.5,int8-dynamic,ours
{SENTINEL},imagenet,top1,50.0,int8-dynamic,ours
"""


@pytest.fixture(scope="module")
def address(converted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state_dir: Path = tmp_path_factory.mktemp("precisions")
    shutil.copytree(converted, state_dir / "controller")
    (state_dir / "ours.csv").write_text(ACCURACY, "utf-8")
    with (
        running_controller(state_dir / "controller", 0) as (_controller, told),
        running_agent(told, "pc", state_dir / "agent"),
    ):
        imported = edgerank("accuracy", "import", str(state_dir / "ours.csv"), address=told)
        assert imported.returncode == 0, imported.stderr
        yield told


@pytest.fixture(scope="module")
def found(address: str) -> dict[str, Any]:
    done = edgerank(*RACE, *BOTH, "--json", address=address)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def measured_in(found: dict[str, Any]) -> set[tuple[str, str]]:
    """The candidates that have figures."""
    outcomes = (each for kind in ("lost", "undecided", "decided") for each in found[kind])
    return {(each["backbone"], each["precision"]) for each in outcomes}


def test_the_most_accurate_wins_in_its_precision_and_what_is_unknown_there_is_named(
    found: dict[str, Any],
) -> None:
    winner = found["ranking"]["winner"]["measurement"]
    assert (winner["backbone"], winner["precision"]) == (ACCURATE, "int8-dynamic")
    assert winner["top1"] == 99.5
    assert measured_in(found) == {
        *((name, "fp32") for name in (*BACKBONES, SENTINEL)),
        *((name, "int8-dynamic") for name in (ACCURATE, SENTINEL)),
    }
    (left_out,) = found["left_out"]
    assert left_out["code"] == "race_without_accuracy"
    assert left_out["words"] == {"precision": "int8-dynamic", "backbones": UNKNOWN}
    # Another one may be disturbed, and none of them fails.
    assert not found["failed"]


def figures_of(address: str, sweep_id: str) -> dict[tuple[str, str], tuple[str, str]]:
    """The figures of a race, of before as well: id and verdict of each candidate."""
    listed = json.loads(edgerank("results", "--sweep", sweep_id, "--json", address=address).stdout)
    return {
        (each["backbone"], each["precision"]): (each["measurement_id"], each["verdict"])
        for each in listed
    }


def test_the_same_race_again_has_what_stands_and_says_what_raced_and_who_won_in_which(
    address: str, found: dict[str, Any]
) -> None:
    first = figures_of(address, found["sweep_id"])
    again = edgerank(*RACE, *BOTH, address=address)
    assert again.returncode == 0, again.stderr
    page = " ".join(again.stdout.split())
    assert "5 candidates race" in page
    assert "raced in fp32, int8-dynamic; the winner is in int8-dynamic" in page
    assert "nobody knows the top-1 in int8-dynamic of 1 backbone" in page
    assert f"without which nothing races: {UNKNOWN};" in page
    # What other work on this machine disturbed is measured again, and nothing else is.
    second = figures_of(address, page.split(" ")[1].rstrip(":"))
    assert second.keys() == first.keys() == measured_in(found)
    doubtful = {each for each, (_, verdict) in first.items() if verdict not in ("ok", "wide")}
    assert {each for each in first if second[each] != first[each]} == doubtful


def test_where_one_precision_is_asked_for_the_answer_is_of_that_one(
    address: str, found: dict[str, Any]
) -> None:
    assert measured_in(found)
    done = edgerank(*RACE, "--precisions", "fp32", "--json", address=address)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ranking"]["constraints"]["precision"] == "fp32"
    assert document["ranking"]["winner"]["measurement"]["precision"] == "fp32"
    assert {precision for _, precision in measured_in(document)} == {"fp32"}


def test_a_race_of_what_nobody_knows_the_accuracy_of_is_refused(address: str) -> None:
    done = edgerank(*RACE, "--precisions", "int8-static", address=address)
    assert (done.returncode, "Traceback" in done.stderr) == (4, False)
    assert "edgerank accuracy import" in done.stderr
