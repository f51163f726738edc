"""Two phones of one hub are served by one bridge, and measure one after the other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.bridge.adb.server import READY
from tests.integration.bridge.standing_in import (
    BESIDE,
    NAME,
    NAME_BESIDE,
    StandIn,
    await_that,
    standing_in,
)
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running, running_controller

SHORT = (
    *("--weights", "synthetic", "--repetitions", "1", "--precision", "0.01%", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
    *("--time-budget", "1s", "--runtimes", "onnxruntime"),
)


@pytest.fixture(scope="module")
def phones() -> Iterator[StandIn]:
    with standing_in(has_another_beside=True) as phones:
        await_that(
            lambda: [each.state for each in phones.server.listed()] == [READY, READY],
            f"{BESIDE} is not there",
        )
        yield phones


def test_of_two_phones_at_a_hub_one_measures_at_a_time(
    phones: StandIn, kit_folder: Path, tmp_path: Path
) -> None:
    with running_controller(tmp_path / "controller") as (_controller, address):
        file = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "petals.onnx")
        added = edgerank("models", "add", "petals", "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        told = ("--controller", address, "--state", str(tmp_path / "bridge"))
        brought = ("--adb", "all", "--one-per-hub", "--runner-folder", str(kit_folder))
        with running("agent", *told, *brought, environment=phones.environment) as agent:
            agent.output.wait_for(f"connected to .* as {NAME}")
            agent.output.wait_for(f"connected to .* as {NAME_BESIDE}")
            asked = ("sweep", "--models", "petals", "--devices", f"{NAME},{NAME_BESIDE}", *SHORT)
            at_once = []
            with running(*asked, "--controller", address) as sweep:
                while sweep.process.poll() is None:
                    # Each sees the processes of both.
                    at_once.append(len(phones.phone.run("pidof edgerank-runner").text.split()))
                assert sweep.process.wait() == 0, sweep.output.lines
        results = edgerank("results", "--json", address=address)
    assert max(at_once) == 1
    measured = {each["device"]: each["verdict"] for each in json.loads(results.stdout)}
    assert measured.keys() == {NAME, NAME_BESIDE}
    assert "failed" not in measured.values()
