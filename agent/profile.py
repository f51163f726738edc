"""What the device is, as /proc, /sys and /etc tell it."""

import re
import shlex
from dataclasses import dataclass

from agent.device_state import Roots, read_text
from agent.domain import DeviceProfile, RuntimeInfo

# Flags that decide which kernels an inference runtime picks, as /proc/cpuinfo spells them.
_TELLING_FLAGS = re.compile(
    r"sse4_2|avx|avx2|fma|f16c|avx_vnni|avx512\w*|amx_\w+|neon|vfpv4|asimd\w*|fphp|i8mm|bf16|sve\w*|sme2?"
)


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What the interpreter says of the host, as opposed to the files."""

    architecture: str
    system: str
    kernel_release: str
    hostname: str
    python_version: str
    agent_version: str


def read_device_profile(
    roots: Roots, host: HostFacts, runtimes: tuple[RuntimeInfo, ...]
) -> DeviceProfile:
    """The device's profile; unknown fields are empty or 0."""
    cpuinfo = _fields(read_text(roots.proc / "cpuinfo") or "")
    return DeviceProfile(
        architecture=host.architecture,
        cpu_model=_cpu_model(cpuinfo, roots),
        logical_cores=sum(key == "processor" for key, _ in cpuinfo),
        memory_bytes=_memory_bytes(roots),
        kernel=f"{host.system} {host.kernel_release}".strip(),
        operating_system=_operating_system(roots),
        hostname=host.hostname,
        python_version=host.python_version,
        agent_version=host.agent_version,
        runtimes=runtimes,
        instruction_sets=_instruction_sets(cpuinfo),
    )


def _fields(text: str) -> list[tuple[str, str]]:
    """The `key : value` lines of a /proc file, in order."""
    pairs = (line.partition(":") for line in text.splitlines())
    return [(key.strip(), value.strip()) for key, colon, value in pairs if colon]


def _cpu_model(cpuinfo: list[tuple[str, str]], roots: Roots) -> str:
    """The model's name; ARM kernels often give only the board's, in the device tree."""
    named = dict(reversed(cpuinfo))
    for key in ("model name", "Hardware", "Model", "cpu model"):
        if named.get(key):
            return named[key]
    board = read_text(roots.sys / "firmware/devicetree/base/model")
    return board or read_text(roots.proc / "device-tree/model") or ""


def _memory_bytes(roots: Roots) -> int:
    meminfo = dict(_fields(read_text(roots.proc / "meminfo") or ""))
    amount = re.fullmatch(r"(\d+) kB", meminfo.get("MemTotal", ""))
    return int(amount[1]) * 1024 if amount else 0


def _operating_system(roots: Roots) -> str:
    for line in (read_text(roots.etc / "os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return _unquoted(value)
    return ""


def _unquoted(value: str) -> str:
    """The value of an os-release line, which is quoted as in a shell."""
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return ""


def _instruction_sets(cpuinfo: list[tuple[str, str]]) -> tuple[str, ...]:
    flags: set[str] = set()
    for key, value in cpuinfo:
        if key in ("flags", "Features"):
            flags.update(value.split())
    return tuple(sorted(flag for flag in flags if _TELLING_FLAGS.fullmatch(flag)))
