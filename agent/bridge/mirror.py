"""The phone's files of /proc and /sys, brought here for the readers that a device's own agent has.

One command reads many files. What the shell may not read is absent, as it is for an agent that may
not read it; battery and temperatures are then asked of Android.
"""

import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.bridge.adb.server import NoAdbServer, PhoneAway
from agent.bridge.phone import Phone
from agent.bridge.told import (
    RUNNER,
    battery_files,
    files_of_lines,
    properties_file,
    thermal_files,
)
from agent.clock import now_unix_ms
from agent.device.accelerators import OF_PHONES
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from protos.device import DeviceState
from protos.log_lines import event_log

log = event_log(__name__)

_CPU: Final = "/sys/devices/system/cpu/cpu[0-9]*"
_ONCE: Final = (
    *("/proc/cpuinfo", "/proc/self/status", "/proc/sys/kernel/ostype", "/etc/os-release"),
    *("/sys/devices/soc0/soc_id", "/sys/devices/soc0/family", "/sys/devices/soc0/machine"),
    f"{_CPU}/cpu_capacity",
    f"{_CPU}/cpufreq/cpuinfo_max_freq",
    *(f"{_CPU}/cache/index*/{name}" for name in ("level", "type", "size", "shared_cpu_list")),
    *("/sys/class/thermal/*/type", "/sys/class/thermal/thermal_zone*/trip_point_*"),
    *("/sys/class/thermal/cooling_device*/max_state", "/sys/class/power_supply/*/type"),
    *("/sys/class/power_supply/*/scope", "/sys/class/hwmon/*/name"),
)
# The processor's time comes last: what reads it takes some.
_ALWAYS: Final = (
    *("/proc/meminfo", "/proc/loadavg", f"{_CPU}/online"),
    *(f"{_CPU}/cpufreq/{name}" for name in ("scaling_governor", "scaling_cur_freq")),
    *("/sys/class/thermal/thermal_zone*/temp", "/sys/class/thermal/cooling_device*/cur_state"),
    *(
        f"/sys/class/power_supply/*/{name}"
        for name in ("capacity", "status", "power_now", "current_now", "voltage_now")
    ),
    *("/sys/class/powercap/*/name", "/sys/class/powercap/*/energy_uj"),
    *("/proc/$runner/task/*/stat", "/proc/$runner/task/*/schedstat", "/proc/stat"),
)
# Strings of a device tree end in a NUL, which no line of grep's has.
_TREE: Final = ("/proc/device-tree/model", "/proc/device-tree/compatible")
_READ: Final = "runner=$(pidof -s edgerank-runner); grep -sH '' "


@dataclass(frozen=True, kw_only=True)
class MirrorRoots(Roots):
    """The files of a phone, as they were when they were brought last."""

    mirror: "Mirror"
    own = False

    def refresh(self) -> None:
        """Bring those that change; where the phone is away, it tells nothing."""
        self.mirror.refresh()

    def process(self, pid: int) -> Path:
        """The files of the runner that runs, whatever number its relay has here."""
        del pid
        return self.top / RUNNER


@dataclass
class Mirror:
    """A folder with a phone's files.

    Attributes:
        phone: whose.
        top: the folder, ours alone; whatever was in it goes.
    """

    phone: Phone
    top: Path
    _dumped: frozenset[str] = frozenset()
    _lasting: Mapping[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def roots(self) -> MirrorRoots:
        """The files as the device's readers want them."""
        return MirrorRoots(top=self.top, mirror=self)

    def begin(self) -> None:
        """Bring what never changes, too, and find out what only Android tells.

        Raises:
            PhoneAway: the phone is not there.
        """
        lasting = files_of_lines(self.phone.run(_READ + " ".join(_ONCE)).text)
        for path in _TREE:
            read = self.phone.run(f"cat {path}")
            if read.code == 0:
                lasting[path.removeprefix("/")] = read.text
        found = self.phone.run(f"ls -d {' '.join(f'/{each}' for each in OF_PHONES)}").text.split()
        lasting |= dict.fromkeys((each for each in OF_PHONES if f"/{each}" in found), "")
        lasting["system/build.prop"] = properties_file(self.phone.run("getprop").text)
        self._lasting = lasting
        told = files_of_lines(self.phone.run(_READ + " ".join(_ALWAYS)).text)
        wanted = {"battery": "/capacity", "thermalservice": "/temp"}
        self._dumped = frozenset(
            service
            for service, ending in wanted.items()
            if not any(path.endswith(ending) and path.startswith("sys/class") for path in told)
        )
        self._lay(told)

    def lasting(self) -> Mapping[str, str]:
        """What never changes, by path."""
        return self._lasting

    def refresh(self) -> None:
        """Bring what changes; nothing of it is there where the phone is away."""
        try:
            told = files_of_lines(self.phone.run(_READ + " ".join(_ALWAYS)).text)
            if "battery" in self._dumped:
                told |= battery_files(self.phone.run("dumpsys battery").text)
            if "thermalservice" in self._dumped:
                told |= thermal_files(self.phone.run("dumpsys thermalservice").text)
        except (PhoneAway, NoAdbServer) as error:
            log.warning("the phone tells nothing", phone=self.phone.serial, error=error)
            told = {}
        self._lay(told)

    def state(self) -> DeviceState:
        """The phone's state now."""
        self.refresh()
        return read_device_state(self.roots, now_unix_ms)

    def _lay(self, told: Mapping[str, str]) -> None:
        """Let the folder hold this and what lasts, and nothing else."""
        with self._lock:
            beside = self.top.with_name(f"{self.top.name}.new")
            shutil.rmtree(beside, ignore_errors=True)
            for path, text in {**self._lasting, **told}.items():
                place = beside / path
                # What is a file and a folder at once is neither.
                with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(text, encoding="utf-8")
            shutil.rmtree(self.top, ignore_errors=True)
            beside.rename(self.top)
