"""A device that measures through the native runner, from joining to its figure."""

import json
from pathlib import Path

from tests.integration.system.conftest import QUICK_SWEEP
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running_agent, running_controller

NETWORK = "PetalNet"


def test_a_figure_tells_that_the_runner_took_it(runner: Path, tmp_path: Path) -> None:
    file = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "petals.onnx")
    with (
        running_controller(tmp_path / "controller", 0) as (_, address),
        running_agent(address, "bare", tmp_path / "agent", "--native-runner", str(runner)),
    ):
        added = edgerank("models", "add", NETWORK, "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        wanted = ("--models", NETWORK, "--devices", "bare", "--runtimes", "onnxruntime")
        swept = edgerank("sweep", *wanted, *QUICK_SWEEP, "--json", address=address)
        assert swept.returncode == 0, swept.stderr
        results = edgerank("results", "--device", "bare", "--json", address=address)
        devices = edgerank("devices", "--json", address=address)
    (measured,) = json.loads(results.stdout)
    assert "edgerank-runner" in json.dumps(measured)
    assert measured["latency"]["median_ms"] > 0
    (device,) = json.loads(devices.stdout)
    of_runner = [each for each in device["profile"]["runtimes"] if "runner" in each["build"]]
    assert [each["runtime"] for each in of_runner] == ["onnxruntime"]
    assert of_runner[0]["execution_providers"] == ["CPUExecutionProvider"]
