"""A board of another processor: Debian for arm64 under qemu-user, from its shell to its runtime."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.access.conftest import Guarded
from tests.integration.deploying.conftest import Board, running_board
from tests.integration.system.conftest import QUICK_SWEEP
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank

NAME: Final = "arm"
NETWORK: Final = "PetalNet"


@pytest.fixture(scope="module")
def deployed(
    person: Path, fleet: Guarded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """A board that an agent was brought to; all that its user starts is emulated."""
    folder = tmp_path_factory.mktemp("arm")
    system = Path(os.environ["EDGERANK_AARCH64"]) / "bin"
    with running_board(folder / "board", person, system=system) as board:
        board.trust()
        command = ("deploy", "ssh", *board.named, "--name", NAME, "--offline")
        options = ("--address", fleet.address, "--up-within", "9m")
        done = edgerank(*command, *options, address=fleet.local)
        try:
            assert done.returncode == 0, done.stderr
            yield board
        finally:
            edgerank("deploy", "remove", "ssh", *board.named)


def asked(fleet: Guarded, *arguments: str, code: int = 0) -> Any:
    done = edgerank(*arguments, "--json", address=fleet.local)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_it_joins_as_what_it_is(deployed: Board, fleet: Guarded) -> None:
    (device,) = asked(fleet, "devices")
    profile = device["profile"]
    assert (device["name"], device["connected"]) == (NAME, True)
    assert (profile["architecture"], profile["emulator"]) == ("aarch64", "qemu-user")
    (runtime,) = profile["runtimes"]
    assert (runtime["runtime"], runtime["last_words"]) == ("onnxruntime", "")
    libraries = list(deployed.base.glob("environments/*/lib/*/site-packages/onnxruntime/capi/*.so"))
    # The machine in the head of an ELF file: 183 is of aarch64.
    assert {each.read_bytes()[18] for each in libraries} == {183}


def test_it_fetches_and_measures_and_its_figure_ranks_only_where_that_is_asked_for(
    deployed: Board, fleet: Guarded, tmp_path: Path
) -> None:
    assert deployed.base.exists()
    file = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "petals.onnx")
    added = edgerank("models", "add", NETWORK, "--onnx", str(file), address=fleet.local)
    assert added.returncode == 0, added.stderr
    swept = asked(
        *(fleet, "sweep", "--models", NETWORK, "--devices", NAME, "--runtimes", "onnxruntime"),
        *(*QUICK_SWEEP, "--repetitions", "1"),
    )
    assert swept
    (measured,) = asked(fleet, "results", "--device", NAME)
    assert measured["emulator"] == "qemu-user"
    assert measured["latency"]["median_ms"] > 0
    best = ("best", "--device", NAME, "--by", "latency")
    (left,) = asked(fleet, *best, code=3)["left_out"]
    assert left["reasons"][-1]["code"] == "device_emulated"
    winner = asked(fleet, *best, "--include-emulated")["winner"]
    assert winner["measurement"]["emulator"] == "qemu-user"
