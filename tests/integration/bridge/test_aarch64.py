"""A phone of aarch64: its runner and its runtime run there, emulated, in a fleet as any other."""

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.bridge.standing_in import NAME, SERIAL, StandIn, standing_in, tool
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running, running_controller

NETWORK: Final = "petals"
# The shortest that there is: an emulator is slow.
SHORT: Final = (
    *("--weights", "synthetic", "--repetitions", "1", "--precision", "50%", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
    *("--time-budget", "300ms", "--runtimes", "onnxruntime"),
)


@pytest.fixture(scope="module")
def phone() -> Iterator[StandIn]:
    with standing_in(userland=Path(tool("aarch64-userland"))) as phone:
        yield phone


@pytest.fixture(scope="module")
def runners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside what this machine would take, what the phone takes."""
    folder = tmp_path_factory.mktemp("runners")
    built = Path(tool("native", "x86_64", "aarch64"))
    for machine in ("x86_64", "aarch64"):
        (folder / machine).mkdir()
        shutil.copy(built / machine / "edgerank-runner", folder / machine)
    shutil.copy(tool("onnxruntime-library", "aarch64"), folder / "aarch64")
    return folder


@pytest.fixture(scope="module")
def measured(
    phone: StandIn, runners: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a controller, once a network was measured on the phone."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_controller(folder / "controller") as (_controller, address):
        file = save_onnx(onnx_network(FIXED_SHAPE), folder / "petals.onnx")
        added = edgerank("models", "add", NETWORK, "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        told = ("--controller", address, "--state", str(folder / "bridge"))
        brought = ("--adb", SERIAL, "--runner-folder", str(runners))
        with running("agent", *told, *brought, environment=phone.environment) as agent:
            agent.output.wait_for(f"connected to .* as {NAME} .onnxruntime 1")
            swept = edgerank(
                *("sweep", "--models", NETWORK, "--devices", NAME, *SHORT), address=address
            )
            assert swept.returncode == 0, swept.stderr
            yield address


def asked(address: str, *arguments: str, code: int = 0) -> Any:
    done = edgerank(*arguments, "--json", address=address)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_it_joins_as_what_it_is(measured: str) -> None:
    (device,) = asked(measured, "devices")
    profile = device["profile"]
    assert (device["name"], device["connected"]) == (NAME, True)
    assert profile["architecture"] == "aarch64"
    assert profile["board"] == "Google Pixel 6"
    assert profile["emulator"]
    (runtime,) = profile["runtimes"]
    assert (runtime["runtime"], runtime["last_words"]) == ("onnxruntime", "")


def test_what_it_was_sent_is_there_by_its_digest(measured: str, phone: StandIn) -> None:
    (figure,) = asked(measured, "results")
    kept = phone.data / "local/tmp/edgerank"
    artifact = kept / "artifacts" / figure["artifact_sha256"]
    assert sha256(artifact.read_bytes()).hexdigest() == artifact.name
    runner, library = sorted(kept.glob("programs/*/*"))
    assert (runner.name, library.name[:14]) == ("edgerank-runner", "libonnxruntime")
    # The machine in the head of an ELF file: 183 is of aarch64.
    assert {each.read_bytes()[18] for each in (runner, library)} == {183}


def test_it_computes_the_right_thing(measured: str) -> None:
    (figure,) = asked(measured, "results")
    assert figure["verdict"] != "failed"
    assert figure["latency"]["median_ms"] > 0
    assert figure["outputs"]["repetition_count"] == 1
    assert figure["outputs"]["max_relative_difference"] < figure["output_tolerance"]


def test_its_figure_ranks_only_where_that_is_asked_for(measured: str) -> None:
    best = ("best", "--device", NAME, "--by", "latency")
    (left,) = asked(measured, *best, code=3)["left_out"]
    assert left["reasons"][-1]["code"] == "device_emulated"
    assert asked(measured, *best, "--include-emulated")["winner"]["measurement"]["emulator"]
