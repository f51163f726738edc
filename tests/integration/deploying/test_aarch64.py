"""A board of another processor: Debian for arm64 under qemu-user, from its shell to its runtime."""

import json
import os
import shlex
import signal
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
RUNNER: Final = "edgerank-runner"


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


def emulated_runner(deployed: Board) -> Path:
    """The native runner for aarch64 on the board, by a launcher as its other programs have."""
    userland = Path(os.environ["EDGERANK_AARCH64"])
    runner = Path(os.environ["EDGERANK_NATIVE"]) / "aarch64/edgerank-runner"
    emulate = (userland / "qemu-aarch64-static", "-cpu", "cortex-a72", "-L", userland / "root")
    launcher = deployed.folder / "edgerank-runner"
    command = shlex.join(map(str, (*emulate, runner)))
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o755)
    return launcher


def start_with(deployed: Board, option: str) -> None:
    """Tell the deployed agent something more; what keeps it running starts it anew with that."""
    start = deployed.base / "current/agent"
    start.write_text(start.read_text().replace("set -- agent ", f"set -- agent {option} "))
    os.kill(int((deployed.base / "agent.pid").read_text()), signal.SIGKILL)


def runtime_of(fleet: Guarded) -> dict[str, Any]:
    (device,) = asked(fleet, "devices")
    (runtime,) = device["profile"]["runtimes"]
    return dict(runtime)


def test_the_native_runner_measures_there_with_the_library_of_the_installed_package(
    deployed: Board, fleet: Guarded
) -> None:
    before = runtime_of(fleet)
    start_with(deployed, f"--native-runner={emulated_runner(deployed)}")
    while RUNNER not in runtime_of(fleet)["build"]:
        # It ends with an agent that refuses what it was told.
        assert (deployed.base / "supervisor.pid").exists()
    asked(
        *(fleet, "sweep", "--models", NETWORK, "--devices", NAME, "--runtimes", "onnxruntime"),
        *(*QUICK_SWEEP, "--repetitions", "1"),
    )
    results = asked(fleet, "results", "--device", NAME)
    (measured,) = [each for each in results if RUNNER in each["runtime_build"]]
    assert (measured["backbone"], measured["emulator"]) == (NETWORK, "qemu-user")
    assert measured["runtime_version"] == before["version"]
    assert measured["latency"]["median_ms"] > 0
    assert measured["outputs"]["max_relative_difference"] < measured["output_tolerance"]
