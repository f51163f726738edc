"""What an application would see on a phone: inference on a clock, and what that takes of power."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.bridge.standing_in import NAME, SERIAL, StandIn, standing_in
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.processes import edgerank, running, running_controller

NETWORK: Final = "petals"
BATTERY: Final = "class/power_supply/battery"
WATTS: Final = 2.048
# As the drivers of phones tell it: of the sign of a current no two think alike.
SYS: Final = {
    f"{BATTERY}/type": "Battery\n",
    f"{BATTERY}/capacity": "83\n",
    f"{BATTERY}/status": "Discharging\n",
    f"{BATTERY}/current_now": "-512000\n",
    f"{BATTERY}/voltage_now": "4000000\n",
}
ASKED: Final = (
    *("--weights", "synthetic", "--repetitions", "1", "--precision", "0.01%", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
    # Within it a reading of the phone's power has to begin and end, on a busy machine, too.
    *("--time-budget", "9s", "--runtimes", "onnxruntime"),
)


@pytest.fixture(scope="module")
def phone() -> Iterator[StandIn]:
    with standing_in(SYS) as phone:
        yield phone


@pytest.fixture(scope="module")
def address(
    phone: StandIn, kit_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A controller that knows the phone and a network."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_controller(folder / "controller") as (_controller, address):
        file = save_onnx(onnx_network(FIXED_SHAPE), folder / "petals.onnx")
        added = edgerank("models", "add", NETWORK, "--onnx", str(file), address=address)
        assert added.returncode == 0, added.stderr
        told = ("--controller", address, "--state", str(folder / "bridge"), "--adb", SERIAL)
        brought = ("--runner-folder", str(kit_folder))
        with running("agent", *told, *brought, environment=phone.environment) as agent:
            agent.output.wait_for(f"connected to .* as {NAME}")
            yield address


def swept(address: str, *options: str) -> Any:
    """The figure of one more sweep."""
    sweep = ("sweep", "--models", NETWORK, "--devices", NAME, *ASKED, *options)
    done = edgerank(*sweep, address=address)
    assert done.returncode == 0, done.stderr
    listed = edgerank("results", "--json", address=address)
    return max(json.loads(listed.stdout), key=lambda each: each["measured_at_unix_ms"])


def test_on_a_clock_it_is_told_what_came_too_late_beside_the_figure_back_to_back(
    address: str,
) -> None:
    figure = swept(address, "--paced", "30fps")
    paced, back_to_back_ms = figure["paced"], figure["latency"]["median_ms"]
    assert paced["fps"] == 30
    assert paced["frame_count"] > 0
    assert paced["missed_share"] == paced["missed_count"] / paced["frame_count"]
    paced_ms = paced["latency"]["median_ms"]
    assert paced["times_back_to_back"] == pytest.approx(paced_ms / back_to_back_ms)

    (meter,) = figure["energy"]["meters"]
    assert not figure["energy"]["was_charging"]
    assert meter["source"] == "battery"
    # The battery tells the same at work as at rest, so that an inference took nothing.
    assert (meter["busy_watts"], meter["resting_watts"]) == pytest.approx((WATTS, WATTS))
    assert meter["per_inference_mj"] == pytest.approx(0, abs=1e-9)


def test_while_a_battery_is_charged_nothing_is_told_of_energy(address: str, phone: StandIn) -> None:
    (phone.data / "recorded/sys" / BATTERY / "status").write_text("Charging\n")
    assert swept(address)["energy"] == {"meters": [], "was_charging": True}
