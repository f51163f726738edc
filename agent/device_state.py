"""The device at one moment, as /proc and /sys tell it. What they do not tell stays unknown."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.domain import CpuClock, DeviceState, Temperature
from agent.kernel_files import Roots, entries, numbered, online_cpus, read_text, read_whole
from agent.power import battery, power_readings
from agent.throttling import active_limits, throttle_counters
from agent.topology import FASTEST_KHZ, SLOWEST_KHZ

# A sensor that is off or broken says 0, -274000 or a number without the unit that the kernel
# promises (thousandths of a degree); no working device is colder or hotter than these.
_COLDEST_MILLIDEGREES = -40_000
_HOTTEST_MILLIDEGREES = 150_000
_LEAST_MILLIDEGREES = 1_000
# Sensors of processors. Others cost more to read than they tell: a solid-state disk's wakes it.
_CPU_SENSORS = frozenset({"coretemp", "k10temp", "zenpower", "via_cputemp", "scpi_sensors"})


def read_device_state(roots: Roots, now_unix_ms: Callable[[], int]) -> DeviceState:
    """What the kernel tells of this moment."""
    return DeviceState(
        taken_at_unix_ms=now_unix_ms(),
        clocks=_clocks(roots.sys),
        temperatures=_temperatures(roots.sys),
        load_average=_load_average(roots.proc),
        throttle_counters=throttle_counters(roots.sys),
        active_limits=active_limits(roots.sys),
        battery=battery(roots.sys),
        power=power_readings(roots.sys),
    )


def _clocks(sys_root: Path) -> tuple[CpuClock, ...]:
    clocks = (
        CpuClock(
            cpu=number,
            governor=read_text(folder / "cpufreq" / "scaling_governor") or None,
            frequency_khz=read_whole(
                folder / "cpufreq" / "scaling_cur_freq", SLOWEST_KHZ, FASTEST_KHZ
            ),
        )
        for number, folder in online_cpus(sys_root)
    )
    return tuple(clock for clock in clocks if clock.governor or clock.frequency_khz)


def _temperatures(sys_root: Path) -> tuple[Temperature, ...]:
    temperatures = []
    for _, zone in numbered(sys_root / "class/thermal", "thermal_zone"):
        celsius = _celsius(zone / "temp")
        if celsius is not None:
            kind = read_text(zone / "type")
            # Zones of one kind occur twice; the folder's name tells them apart.
            name = f"{zone.name}:{kind}" if kind else zone.name
            temperatures.append(Temperature(zone=name, celsius=celsius))
    return (*temperatures, *_sensor_temperatures(sys_root))


def _sensor_temperatures(sys_root: Path) -> Iterator[Temperature]:
    """Those of processors whose driver makes no thermal zone."""
    for _, sensor in numbered(sys_root / "class/hwmon", "hwmon"):
        driver = read_text(sensor / "name")
        if driver not in _CPU_SENSORS:
            continue
        for place in entries(sensor):
            celsius = _celsius(place) if re.fullmatch("temp[0-9]+_input", place.name) else None
            if celsius is not None:
                at = place.name.removesuffix("_input")
                label = read_text(sensor / f"{at}_label")
                name = f"{sensor.name}:{driver}:{label or at}"
                yield Temperature(zone=name, celsius=celsius)


def _celsius(path: Path) -> float | None:
    millidegrees = read_whole(path, _COLDEST_MILLIDEGREES, _HOTTEST_MILLIDEGREES)
    if millidegrees is None or abs(millidegrees) < _LEAST_MILLIDEGREES:
        return None
    return millidegrees / 1_000


def _load_average(proc_root: Path) -> float | None:
    load = re.match(r"[0-9]{1,6}\.[0-9]{1,6}(?= )", read_text(proc_root / "loadavg") or "")
    return float(load[0]) if load else None
