"""What the kernel tells is told on; what it does not tell, or lies about, is unknown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.device_state import read_device_state
from agent.domain import CpuClock, DeviceState, Temperature
from tests.unit.agent.trees import CPU, PHONE, RASPBERRY_PI, cores, plant


def read(tmp_path: Path, files: Mapping[str, str]) -> DeviceState:
    return read_device_state(plant(tmp_path, files), now_unix_ms=lambda: 1_234)


def test_a_raspberry_pi_tells_clock_temperature_and_load(tmp_path: Path) -> None:
    assert read(tmp_path, RASPBERRY_PI) == DeviceState(
        taken_at_unix_ms=1_234,
        clocks=tuple(
            CpuClock(cpu=cpu, governor="ondemand", frequency_khz=1_500_000) for cpu in range(4)
        ),
        temperatures=(Temperature(zone="thermal_zone0:cpu-thermal", celsius=48.686),),
        load_average=0.0,
    )


def test_cores_come_in_order_and_a_stopped_clock_or_core_is_unknown(tmp_path: Path) -> None:
    lies = ("0", "-1785600", "1000000000000", "fast", "٣", "9" * 5_000)
    files = {f"{CPU}/cpu{at}/cpufreq/scaling_cur_freq": lie for at, lie in enumerate(lies)}
    off = {f"{CPU}/cpu9/online": "0\n", f"{CPU}/cpu9/cpufreq/scaling_cur_freq": "1000000\n"}
    good = cores([10], 3_000_000, scaling_cur_freq="2841600")
    governor = {f"{CPU}/cpu2/cpufreq/scaling_governor": "performance\n"}
    assert read(tmp_path, files | off | good | governor).clocks == (
        CpuClock(cpu=2, governor="performance", frequency_khz=None),
        CpuClock(cpu=10, governor=None, frequency_khz=2_841_600),
    )


def test_sensors_that_lie_are_left_out_and_those_of_one_kind_told_apart(tmp_path: Path) -> None:
    assert read(tmp_path, PHONE).temperatures == (
        Temperature(zone="thermal_zone0:cpu-0-0-usr", celsius=41.3),
        Temperature(zone="thermal_zone10:cpu-0-0-usr", celsius=-2.5),
    )


def test_a_zone_without_a_type_keeps_its_folders_name(tmp_path: Path) -> None:
    state = read(tmp_path, {"sys/class/thermal/thermal_zone0/temp": "40000"})
    assert state.temperatures == (Temperature(zone="thermal_zone0", celsius=40.0),)


def test_a_kernel_that_tells_nothing_gives_an_empty_state(tmp_path: Path) -> None:
    assert read(tmp_path, {}) == DeviceState(taken_at_unix_ms=1_234)


@pytest.mark.parametrize("rubbish", ["", "nan 0 0", "-1 0 0", "\0\0", "load"])
def test_a_load_that_is_no_number_is_unknown(tmp_path: Path, rubbish: str) -> None:
    assert read(tmp_path, {"proc/loadavg": rubbish}).load_average is None


def test_an_unreadable_file_is_unknown(tmp_path: Path) -> None:
    # Reading a folder fails for every user, root included.
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").mkdir(parents=True)
    (tmp_path / "proc/loadavg").mkdir(parents=True)
    (tmp_path / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").mkdir(parents=True)
    assert read(tmp_path, {}) == DeviceState(taken_at_unix_ms=1_234)
