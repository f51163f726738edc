"""What has slowed the device down, and what does so now, as the kernel and the firmware tell it."""

import re
from pathlib import Path

from agent.device.kernel_files import numbered, online_cpus, read_text, read_whole
from protos.device import ThrottleCounter

_MAX_COUNT = 2**63 - 1
# Intel's, in sysfs: events of the core's own sensor and of the package's.
_INTEL_COUNTERS = ("core_throttle_count", "package_throttle_count")
# The Raspberry Pi's firmware; the bits are those of `vcgencmd get_throttled`: now, and 16 higher
# whether it was so since the start.
_FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"
_FIRMWARE_BITS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
_EVER = 16
# Cooling devices that slow a processor down; others are fans, chargers and modems.
_CPU_COOLING = ("thermal-cpufreq", "cpufreq", "cpu-", "Processor", "thermal-cpuidle")


def throttle_counters(sys_root: Path) -> tuple[ThrottleCounter, ...]:
    """How often each reason has slowed the device down; what is no counter but sticks counts 1."""
    counters = []
    for cpu, folder in online_cpus(sys_root):
        for name in _INTEL_COUNTERS:
            count = read_whole(folder / "thermal_throttle" / name, 0, _MAX_COUNT)
            if count is not None:
                counters.append(ThrottleCounter(name=f"cpu{cpu} {name}", count=count))
    bits = _firmware_bits(sys_root)
    if bits is not None:
        counters += [
            ThrottleCounter(name=f"get_throttled {name}", count=bits >> (bit + _EVER) & 1)
            for bit, name in _FIRMWARE_BITS.items()
        ]
    return tuple(counters)


def active_limits(sys_root: Path) -> tuple[str, ...]:
    """What keeps the processor slow at this moment."""
    bits = _firmware_bits(sys_root) or 0
    firmware = [name for bit, name in _FIRMWARE_BITS.items() if bits >> bit & 1]
    return (*firmware, *_under_voltage(sys_root), *_cooling(sys_root))


def _firmware_bits(sys_root: Path) -> int | None:
    """All known bits, or None where the firmware says nothing, or something else."""
    told = re.fullmatch("(?:0x)?([0-9a-f]{1,8})", read_text(sys_root / _FIRMWARE) or "")
    if told is None:
        return None
    bits = int(told[1], 16)
    known = sum(1 << bit | 1 << (bit + _EVER) for bit in _FIRMWARE_BITS)
    return None if bits & ~known else bits


def _under_voltage(sys_root: Path) -> list[str]:
    """Newer kernels of the Raspberry Pi tell it by an alarm of their own."""
    return [
        "under-voltage alarm"
        for _, sensor in numbered(sys_root / "class/hwmon", "hwmon")
        if read_text(sensor / "name") == "rpi_volt" and read_text(sensor / "in0_lcrit_alarm") == "1"
    ]


def _cooling(sys_root: Path) -> list[str]:
    limits = []
    for _, cooler in numbered(sys_root / "class/thermal", "cooling_device"):
        kind = read_text(cooler / "type") or ""
        strongest = read_whole(cooler / "max_state", 1, 1_000)
        if not kind.startswith(_CPU_COOLING) or strongest is None:
            continue
        if read_whole(cooler / "cur_state", 1, strongest) is not None:
            limits.append(f"{cooler.name}:{kind}")
    return limits
