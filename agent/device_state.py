"""The device at one moment, as /proc and /sys tell it. What they do not tell stays unknown."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.domain import CpuClock, DeviceState, Temperature

# A sensor that is off or broken says 0, -274000 or a number without the unit that the kernel
# promises (thousandths of a degree); no working device is colder or hotter than these.
_COLDEST_CELSIUS = -40.0
_HOTTEST_CELSIUS = 150.0
_LEAST_MILLIDEGREES = 1_000


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Where the kernel's and the system's files are."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    etc: Path = Path("/etc")


def read_device_state(roots: Roots, now_unix_ms: Callable[[], int]) -> DeviceState:
    """The clocks, temperatures and load at this moment."""
    return DeviceState(
        taken_at_unix_ms=now_unix_ms(),
        clocks=_clocks(roots.sys),
        temperatures=_temperatures(roots.sys),
        load_average=_load_average(roots.proc),
    )


def read_text(path: Path) -> str | None:
    """The file's text without surrounding blanks, or None when it cannot be read."""
    try:
        # Device-tree strings end in a NUL.
        return path.read_text(encoding="utf-8", errors="replace").strip(" \t\n\0")
    except OSError:
        return None


def _read_int(path: Path) -> int | None:
    text = read_text(path)
    if text is None or not re.fullmatch(r"-?\d+", text):
        return None
    return int(text)


def _numbered(folder: Path, prefix: str) -> list[tuple[int, Path]]:
    """The entries `<prefix><number>` of a folder, by number."""
    matches = ((re.fullmatch(rf"{prefix}(\d+)", entry.name), entry) for entry in _entries(folder))
    return sorted((int(match[1]), entry) for match, entry in matches if match)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _clocks(sys_root: Path) -> tuple[CpuClock, ...]:
    clocks = (
        CpuClock(
            cpu=number,
            governor=read_text(folder / "cpufreq" / "scaling_governor") or None,
            frequency_khz=_frequency_khz(folder / "cpufreq"),
        )
        for number, folder in _numbered(sys_root / "devices/system/cpu", "cpu")
    )
    return tuple(clock for clock in clocks if clock.governor or clock.frequency_khz)


def _frequency_khz(cpufreq: Path) -> int | None:
    frequency = _read_int(cpufreq / "scaling_cur_freq")
    return frequency if frequency is not None and frequency > 0 else None


def _temperatures(sys_root: Path) -> tuple[Temperature, ...]:
    temperatures = []
    for _, zone in _numbered(sys_root / "class/thermal", "thermal_zone"):
        millidegrees = _read_int(zone / "temp")
        if millidegrees is None or abs(millidegrees) < _LEAST_MILLIDEGREES:
            continue
        celsius = millidegrees / 1_000
        if _COLDEST_CELSIUS <= celsius <= _HOTTEST_CELSIUS:
            kind = read_text(zone / "type")
            # Zones of one kind occur twice; the folder's name tells them apart.
            name = f"{zone.name}:{kind}" if kind else zone.name
            temperatures.append(Temperature(zone=name, celsius=celsius))
    return tuple(temperatures)


def _load_average(proc_root: Path) -> float | None:
    words = (read_text(proc_root / "loadavg") or "").split()
    try:
        load = float(words[0])
    except (IndexError, ValueError):
        return None
    return load if math.isfinite(load) and load >= 0 else None
