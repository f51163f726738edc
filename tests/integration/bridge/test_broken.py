"""A runtime that crashes as it is loaded on a phone is shown as broken, and gets no jobs."""

import json
import platform
import shutil
import subprocess
from pathlib import Path

from tests.integration.bridge.standing_in import NAME, SERIAL, StandIn
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running, running_controller

_CRASHES = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void begin(void) {
    fputs("this processor has no such instruction\\n", stderr);
    abort();
}
"""


def crashing_library(folder: Path) -> Path:
    """One that ends whoever loads it."""
    source, library = folder / "crashes.c", folder / "libonnxruntime.so.9.9.9"
    source.write_text(_CRASHES)
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return library


def test_it_is_shown_with_its_last_words_and_left_out(
    stand_in: StandIn, kit_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / platform.machine()
    folder.mkdir()
    shutil.copy(kit_folder / "edgerank-runner", folder)
    crashing_library(folder)
    with running_controller(tmp_path / "controller") as (_controller, address):
        file = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "petals.onnx")
        added = edgerank("models", "add", "petals", "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        told = ("--controller", address, "--state", str(tmp_path / "bridge"), "--adb", SERIAL)
        brought = ("--runner-folder", str(tmp_path))
        with running("agent", *told, *brought, environment=stand_in.environment) as agent:
            agent.output.wait_for(f"connected to .* as {NAME}")
            devices = edgerank("devices", "--json", address=address)
            wanted = ("--models", "petals", "--devices", NAME, "--runtimes", "onnxruntime")
            swept = edgerank("sweep", *wanted, "--json", address=address)
            results = edgerank("results", "--json", address=address)
    (device,) = json.loads(devices.stdout)
    (runtime,) = device["profile"]["runtimes"]
    assert runtime["runtime"] == "onnxruntime"
    assert "no such instruction" in runtime["last_words"]
    assert swept.returncode == 4
    assert "no such instruction" in swept.stderr
    assert json.loads(results.stdout) == []
