"""Which backbone is best on all devices: asked as a person does, of a controller that knows two."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured two backbones on a phone, of these one on a slower board."""
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    record_sweep(database, 1.0, 1.01, backbones=("MobileNetV1", "MobileNetV2"))
    record_sweep(database, 3.0, 3.02, backbones=("MobileNetV1",), device="board")
    database.close()
    with running_controller(state_dir) as (_controller, told):
        yield told


def test_one_backbone_is_best_for_all_and_says_what_each_device_loses(address: str) -> None:
    asked = ("best", "--fleet", "--by", "latency", "--share", "board=3")
    document = json.loads(edgerank(*asked, "--json", address=address).stdout)
    assert document["least_worst"]["backbone"] == "MobileNetV1"
    assert {each["device"]: each["share"] for each in document["places"]} == {
        "phone": 0.25,
        "board": 0.75,
    }
    assert document["incomplete"][0]["unmeasured_on"] == ["board"]
    told = edgerank(*asked, address=address).stdout
    (command,) = [line.strip() for line in told.splitlines() if "edgerank sweep" in line]
    assert "--devices board" in command
    assert "--models MobileNetV2" in command


def test_without_a_backbone_for_all_the_limit_to_blame_is_told(address: str) -> None:
    asked = ("best", "--fleet", "--max-latency", "10ms", "--json")
    done = edgerank(*asked, address=address)
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    (of_all,) = document["limit_effects"]
    (of_board,) = document["places"][0]["limit_effects"]
    assert (document["places"][0]["device"], document["places"][1]["limit_effects"]) == (
        "board",
        [],
    )
    for effect in (of_all, of_board):
        assert (effect["criterion"], effect["excluded"], effect["would_leave"]) == ("latency", 1, 1)
        assert effect["nearest"]["backbone"] == "MobileNetV1"
        assert effect["over"] == effect["figure"] - 10 > 0


def test_each_device_has_its_own_best(address: str) -> None:
    told = edgerank("best", "--each-device", "--devices", "phone,board", address=address)
    assert told.returncode == 0, told.stderr
    rows = [line.split()[0] for line in told.stdout.splitlines() if line.startswith("  ")]
    assert {"phone", "board"} <= set(rows)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--each-device"),
        (("--fleet", "--device", "phone"), 2, "one of"),
        (("--device", "phone", "--share", "phone=2"), 2, "--fleet"),
        (("--fleet", "--share", "phone=0"), 2, "above 0"),
        (("--fleet", "--share", "watch=2"), 2, "watch"),
        (("--fleet", "--devices", "soc=x"), 2, "soc=x"),
        (("--fleet", "--max-latency", "0.001ms"), 3, "board, phone"),
    ],
)
def test_what_cannot_be_answered_says_why(
    address: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = edgerank("best", *arguments, address=address)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
