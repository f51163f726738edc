"""What the kernel tells is told on; what it does not tell, or lies about, is unknown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.device.state import read_device_state
from agent.device.throttling import _FIRMWARE
from protos.device import Battery, CpuClock, DeviceState, PowerReading, Temperature, ThrottleCounter
from tests.unit.agent.trees import CPU, PC, PHONE, RASPBERRY_PI, cores, plant


def read(tmp_path: Path, files: Mapping[str, str]) -> DeviceState:
    return read_device_state(plant(tmp_path, files), now_unix_ms=lambda: 1_234)


def test_a_raspberry_pi_tells_its_state_and_its_firmwares_limits(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, RASPBERRY_PI) == DeviceState(
        taken_at_unix_ms=1_234,
        clocks=tuple(
            CpuClock(cpu=cpu, governor="ondemand", frequency_khz=1_500_000) for cpu in range(4)
        ),
        temperatures=(Temperature(zone="thermal_zone0:cpu-thermal", celsius=48.686),),
        load_average=0.0,
        throttle_counters=tuple(
            ThrottleCounter(name=f"get_throttled {limit}", count=count)
            for limit, count in (
                ("under-voltage", 0),
                ("frequency capped", 1),
                ("throttled", 1),
                ("soft temperature limit", 0),
            )
        ),
        active_limits=("frequency capped",),
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


def test_a_phone_is_kept_slow_by_what_cools_its_processor_and_not_by_its_charger(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, PHONE).active_limits == ("cooling_device1:thermal-cpufreq-2",)


@pytest.mark.parametrize(
    ("millidegrees", "told"),
    [
        # A governor that begins to look, at the lower trip point, does not slow down yet.
        ("94900", ()),
        ("95000", ("thermal_zone0:cpu-0-0-usr at 95 °C or more",)),
        ("101000", ("thermal_zone0:cpu-0-0-usr at 95 °C or more",)),
    ],
)
def test_a_phone_that_is_hot_enough_to_be_slowed_down_says_so(
    tmp_path: Path, millidegrees: str, told: tuple[str, ...]
) -> None:
    hot = {"sys/class/thermal/thermal_zone0/temp": millidegrees}
    cooling = {"sys/class/thermal/cooling_device1/cur_state": "0"}
    assert read(tmp_path, PHONE | hot | cooling).active_limits == told


def test_a_pc_at_its_critical_temperature_is_slowed_down(tmp_path: Path) -> None:
    hot = {"sys/class/hwmon/hwmon3/temp1_input": "100000\n"}
    assert read(tmp_path, PC).active_limits == ()
    assert read(tmp_path, PC | hot).active_limits == (
        "hwmon3:coretemp:Package id 0 at 100 °C or more",
    )


@pytest.mark.parametrize("lie", ["", "0", "-1", "25000", "999999999", "hot", "2147483647"])
def test_a_trip_point_that_cannot_be_one_limits_nothing(tmp_path: Path, lie: str) -> None:
    zone = "sys/class/thermal/thermal_zone0"
    files = {f"{zone}/trip_point_{at}_temp": lie for at in range(2)}
    hot = {f"{zone}/temp": "100000", "sys/class/thermal/cooling_device1/cur_state": "0"}
    assert read(tmp_path, PHONE | hot | files).active_limits == ()


def test_a_battery_beyond_its_trip_point_does_not_slow_the_processor_down(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone0"
    files = {
        f"{zone}/type": "battery",
        f"{zone}/temp": "60000",
        f"{zone}/trip_point_0_type": "passive",
        f"{zone}/trip_point_0_temp": "55000",
    }
    assert read(tmp_path, files).active_limits == ()


def test_a_phone_tells_battery_and_power(tmp_path: Path) -> None:
    state = read(tmp_path, PHONE)
    assert state.battery == Battery(charge_percent=83, status="Discharging")
    assert state.power == (PowerReading(source="battery", watts=2.048),)


def test_a_pc_tells_counters_sensors_energy_and_its_own_battery(tmp_path: Path) -> None:
    state = read(tmp_path, PC)
    assert state.throttle_counters == (
        ThrottleCounter(name="cpu0 core_throttle_count", count=17),
        ThrottleCounter(name="cpu0 package_throttle_count", count=123),
        ThrottleCounter(name="cpu1 core_throttle_count", count=4),
        ThrottleCounter(name="cpu1 package_throttle_count", count=123),
    )
    assert state.temperatures == (Temperature(zone="hwmon3:coretemp:Package id 0", celsius=57.0),)
    assert state.battery == Battery(charge_percent=97, status="Charging")
    assert state.power == (
        PowerReading(source="intel-rapl:0 package-0", energy_uj=63_241_878_945),
        PowerReading(source="hwmon5 power1", watts=7.012),
    )


def test_an_under_voltage_alarm_is_a_limit(tmp_path: Path) -> None:
    alarm = {"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    limits = read(tmp_path, RASPBERRY_PI | alarm).active_limits
    assert limits == ("frequency capped", "under-voltage alarm")


@pytest.mark.parametrize("lie", ["", "-2", "throttled", "ffffffffffffffffffff", "2 2", "0x"])
def test_firmware_that_says_something_else_says_nothing(tmp_path: Path, lie: str) -> None:
    state = read(tmp_path, RASPBERRY_PI | {f"sys/{_FIRMWARE}": lie})
    assert (state.throttle_counters, state.active_limits) == ((), ())


@pytest.mark.parametrize("lie", ["-1", "20", "3.5", "many"])
def test_a_cooling_device_in_a_state_that_it_has_not_limits_nothing(
    tmp_path: Path, lie: str
) -> None:
    cooling = {"sys/class/thermal/cooling_device1/cur_state": lie}
    assert read(tmp_path, PHONE | cooling).active_limits == ()


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
