"""A phone is a device of the fleet: it joins, measures, goes and comes back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agent.bridge.adb.server import PhoneAway
from tests.integration.access.conftest import guarded_controller
from tests.integration.bridge.standing_in import NAME, SERIAL, StandIn, await_that
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import Running, edgerank, running, running_controller

QUICK = (
    *("--weights", "synthetic", "--repetitions", "1", "--precision", "0.01%", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that knows one small network."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_controller(folder / "controller") as (_controller, told):
        file = save_onnx(onnx_network(FIXED_SHAPE), folder / "petals.onnx")
        added = edgerank("models", "add", "petals", "--onnx", str(file), address=told)
        assert added.returncode == 0, added.stderr
        yield told


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the bridge keeps, so that the phone is one device all the time."""
    return tmp_path_factory.mktemp("bridge")


@contextmanager
def bridge(
    address: str, stand_in: StandIn, kit_folder: Path, state: Path, *options: str, adb: str = SERIAL
) -> Iterator[Running]:
    named = ("--controller", address, "--state", str(state), "--adb", adb)
    brought = ("--runner-folder", str(kit_folder))
    with running("agent", *named, *brought, *options, environment=stand_in.environment) as agent:
        yield agent


def devices(address: str) -> dict[str, Any]:
    listed = json.loads(edgerank("devices", "--json", address=address).stdout)
    return {each["name"]: each for each in listed}


def is_connected(address: str) -> bool:
    return bool(devices(address).get(NAME, {}).get("connected"))


def test_a_sweep_is_measured_on_a_phone_that_went_meanwhile(
    address: str, stand_in: StandIn, kit_folder: Path, state: Path, tmp_path: Path
) -> None:
    with bridge(address, stand_in, kit_folder, state) as agent:
        agent.output.wait_for(f"connected to .* as {NAME} .onnxruntime 1")
        asked = ("--models", "petals", "--devices", NAME, *QUICK, "--time-budget", "4s")
        with running("sweep", *asked, "--controller", address) as sweep:
            agent.output.wait_for("measuring")
            await_that(lambda: runs(stand_in), "no runner runs")
            stand_in.happen("unplug")
            agent.output.wait_for(f"{SERIAL} is not plugged in")
            await_that(lambda: not is_connected(address), "the phone has not left the fleet")
            stand_in.happen("plug")
            assert sweep.process.wait(timeout=120) == 0, sweep.output.lines
    exported = tmp_path / "all.json"
    assert edgerank("export", str(exported), address=address).returncode == 0
    # One, and with figures. How far they can be trusted is this machine's to say: its other load
    # decides.
    (figure,) = json.loads(exported.read_text())
    assert (figure["backbone"], figure["device"]) == ("petals", NAME)
    assert figure["verdict"] != "failed"


def runs(stand_in: StandIn) -> bool:
    return stand_in.phone.run("pidof edgerank-runner").code == 0


def test_a_phone_that_starts_anew_or_hangs_is_served_again(
    address: str, stand_in: StandIn, kit_folder: Path, state: Path
) -> None:
    revive = f"echo $EDGERANK_SERIAL >{state}/cycled && echo go >{stand_in.data}/control"
    options = ("--pulse", "1", "--power-cycle", revive)
    with bridge(address, stand_in, kit_folder, state, *options, adb="") as agent:
        await_times(agent, 1)
        # adbd ends, and is started again by the phone.
        with suppress(PhoneAway):
            stand_in.phone.run("kill -KILL $PPID")
        await_times(agent, 2)
        stand_in.happen("stop")
        agent.output.wait_for("hangs: it answers nothing though adb calls it ready")
        await_times(agent, 3)
    assert (state / "cycled").read_text() == f"{SERIAL}\n"


def await_times(agent: Running, times: int) -> None:
    """Wait until the phone was connected so often."""

    def connected() -> bool:
        return sum(f"as {NAME}" in line for line in agent.output.lines) >= times

    await_that(connected, f"the phone is not served again: {agent.output.lines}")


def test_all_phones_are_served_as_they_come_and_go(
    address: str, stand_in: StandIn, kit_folder: Path, state: Path
) -> None:
    stand_in.happen("unplug")
    stand_in.await_state("")
    with bridge(address, stand_in, kit_folder, state, "--one-per-hub", adb="all") as agent:
        stand_in.happen("plug")
        agent.output.wait_for(f"connected to .* as {NAME}")
        assert agent.stop() == 0
    assert not is_connected(address)


def test_deploying_to_a_phone_is_one_command(
    stand_in: StandIn, kit_folder: Path, tmp_path: Path
) -> None:
    told: tuple[str, ...] = ("--runner-folder", str(kit_folder))
    told += ("--state", str(tmp_path / "bridge"), "--screen", "off", "--label", "room=lab")
    with guarded_controller(tmp_path) as fleet:
        told += ("--controller", fleet.local, "--address", fleet.address)
        # By a token, and then by what came of it.
        for _ in range(2):
            with running(
                "deploy", "adb", SERIAL, *told, environment=stand_in.environment
            ) as deployed:
                deployed.output.wait_for(f"connected to {fleet.fleet_address} as {NAME}")
                (device,) = devices(fleet.local).values()
                assert device["name"] == NAME
                assert device["labels"] == {"room": "lab", "screen": "off"}
                assert deployed.stop() == 0
        assert not is_connected(fleet.local)


def test_one_that_is_named_and_not_there_is_told(
    address: str, stand_in: StandIn, kit_folder: Path, tmp_path: Path
) -> None:
    with bridge(address, stand_in, kit_folder, tmp_path, adb="0123456789") as agent:
        agent.output.wait_for(
            f"error: no phone 0123456789 hangs on this computer: adb sees {SERIAL}"
        )
        assert agent.process.wait(timeout=60) == 2
