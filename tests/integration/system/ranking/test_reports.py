"""Reports of what was measured, as a person asks for them, of a controller that knows a phone."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from protos.runtimes import Runtime
from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

BACKBONES = ("MobileNetV1", "MobileNetV2")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured two backbones on a phone, with both runtimes."""
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    record_sweep(database, 1.0, 1.01, backbones=BACKBONES, runtimes=tuple(Runtime))
    database.close()
    with running_controller(state_dir) as (_controller, told):
        yield told


def test_a_survey_says_of_each_claim_what_becomes_of_it(address: str, tmp_path: Path) -> None:
    document = json.loads(edgerank("report", "survey", "--json", address=address).stdout)
    [device] = document["devices"]
    assert device["device"] == "phone"
    assert device["low_flops"]["result"] == "not decidable"
    assert device["best_value"]["of"] == len(document["tiers"][0]["backbones"])
    assert document["published_best_value"]["result"] == "does not hold"
    told = edgerank("report", "survey", "--devices", "phone", address=address)
    assert told.returncode == 0, told.stderr
    # What to measure is a command of ours that can be run.
    commands = [line.strip() for line in told.stdout.splitlines() if "edgerank sweep" in line]
    assert "tier:mobile" in shlex.split(commands[0])
    path = tmp_path / "survey.md"
    assert edgerank("report", "survey", "-o", str(path), address=address).returncode == 0
    assert path.read_text().startswith("# ")


def test_a_model_card_of_the_winner_and_of_a_named_one(address: str, tmp_path: Path) -> None:
    card = edgerank("report", "card", "--device", "phone", address=address)
    assert card.returncode == 0, card.stderr
    assert card.stdout.startswith("---\n")
    assert "edgerank sweep --models" in card.stdout
    path = tmp_path / "README.md"
    named = ("report", "card", "MobileNetV2", "--device", "phone", "-o", str(path))
    assert edgerank(*named, address=address).returncode == 0
    assert "name: MobileNetV2" in path.read_text()
    missing = edgerank("report", "card", "LeViT_128S", "--device", "phone", address=address)
    assert missing.returncode == 3


def test_a_report_in_markdown(address: str, tmp_path: Path) -> None:
    path = tmp_path / "phone.md"
    done = edgerank("report", "--device", "phone", "-o", str(path), address=address)
    assert done.returncode == 0, done.stderr
    assert sum(line.startswith("| MobileNetV") for line in path.read_text().splitlines()) >= 2
    assert edgerank("report", address=address).returncode == 2


def test_published_figures_stand_beside_measured_ones(address: str) -> None:
    # The recorded device's profile names no chip that figures are published of.
    assert edgerank("reference", "--json", address=address).returncode == 3
    asked = ("reference", "--as", "snapdragon 855", "--json")
    document = json.loads(edgerank(*asked, address=address).stdout)
    [device] = document["devices"]
    assert device["published_devices"] == ["Snapdragon 855"]
    judged = {pair["agreement"] for pair in device["pairs"] if pair["median_ms"] is not None}
    assert judged & {"agrees", "disagrees"}
    assert all(pair["published"]["source"] for pair in device["pairs"])
    assert edgerank("reference", "--as", "snapdragon 855", address=address).returncode == 0
    for wrong in (("--as", "Snapdragon 856"), ("--factor", "1"), ("--devices", "watch")):
        assert edgerank("reference", *wrong, address=address).returncode == 2
