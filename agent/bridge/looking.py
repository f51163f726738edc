"""Looks at a phone that answers: what it is, and with what it measures."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agent.bridge.kit import Brought, Kit, KitUnfit, architecture_of, find_kit
from agent.bridge.measuring import PhoneMeasurer
from agent.bridge.mirror import Mirror
from agent.bridge.phone import Phone, PhoneRefuses
from agent.bridge.told import property_of
from agent.device.kernel_files import Roots, cpu_numbers, online_cpus, read_text
from agent.device.profile import HostFacts
from agent.measuring.introspection import IMPORT_LIMIT_S, describe_runtimes
from protos.runtimes import RUNNER, RUNNER_PROTOCOL, Runtime, RuntimeInfo

# Of the memory that is left there.
_MEMORY_SHARE: Final = 0.9
_SHELL: Final = "shell_v2"
_OF_OURS: Final = f'"program":"{RUNNER}","protocol":{RUNNER_PROTOCOL},'
_MOST_OF_NAME: Final = 48


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a phone is.

    Attributes:
        name: that it may have in the fleet where nobody gives it another.
        host: what its kernel and its Android say of it.
        kit: what it measures with.
    """

    name: str
    host: HostFacts
    kit: Kit


def look_at(
    phone: Phone,
    mirror: Mirror,
    runner_folder: Path | None,
    emulated_by: str = "",
    programs: Mapping[Runtime, Path] = MappingProxyType({}),
) -> Look:
    """What a phone is, and what fits it.

    Args:
        phone: that is looked at.
        mirror: has its files.
        runner_folder: as of `find_kit`.
        emulated_by: what computes in the phone's place; empty is nothing.
        programs: as of `find_kit`.

    Raises:
        PhoneAway: it went.
        PhoneRefuses: it is too old, or keeps nothing.
        KitUnfit: what was to be brought does not fit.
    """
    if _SHELL not in phone.server.features(phone.serial):
        raise PhoneRefuses(
            f"the phone {phone.serial} has an Android before 7, whose shell tells no exit codes: "
            "measure on a newer one"
        )
    mirror.begin()
    machine, system, release, host = (
        phone.run("uname -m; uname -s; uname -r; uname -n").text + "\n" * 4
    ).split("\n")[:4]
    files = mirror.lasting()
    architecture = architecture_of(property_of(files, "ro.product.cpu.abi"), machine)
    model = property_of(files, "ro.product.model")
    is_emulator = "1" in (property_of(files, "ro.kernel.qemu"), property_of(files, "ro.boot.qemu"))
    return Look(
        name=name_of(model, phone.serial),
        host=HostFacts(
            architecture=architecture,
            system=system,
            kernel_release=release,
            hostname=host,
            python_version="",
            agent_version=metadata.version("edgerank"),
            usable_cpus=usable_cpus(mirror.roots),
            emulated_by=emulated_by or ("android-emulator" if is_emulator else ""),
        ),
        kit=find_kit(runner_folder, architecture, programs),
    )


def name_of(model: str, serial: str) -> str:
    """What a phone is called: its model, and what tells it from another one of that."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", model).strip("-") or "phone"
    end = re.sub(r"[^A-Za-z0-9]+", "", serial)[-4:]
    return f"{words[:_MOST_OF_NAME]}-{end}" if end else words[:_MOST_OF_NAME]


def usable_cpus(roots: Roots) -> tuple[int, ...]:
    """The cores that the phone's shell may use; where its kernel does not tell, those in use."""
    told = re.search(
        r"^Cpus_allowed_list:\s*(\S+)$", read_text(roots.proc / "self/status") or "", re.MULTILINE
    )
    return cpu_numbers(told[1]) if told else tuple(cpu for cpu, _ in online_cpus(roots.sys))


def memory_limit_bytes(roots: Roots) -> int:
    """Nine tenths of what the phone has left; 0, no limit, where it does not tell."""
    told = re.search(
        r"^MemAvailable:\s+([0-9]{1,12}) kB$", read_text(roots.proc / "meminfo") or "", re.MULTILINE
    )
    return int(int(told[1]) * 1024 * _MEMORY_SHARE) if told else 0


def runtimes_of(measurer: PhoneMeasurer, folder: Path) -> tuple[RuntimeInfo, ...]:
    """The runtimes that the phone has with what was brought, each asked what it is.

    Raises:
        PhoneAway: the phone went.
        PhoneRefuses: it does not take what it is sent.
        KitUnfit: the runner does not run there, or is not ours.
    """
    kit = measurer.kit
    if kit.runner is not None:
        _check_ours(measurer, kit.runner)
    libraries = {**kit.libraries, **dict.fromkeys(kit.programs)}
    found: list[RuntimeInfo] = []
    for runtime, library in libraries.items():
        version = _version_of(kit.programs[runtime].beside if library is None else (library,))
        found += describe_runtimes(
            (RuntimeInfo(runtime=runtime, version=version),),
            command=measurer.describing(runtime, folder, IMPORT_LIMIT_S),
            memory_limit_bytes=measurer.memory_limit_bytes(),
            proc_root=measurer.roots.proc,
        )
    return tuple(found)


def _version_of(libraries: Iterable[Path]) -> str:
    """As far as the names of libraries tell it."""
    versions = (each.name.partition(".so.")[2] for each in libraries)
    return next((version for version in versions if version), "unknown")


def _check_ours(measurer: PhoneMeasurer, runner: Brought) -> None:
    program = measurer.on_phone(runner)
    said = measurer.phone.run(f"{program} version")
    if said.code == 0 and _OF_OURS in said.text.replace(" ", ""):
        return
    path, serial = runner.program, measurer.phone.serial
    if said.code in (126, 127):
        raise KitUnfit(
            f"{path} does not run on the phone {serial} ({said.words}): it was built for another "
            "system; build it with Android's NDK, by 'make native ARGS=android-arm64'"
        )
    raise KitUnfit(
        f"{path} is no runner of this edgerank (asked for its version, it said "
        f"{said.words[:80]!a}): put the one there that this version of edgerank came with"
    )
