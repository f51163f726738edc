"""What the device is, as its own files tell it."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.device.accelerators import accelerators
from agent.device.android import android_properties
from agent.device.cpu_quota import cpu_quota
from agent.device.kernel_files import Roots, read_text
from agent.device.surroundings import container, emulator, tells_of_another_cpu, virtual_machine
from agent.device.topology import core_clusters, cpu_caches
from protos.device import DeviceProfile
from protos.runtimes import RuntimeInfo

# Flags that decide which kernels an inference runtime picks, as /proc/cpuinfo spells them.
_TELLING_FLAGS = re.compile(
    r"sse4_2|avx|avx2|fma|f16c|avx_vnni|avx512\w*|amx_\w+|neon|vfpv4|asimd\w*|fphp|i8mm|bf16|sve\w*|sme2?"
)

# What a firmware says of whose board nobody told it the name.
_NO_NAME = re.compile(
    r"(?i)to be filled by o\.?e\.?m\.?|default string|system product name|system manufacturer|none|"
    r"not (specified|applicable)|unknown|o\.e\.m\."
)


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What the interpreter, the kernel and its owner say of the host, as opposed to the files."""

    architecture: str
    system: str
    kernel_release: str
    hostname: str
    python_version: str
    agent_version: str
    usable_cpus: tuple[int, ...] = ()
    confinement: tuple[str, ...] = ()
    emulated_by: str = ""


def read_device_profile(
    roots: Roots, host: HostFacts, runtimes: tuple[RuntimeInfo, ...]
) -> DeviceProfile:
    """The device's profile; unknown fields are empty or 0."""
    cpuinfo = _fields(read_text(roots.proc / "cpuinfo") or "")
    first_core = dict(reversed(cpuinfo))
    android = android_properties(roots)
    quota = cpu_quota(roots)
    return DeviceProfile(
        architecture=host.architecture,
        cpu_model=_cpu_model(first_core, roots),
        logical_cores=sum(key == "processor" for key, _ in cpuinfo),
        memory_bytes=_memory_bytes(roots),
        kernel=f"{host.system} {host.kernel_release}".strip(),
        operating_system=_operating_system(roots, android),
        hostname=host.hostname,
        python_version=host.python_version,
        agent_version=host.agent_version,
        runtimes=runtimes,
        # The host's flags pick no kernels of an emulated runtime.
        instruction_sets=(
            ()
            if tells_of_another_cpu(host.architecture, first_core)
            else _instruction_sets(cpuinfo)
        ),
        soc=_soc(roots, android, first_core),
        board=_board(roots, android),
        clusters=core_clusters(roots.sys),
        caches=cpu_caches(roots.sys),
        android_properties=android,
        container=container(roots),
        virtual_machine=virtual_machine(roots, first_core),
        emulator=emulator(roots, host.architecture, first_core) or host.emulated_by,
        usable_cpus=host.usable_cpus,
        cpu_quota_cores=None if quota is None else quota.cores,
        confinement=host.confinement,
        accelerators=accelerators(roots),
    )


def _fields(text: str) -> list[tuple[str, str]]:
    """The `key : value` lines of a /proc file, in order."""
    pairs = (line.partition(":") for line in text.splitlines())
    return [(key.strip(), value.strip()) for key, colon, value in pairs if colon]


def _cpu_model(first_core: Mapping[str, str], roots: Roots) -> str:
    """The model's name; ARM kernels often give only the board's, in the device tree."""
    for key in ("model name", "Hardware", "Model", "cpu model"):
        if first_core.get(key):
            return first_core[key]
    return _device_tree_model(roots)


def _device_tree_model(roots: Roots) -> str:
    board = read_text(roots.sys / "firmware/devicetree/base/model")
    return board or read_text(roots.proc / "device-tree/model") or ""


def _board(roots: Roots, android: Mapping[str, str]) -> str:
    """The product's name, as its maker tells people."""
    product = _joined(android.get(f"ro.product.{part}") for part in ("manufacturer", "model"))
    dmi = roots.sys / "class/dmi/id"
    return (
        product
        or _device_tree_model(roots)
        or _joined(read_text(dmi / part) for part in ("sys_vendor", "product_name"))
    )


def _soc(roots: Roots, android: Mapping[str, str], first_core: Mapping[str, str]) -> str:
    """The chip's name; empty where it is no system on a chip."""
    told = _joined(android.get(f"ro.soc.{part}") for part in ("manufacturer", "model"))
    return (
        told
        or _soc_of_driver(roots)
        # The device tree goes from the board to the chip: "radxa,rock-5b", "rockchip,rk3588".
        or (read_text(roots.proc / "device-tree/compatible") or "").split("\0")[-1]
        or first_core.get("Hardware", "")
        or android.get("ro.board.platform", "")
    )


def _soc_of_driver(roots: Roots) -> str:
    """What the chip's own driver says, if there is one."""
    soc = roots.sys / "devices/soc0"
    number = read_text(soc / "soc_id") or ""
    # Qualcomm's driver and Arm's firmware number their chips; the first says the name elsewhere.
    if number and not re.fullmatch(r"[0-9]+|jep106:.*", number):
        return _joined((read_text(soc / "family"), number))
    return (read_text(soc / "machine") or "") if number.isdigit() else ""


def _joined(parts: Iterable[str | None]) -> str:
    """The parts that say something, the second without the first where it repeats it."""
    told = [part for part in parts if part and not _NO_NAME.fullmatch(part)]
    return told[-1] if told and told[-1].startswith(told[0]) else " ".join(told)


def _memory_bytes(roots: Roots) -> int:
    meminfo = dict(_fields(read_text(roots.proc / "meminfo") or ""))
    amount = re.fullmatch(r"([0-9]{1,12}) kB", meminfo.get("MemTotal", ""))
    return int(amount[1]) * 1024 if amount else 0


def _operating_system(roots: Roots, android: Mapping[str, str]) -> str:
    for line in (read_text(roots.top / "etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return _unquoted(value)
    release = android.get("ro.build.version.release")
    return f"Android {release}" if release else ""


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
