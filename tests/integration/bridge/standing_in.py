"""A phone on this machine: Android's own adbd, shell and commands, in namespaces of their own."""

import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agent.bridge.adb.server import READY, AdbServer, NoAdbServer, PhoneAway
from agent.bridge.phone import Phone
from tests.pages import ROOT
from tests.processes import START_TIMEOUT_S

SERIAL: Final = "127.0.0.1:5555"
NAME: Final = "Pixel-6-5555"
BESIDE: Final = "127.0.0.1:5557"
NAME_BESIDE: Final = "Pixel-6-5557"
# As a phone told it, but for its ABI.
PROPERTIES: Final = {
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.product.manufacturer": "Google",
    "ro.product.model": "Pixel 6",
    "ro.soc.manufacturer": "Google",
    "ro.soc.model": "Tensor",
}
BATTERY: Final = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  status: 3
  present: true
  level: 87
  scale: 100
  voltage: 4188
  temperature: 291
"""
THERMAL: Final = """\
IsStatusOverride: false
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=99.0, mType=3, mName=stale, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
\tTemperature{mValue=41.5, mType=0, mName=cpu-0, mStatus=0}
\tTemperature{mValue=29.1, mType=2, mName=battery, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""


@dataclass(frozen=True)
class StandIn:
    """A phone that hangs on an adb server of its own.

    Attributes:
        socket: where the server answers.
        data: the phone's /data.
        process_id: of what is in its network.
    """

    socket: Path
    data: Path
    process_id: int

    @property
    def server(self) -> AdbServer:
        return AdbServer(str(self.socket), None)

    @property
    def phone(self) -> Phone:
        return Phone(self.server, SERIAL)

    @property
    def environment(self) -> Mapping[str, str]:
        """By which `edgerank agent` finds the server."""
        return {"ADB_SERVER_SOCKET": f"localfilesystem:{self.socket}"}

    def happen(self, word: str) -> None:
        """Unplug it, plug it in, stop its adbd or let that go on."""
        (self.data / "control").write_text(f"{word}\n")

    def calls(self) -> str:
        """What Android's own commands were told."""
        path = self.data / "recorded/calls"
        return path.read_text() if path.exists() else ""

    def await_state(self, state: str) -> None:
        """Wait until adb calls it that; empty is not there."""

        def found() -> bool:
            try:
                states = {each.serial: each.state for each in self.server.listed()}
            except (NoAdbServer, PhoneAway):
                return False
            return states.get(SERIAL, "") == state

        await_that(found, f"the phone is not {state or 'gone'}")


def await_that(test: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds, or fail."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not test():
        assert time.monotonic() < deadline_s, otherwise
        time.sleep(0.05)


def tool(name: str, *arguments: str) -> str:
    """What one of the maintainers' tools prints: where it has put something."""
    command = [str(ROOT / "tools" / name), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _record(data: Path, abi: str) -> None:
    """What a phone with such programs keeps, and tells of itself."""
    (data / "local/tmp").mkdir(parents=True)
    recorded = data / "recorded"
    recorded.mkdir()
    told = PROPERTIES | {"ro.product.cpu.abi": abi}
    properties = "".join(f"[{name}]: [{value}]\n" for name, value in told.items())
    (recorded / "getprop").write_text(properties)
    (recorded / "dumpsys.battery").write_text(BATTERY)
    (recorded / "dumpsys.thermalservice").write_text(THERMAL)


@contextmanager
def standing_in(
    sys: Mapping[str, str] = MappingProxyType({}),
    userland: Path | None = None,
    *,
    has_another_beside: bool = False,
) -> Iterator[StandIn]:
    """A phone that is plugged in.

    Args:
        sys: the files of its /sys, by path; none are this machine's.
        userland: by which it runs programs of aarch64, slowly; without one it runs this machine's.
        has_another_beside: whether `BESIDE`, alike but for its storage, hangs on the same server.
    """
    # A socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="phone-"))
    data, beside = folder / "data", folder / "beside"
    for each in (data, *((beside,) if has_another_beside else ())):
        _record(each, "arm64-v8a" if userland else platform.machine())
    for path, text in sys.items():
        place = data / "recorded/sys" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    log = folder / "log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            [
                *(tool("phones/stand-in"), folder / "adb", data, userland or ""),
                beside if has_another_beside else "",
            ],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
    stand_in = StandIn(folder / "adb", data, process.pid)
    try:
        stand_in.await_state(READY)
        yield stand_in
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
