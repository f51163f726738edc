"""What a device takes at rest, from fake trees of /sys: no machine of ours has a meter."""

from pathlib import Path

from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from agent.measuring.resting import INTERVAL_S, LOOKS, states_at_rest
from protos.device import DeviceState, PowerReading
from tests.unit.agent.trees import plant

BATTERY = "sys/class/power_supply/battery"
DRAINED = {
    f"{BATTERY}/type": "Battery",
    f"{BATTERY}/status": "Discharging",
    f"{BATTERY}/current_now": "-400000",
    f"{BATTERY}/voltage_now": "4000000",
}
COUNTER = {
    "sys/class/powercap/intel-rapl:0/name": "package-0",
    "sys/class/powercap/intel-rapl:0/energy_uj": "123456",
}
SENSOR = {"sys/class/hwmon/hwmon0/power1_input": "2500000"}


def looked_at(roots: Roots) -> tuple[tuple[DeviceState, ...], list[float]]:
    waits: list[float] = []
    states = states_at_rest(lambda: read_device_state(roots, lambda: 0), lambda: 7, waits.append)
    return states, waits


def test_every_meter_is_read_for_about_a_second(tmp_path: Path) -> None:
    states, waits = looked_at(plant(tmp_path, DRAINED | COUNTER | SENSOR))
    assert waits == [INTERVAL_S] * (LOOKS - 1)
    assert {each.taken_at_unix_ms for each in states} == {7}
    for each in states:
        assert set(each.power) == {
            PowerReading(source="battery", watts=1.6),
            PowerReading(source="intel-rapl:0 package-0", energy_uj=123_456),
            PowerReading(source="hwmon0 power1", watts=2.5),
        }


def test_a_battery_that_is_charged_is_told_once_and_costs_no_time(tmp_path: Path) -> None:
    charged = DRAINED | {f"{BATTERY}/status": "Charging"}
    states, waits = looked_at(plant(tmp_path, charged))
    assert waits == []
    (state,) = states
    assert state.battery is not None
    assert state.battery.is_charged


def test_a_device_without_meters_spends_no_time(tmp_path: Path) -> None:
    assert looked_at(plant(tmp_path, {"sys/class/thermal/thermal_zone0/type": "cpu"})) == ((), [])
