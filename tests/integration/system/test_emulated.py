"""A device that is marked as emulated: its figures are left out, and marked wherever they are."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep

QEMU = "qemu-system"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A controller that has measured two sweeps on a phone, which somebody marked."""
    state_dir = tmp_path / "controller"
    state_dir.mkdir(mode=0o700)
    database = begun_database(state_dir)
    for _ in range(2):
        record_sweep(database, 1.0, 1.0)
    database.close()
    with running_controller(state_dir) as (_controller, told):
        run(told, "devices", "mark", "phone", "--emulated", QEMU)
        yield told


def run(address: str, *arguments: str, code: int = 0) -> str:
    """What a command prints that ends so."""
    done = edgerank(*arguments, address=address)
    assert done.returncode == code, done.stderr
    return done.stdout


def asked(address: str, *arguments: str, code: int = 0) -> Any:
    return json.loads(run(address, *arguments, "--json", code=code))


def test_rankings_and_comparisons_have_it_only_where_that_is_asked_for(address: str) -> None:
    best = ("best", "--device", "phone", "--by", "latency")
    (left,) = asked(address, *best, code=3)["left_out"]
    assert left["reasons"][-1]["code"] == "device_emulated"
    assert left["measurement"]["emulator"] == QEMU
    assert "--include-emulated" in edgerank(*best, address=address).stderr
    winner = asked(address, *best, "--include-emulated")["winner"]
    assert winner["measurement"]["emulator"] == QEMU

    compare = ("compare", "before:2999-01-01", "before:2999-01-01")
    assert asked(address, *compare, code=3)["pairs"] == []
    assert "--include-emulated" in edgerank(*compare, address=address).stderr
    (pair,) = asked(address, *compare, "--include-emulated")["pairs"]
    assert (pair["a"]["emulator"], pair["b"]["emulator"]) == (QEMU, QEMU)


def test_whatever_shows_a_figure_has_the_mark(address: str, tmp_path: Path) -> None:
    assert QEMU in run(address, "results")
    assert {each["emulator"] for each in asked(address, "results")} == {QEMU}
    (listed,) = asked(address, "devices")
    assert listed["profile"]["emulator"] == QEMU
    assert QEMU in run(address, "devices", "show", "phone")
    assert "phone" in run(address, "audit")

    files = {suffix: tmp_path / f"all.{suffix}" for suffix in ("csv", "json", "parquet")}
    for path in files.values():
        run(address, "export", str(path))
    with files["csv"].open(newline="", encoding="utf-8") as file:
        assert {row["emulator"] for row in csv.DictReader(file)} == {QEMU}
    exported = json.loads(files["json"].read_text("utf-8"))
    assert {each["emulator"] for each in exported} == {QEMU}
    assert set(pq.read_table(files["parquet"]).column("emulator").to_pylist()) == {QEMU}

    page = tmp_path / "report.html"
    run(address, "report", "--device", "phone", "--output", str(page))
    assert QEMU in page.read_text("utf-8")


def test_a_mark_that_is_taken_away_lets_it_rank_again(address: str) -> None:
    run(address, "devices", "mark", "phone", code=2)
    run(address, "devices", "mark", "phone", "--real", "--emulated", QEMU, code=2)
    run(address, "devices", "mark", "phone", "--real")
    winner = asked(address, "best", "--device", "phone", "--by", "latency")["winner"]
    assert winner["measurement"]["emulator"] == ""
