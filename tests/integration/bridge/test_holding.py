"""A phone is held as a measurement wants it, and what it tells in /sys is read there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.bridge.holding import Holding
from agent.bridge.mirror import Mirror
from agent.bridge.phone import FOLDER
from agent.device.state import read_device_state
from agent.device.topology import core_clusters
from agent.measuring.supervision import Cancellation, MeasuringFailed
from tests.integration.bridge.standing_in import StandIn, standing_in
from tests.unit.agent.trees import PHONE

POLICY = "devices/system/cpu/cpufreq/policy0"


@pytest.fixture(scope="module")
def recorded() -> Iterator[StandIn]:
    """A phone whose /sys is that of a Mi 9T Pro."""
    files = {path[4:]: text for path, text in PHONE.items() if path.startswith("sys/")}
    files[f"{POLICY}/scaling_governor"] = "schedutil\n"
    files[f"{POLICY}/scaling_available_governors"] = "powersave performance schedutil\n"
    with standing_in(files) as phone:
        yield phone


def test_a_state_is_read_from_the_files_of_the_phone(recorded: StandIn, tmp_path: Path) -> None:
    mirror = Mirror(recorded.phone, tmp_path / "mirror")
    mirror.begin()
    state = read_device_state(mirror.roots, lambda: 1)
    assert {each.zone for each in state.temperatures} >= {"thermal_zone0:cpu-0-0-usr"}
    assert state.battery is not None
    assert state.battery.charge_percent == 83
    assert [each.frequency_khz for each in state.clocks][-1] == 2_841_600
    assert [len(each.cpus) for each in core_clusters(mirror.roots.sys)] == [1, 3, 4]
    # What the kernel tells, Android is not asked for.
    assert "dumpsys" not in recorded.calls()


def test_the_governor_is_held_and_set_back(recorded: StandIn) -> None:
    path = recorded.data / "recorded/sys" / POLICY / "scaling_governor"
    holding = Holding(phone=recorded.phone, root=True)
    with holding(Cancellation()):
        assert path.read_text() == "performance\n"
    assert path.read_text() == "schedutil\n"
    # Of a bridge that was killed, the next one sets it back.
    path.write_text("performance\n")
    recorded.phone.run(f"echo /sys/{POLICY} schedutil >{FOLDER}/governors")
    holding.restore()
    assert path.read_text() == "schedutil\n"


def test_a_phone_that_waits_for_its_turn_can_be_cancelled(recorded: StandIn) -> None:
    turn, cancellation = threading.Lock(), Cancellation()
    holding = Holding(phone=recorded.phone, turn=turn)
    with holding(cancellation):
        assert turn.locked()
    cancellation.cancel()
    with turn, pytest.raises(MeasuringFailed), holding(cancellation):
        pass
    assert not turn.locked()
