"""A board of another processor: Debian for arm64 under qemu-user, from its shell to its runtime."""

import json
import os
import shutil
import subprocess
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
# How the kernel knows a program of aarch64.
_FORMAT: Final = (
    r":aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
)
_TELL_TOO_OLD: Final = (
    'echo "this kernel starts no programs of aarch64 in a user namespace: use Linux 6.7 or newer, '
    'with binfmt_misc" >&2; exit 1;'
)


def knowing_shell(folder: Path, userland: Path) -> Path:
    """The board's shell, under which the kernel starts programs of aarch64, and nowhere else."""
    formats = folder / "formats"
    formats.mkdir()
    interpreter, inside, shell = (folder / each for each in ("interpreter", "inside", "shell"))
    emulate = f"{userland}/qemu-aarch64-static -cpu cortex-a72 -L {userland}/root"
    interpreter.write_text(f'#!/bin/sh\nexec {emulate} "$@"\n')
    inside.write_text(
        f"{shutil.which('mount')} -t binfmt_misc binfmt_misc {formats} &&\n"
        f"printf '%s' '{_FORMAT}:{interpreter}:' >{formats}/register || {{ {_TELL_TOO_OLD} }}\n"
        f'exec {userland}/bin/sh "$@"\n'
    )
    # A format is of a user namespace, from Linux 6.7 on.
    apart = f"{shutil.which('unshare')} --user --map-current-user --keep-caps --mount"
    shell.write_text(f'#!/bin/sh\nexec {apart} /bin/sh {inside} "$@"\n')
    for each in (interpreter, shell):
        each.chmod(0o755)
    # Whoever deploys is told nothing of why a shell does not start.
    asked = [str(shell), "-c", f"{userland}/root/bin/uname -m"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "aarch64", said.stderr
    return shell


def deploy(board: Board, fleet: Guarded, *options: str) -> str:
    """What the command tells, which has to succeed."""
    command = ("deploy", "ssh", *board.named, "--name", NAME, "--offline")
    told = ("--address", fleet.address, "--up-within", "9m", *options)
    done = edgerank(*command, *told, address=fleet.local)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def deployed(
    person: Path, fleet: Guarded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """A board that an agent was brought to; all that its user starts is emulated."""
    folder = tmp_path_factory.mktemp("arm")
    userland = Path(os.environ["EDGERANK_AARCH64"])
    shell = knowing_shell(folder, userland)
    board_of = running_board(folder / "board", person, system=userland / "bin", shell=shell)
    with board_of as board:
        board.trust()
        try:
            deploy(board, fleet)
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


def runtime_of(fleet: Guarded) -> dict[str, Any]:
    (device,) = asked(fleet, "devices")
    (runtime,) = device["profile"]["runtimes"]
    return dict(runtime)


def test_a_native_runner_is_brought_and_measures_with_the_library_of_the_installed_package(
    deployed: Board, fleet: Guarded
) -> None:
    before = runtime_of(fleet)
    deploy(deployed, fleet, "--runner-folder", os.environ["EDGERANK_NATIVE"])
    (program,) = deployed.base.glob(f"runners/*/{RUNNER}")
    assert program.read_bytes()[18] == 183
    assert RUNNER in runtime_of(fleet)["build"]
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
