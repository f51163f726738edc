"""Limits that contradict, confidence, fronts and reasons why: asked as a person does."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured three backbones on a phone, of these one on a slower board."""
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    record_sweep(database, 1.0, 1.01, backbones=("MobileNetV1",))
    record_sweep(database, 5.0, 5.01, backbones=("MobileNetV2", "ResNet50"))
    record_sweep(database, 3.0, 3.02, backbones=("MobileNetV1",), device="board")
    database.close()
    with running_controller(state_dir) as (_controller, told):
        yield told


def test_contradictory_limits_say_which_leaves_nothing_and_what_is_nearest(address: str) -> None:
    asked = ("best", "--device", "phone", "--max-latency", "10ms", "--min-top1", "74", "--json")
    done = edgerank(*asked, address=address)
    assert done.returncode == 3
    latency, top1 = json.loads(done.stdout)["limit_effects"]
    assert latency["nearest"]["backbone"] == "ResNet50"
    assert latency["over"] == pytest.approx(latency["figure"] - 10)
    assert (top1["would_leave"], top1["nearest"]["backbone"]) == (1, "MobileNetV1")


@pytest.mark.parametrize(
    ("arguments", "winner"),
    [
        (("--series", "ResNet"), "ResNet50"),
        (("--max-p99", "10ms"), "MobileNetV1"),
        (("--max-params", "10M", "--by", "accuracy"), "MobileNetV2"),
        (("--not-distilled", "--no-extra-data", "--by", "accuracy"), "ResNet50"),
        (("--precision", "fp32", "--by", "latency"), "MobileNetV1"),
    ],
)
def test_what_wins_is_within_every_limit(
    address: str, arguments: tuple[str, ...], winner: str
) -> None:
    done = edgerank("best", "--device", "phone", *arguments, "--json", address=address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["winner"]["measurement"]["backbone"] == winner


def test_a_series_that_nothing_can_be_of_is_told_from_one_that_excludes(address: str) -> None:
    asked = ("best", "--device", "phone", "--json", "--series")
    assert edgerank(*asked, "MobileNet", address=address).returncode == 2
    assert edgerank(*asked, "own", address=address).returncode == 3


def test_the_winner_is_named_at_a_confidence_only_where_it_is_sure(address: str) -> None:
    asked = ("best", "--device", "phone", "--confidence", "95")
    document = json.loads(edgerank(*asked, "--json", address=address).stdout)
    found = document["certainty"]
    assert found["candidate_count"] == 3
    assert found["interval_confidence"] == pytest.approx(0.95 ** (1 / 3))
    by_accuracy = edgerank(*asked, "--by", "memory", address=address)
    assert by_accuracy.returncode == 2


def test_a_front_has_the_figures_that_were_asked_for(address: str) -> None:
    asked = ("best", "--device", "phone", "--front", "latency,top1,params", "--json")
    document = json.loads(edgerank(*asked, address=address).stdout)
    front = {each["measurement"]["backbone"] for each in document["pareto_front"]}
    assert {"MobileNetV1", "MobileNetV2", "ResNet50"} >= front >= {"MobileNetV1", "ResNet50"}


def test_why_names_what_beats_it_and_what_it_would_need(address: str) -> None:
    asked = ("why", "MobileNetV2", "--device", "phone", "--by", "latency")
    document = json.loads(edgerank(*asked, "--json", address=address).stdout)
    (there,) = document["on_devices"]
    assert there["rivals"][0]["measurement"]["backbone"] == "MobileNetV1"
    assert there["rivals"][0]["latency_ratio"] > 4
    assert {"win"} <= {each["goal"] for each in there["lacks"]}
    assert edgerank(*asked, address=address).returncode == 0


def test_why_answers_for_each_device_that_measured_it(address: str) -> None:
    document = json.loads(edgerank("why", "MobileNetV1", "--json", address=address).stdout)
    assert {each["device"] for each in document["on_devices"]} == {"phone", "board"}


def test_two_backbones_are_compared_on_each_device_that_measured_both(address: str) -> None:
    asked = ("compare", "MobileNetV1", "MobileNetV2", "--each-device")
    (pair,) = json.loads(edgerank(*asked, "--json", address=address).stdout)["pairs"]
    assert (pair["a"]["device"], pair["change"]) == ("phone", "slower")
    assert pair["ratio_low"] > 4
    assert (pair["a"]["backbone"], pair["b"]["backbone"]) == ("MobileNetV1", "MobileNetV2")
    assert "On phone" in edgerank(*asked, address=address).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("compare", "MobileNetV1", "MobileNetV2", "--each-device", "--device", "x"),
            2,
            "--device",
        ),
        (("why", "MobileNetV2", "--device", "board"), 3, "edgerank sweep"),
        (("why", "MobileNetV9"), 2, "MobileNetV"),
        (("best", "--device", "phone", "--front", "latency"), 2, "latency,top1,memory"),
        (("best", "--device", "phone", "--max-params", "5"), 2, "5.5M"),
        (("best", "--device", "phone", "--confidence", "100"), 2, "100"),
        (("best", "--device", "phone", "--max-p90", "20"), 2, "ms"),
    ],
)
def test_what_cannot_be_answered_is_said(
    address: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = edgerank(*arguments, address=address)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
