"""What the agent runs in or under: a container, a virtual machine, an emulator of another CPU."""

import re
from collections.abc import Mapping

from agent.device.kernel_files import Roots, exists, read_text

# Something is there, and nobody tells what it is called.
UNNAMED = "unnamed"


def container(roots: Roots) -> str:
    """The container's kind (docker, podman, lxc, ...); empty when none was detected."""
    # In a container, process 2 is anything but the kernel's own first thread: an image that
    # became the disk of a virtual machine still has the files that its builder left.
    if read_text(roots.proc / "2/comm") == "kthreadd":
        return ""
    if exists(roots.top / ".dockerenv"):
        return "docker"
    if exists(roots.top / "run/.containerenv"):
        return "podman"
    told = read_text(roots.top / "run/systemd/container")
    if told:
        return told
    environment = read_text(roots.proc / "1/environ") or ""
    named = re.search(r"(?:^|\0)container=([^\0]+)", environment)
    if named:
        return named[1]
    group = re.search(
        r"docker|kubepods|lxc|libpod|containerd", read_text(roots.proc / "1/cgroup") or ""
    )
    return group[0] if group else ""


def virtual_machine(roots: Roots, cpuinfo: Mapping[str, str]) -> str:
    """Who sells or makes the virtual machine; empty on bare metal, as far as one can tell.

    Args:
        roots: where the system's files are.
        cpuinfo: /proc/cpuinfo's fields of one core.
    """
    hypervisor = read_text(roots.proc / "device-tree/hypervisor/compatible") or read_text(
        roots.sys / "hypervisor/type"
    )
    if hypervisor:
        return hypervisor
    vendor = read_text(roots.sys / "class/dmi/id/sys_vendor") or ""
    if "hypervisor" in cpuinfo.get("flags", "").split():
        return vendor or UNNAMED
    # ARM has no such flag, and QEMU builds no machines of metal.
    return vendor if vendor == "QEMU" else ""


def emulator(roots: Roots, architecture: str, cpuinfo: Mapping[str, str]) -> str:
    """What translates this architecture's instructions for another CPU; empty when nothing does.

    Args:
        roots: where the system's files are.
        architecture: as `uname -m` says to this process.
        cpuinfo: /proc/cpuinfo's fields of one core.
    """
    try:
        # QEMU gives its guest a false /proc/self/exe; by this name it shows itself.
        program = (roots.proc / "thread-self/exe").readlink().name
    except OSError:
        program = ""
    if program.startswith("qemu-"):
        return "qemu-user"
    return UNNAMED if tells_of_another_cpu(architecture, cpuinfo) else ""


def tells_of_another_cpu(architecture: str, cpuinfo: Mapping[str, str]) -> bool:
    """Whether /proc/cpuinfo is of the x86 host, as older emulators of ARM let it through.

    Args:
        architecture: as `uname -m` says to this process.
        cpuinfo: /proc/cpuinfo's fields of one core.
    """
    return architecture.startswith(("aarch64", "arm")) and "vendor_id" in cpuinfo
