"""What is sent to a phone over a slow link arrives whole, also where that is cut meanwhile."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.integration.bridge.link import Cable, plugged_into
from tests.integration.bridge.standing_in import StandIn, await_that
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import Running, edgerank, running, running_controller

SHORT: Final = (
    *("--weights", "synthetic", "--repetitions", "1", "--precision", "50%", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
    *("--time-budget", "300ms", "--runtimes", "onnxruntime"),
)
# Of a megabyte, and of nine: while they are sent over a slow link, a test can do something.
WIDTHS: Final = {"slowly": 16_384, "halfway": 131_072}
PART_BYTES: Final = 500_000


def wide_network(width: int) -> onnx.ModelProto:
    """The small network with a layer more, of 64 bytes of weights for each of its width."""
    model = onnx_network(FIXED_SHAPE)
    rng = np.random.default_rng(0)
    for name, shape in (("wide", (8, width)), ("narrow", (width, 8))):
        values = (rng.random(shape) / width**0.5).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    *others, last = list(model.graph.node)
    last.input[0] = "narrowed"
    del model.graph.node[:]
    widen = helper.make_node("MatMul", ["flat", "wide"], ["widened"])
    narrow = helper.make_node("MatMul", ["widened", "narrow"], ["narrowed"])
    model.graph.node.extend([*others, widen, narrow, last])
    return model


@pytest.fixture(scope="module")
def cable(stand_in: StandIn) -> Iterator[Cable]:
    with plugged_into(stand_in) as cable:
        yield cable


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that knows two large networks."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_controller(folder / "controller") as (_controller, told):
        for name, width in WIDTHS.items():
            file = save_onnx(wide_network(width), folder / f"{name}.onnx")
            added = edgerank("models", "add", name, "--onnx", str(file), address=told)
            assert added.returncode == 0, added.stderr
        yield told


@pytest.fixture(scope="module")
def bridge(
    address: str, cable: Cable, kit_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A bridge that has brought runner and library already."""
    told = ("--controller", address, "--state", str(tmp_path_factory.mktemp("bridge")))
    brought = ("--adb", cable.serial, "--runner-folder", str(kit_folder))
    environment = cable.stand_in.environment
    with running("agent", *told, *brought, environment=environment) as agent:
        agent.output.wait_for(f"connected to .* as {cable.name} .onnxruntime 1")
        yield agent


def asked(address: str, *arguments: str) -> Any:
    done = edgerank(*arguments, "--json", address=address)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_connected(address: str) -> bool:
    (device,) = asked(address, "devices")
    return bool(device["connected"])


def parts(stand_in: StandIn) -> list[Path]:
    """What has come so far of artifacts that are large."""
    found = (stand_in.data / "local/tmp/edgerank/artifacts").glob("*.part")
    return [each for each in found if each.stat().st_size > PART_BYTES]


def measured(address: str, network: str, stand_in: StandIn) -> Path:
    """Once, with a figure, of what is whole on the phone: where that is."""
    (figure,) = [each for each in asked(address, "results") if each["backbone"] == network]
    assert figure["verdict"] != "failed"
    assert figure["latency"]["median_ms"] > 0
    assert figure["outputs"]["max_relative_difference"] < figure["output_tolerance"]
    kept: Path = stand_in.data / "local/tmp/edgerank/artifacts" / figure["artifact_sha256"]
    assert sha256(kept.read_bytes()).hexdigest() == kept.name
    assert not parts(stand_in)
    return kept


def test_a_slow_phone_is_sent_all_and_stays(address: str, cable: Cable, bridge: Running) -> None:
    cable.slow_down()
    swept = edgerank(
        "sweep", "--models", "slowly", "--devices", cable.name, *SHORT, address=address
    )
    assert swept.returncode == 0, swept.stderr
    assert not [line for line in bridge.output.lines if "leaves the fleet" in line]
    measured(address, "slowly", cable.stand_in)


def test_a_phone_that_is_cut_off_meanwhile_is_gone_and_is_sent_the_rest_when_it_is_back(
    address: str, cable: Cable, bridge: Running
) -> None:
    wanted = ("--models", "halfway", "--devices", cable.name, *SHORT)
    cable.slow_down()
    with running("sweep", *wanted, "--controller", address) as sweep:
        await_that(lambda: bool(parts(cable.stand_in)), f"nothing is sent: {sweep.output.lines}")
        cable.cut()
        bridge.output.wait_for("the phone leaves the fleet")
        await_that(lambda: not is_connected(address), "the phone has not left the fleet")
        # What came stays. Held by another name, so that no new file is taken for it.
        (part,) = parts(cable.stand_in)
        begun = cable.stand_in.data / "begun"
        begun.hardlink_to(part)
        assert begun.stat().st_size < 64 * WIDTHS["halfway"]
        assert sweep.process.poll() is None
        cable.mend()
        assert sweep.process.wait(timeout=120) == 0, sweep.output.lines
    assert measured(address, "halfway", cable.stand_in).samefile(begun)
