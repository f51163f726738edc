"""The device at one moment, as /proc and /sys tell it. What they do not tell stays unknown."""

import re
from collections.abc import Callable
from pathlib import Path

from agent.device.cpu_quota import cpu_quota, quota_counts
from agent.device.kernel_files import Roots, online_cpus, read_text, read_whole
from agent.device.power import battery, power_readings
from agent.device.temperatures import read_zones, too_hot
from agent.device.throttling import active_limits, throttle_counters
from agent.device.topology import FASTEST_KHZ, SLOWEST_KHZ
from protos.device import CpuClock, DeviceState


def read_device_state(roots: Roots, now_unix_ms: Callable[[], int]) -> DeviceState:
    """What the kernel tells of this moment."""
    zones = read_zones(roots.sys)
    period_count, throttled_count = quota_counts(cpu_quota(roots))
    return DeviceState(
        taken_at_unix_ms=now_unix_ms(),
        clocks=_clocks(roots.sys),
        temperatures=tuple(zone.temperature for zone in zones),
        load_average=_load_average(roots.proc),
        throttle_counters=throttle_counters(roots.sys),
        active_limits=(*active_limits(roots.sys), *too_hot(zones)),
        battery=battery(roots.sys),
        power=power_readings(roots.sys),
        quota_period_count=period_count,
        quota_throttled_count=throttled_count,
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


def _load_average(proc_root: Path) -> float | None:
    load = re.match(r"[0-9]{1,6}\.[0-9]{1,6}(?= )", read_text(proc_root / "loadavg") or "")
    return float(load[0]) if load else None
