"""What stands between an agent and the metal is told, and metal is not called anything else."""

from pathlib import Path

import pytest

from agent.device.surroundings import container, emulator, virtual_machine
from tests.unit.agent.trees import plant

ARM = {"Features": "fp asimd"}
X86 = {"vendor_id": "GenuineIntel", "flags": "fpu sse avx2"}
VIRTUAL_X86 = {"vendor_id": "GenuineIntel", "flags": "fpu sse hypervisor avx2"}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({}, ""),
        ({".dockerenv": ""}, "docker"),
        ({"run/.containerenv": 'engine="podman-4.3.1"\n'}, "podman"),
        ({"run/systemd/container": "systemd-nspawn\n"}, "systemd-nspawn"),
        ({"proc/1/environ": "PATH=/bin\0container=lxc\0TERM=linux\0"}, "lxc"),
        ({"proc/1/cgroup": "0::/kubepods/besteffort/pod4\n"}, "kubepods"),
        ({"proc/1/cgroup": "0::/init.scope\n", "proc/2/comm": "kthreadd\n"}, ""),
        # The image of a container that became the disk of a virtual machine.
        ({".dockerenv": "", "proc/2/comm": "kthreadd\n"}, ""),
        ({".dockerenv": "", "proc/2/comm": "sh\n"}, "docker"),
    ],
)
def test_containers(tmp_path: Path, files: dict[str, str], named: str) -> None:
    assert container(plant(tmp_path, files)) == named


@pytest.mark.parametrize(
    ("files", "cpuinfo", "named"),
    [
        ({}, X86, ""),
        ({}, VIRTUAL_X86, "unnamed"),
        ({"sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"}, VIRTUAL_X86, "VMware, Inc."),
        ({"sys/class/dmi/id/sys_vendor": "Dell Inc.\n"}, X86, ""),
        ({"sys/class/dmi/id/sys_vendor": "QEMU\n"}, ARM, "QEMU"),
        ({"proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, ARM, "linux,kvm"),
        ({}, {}, ""),
    ],
)
def test_virtual_machines(
    tmp_path: Path, files: dict[str, str], cpuinfo: dict[str, str], named: str
) -> None:
    assert virtual_machine(plant(tmp_path, files), cpuinfo) == named


@pytest.mark.parametrize(
    ("program", "architecture", "cpuinfo", "named"),
    [
        ("/usr/bin/python3.11", "aarch64", ARM, ""),
        ("/usr/bin/qemu-aarch64-static", "aarch64", ARM, "qemu-user"),
        (None, "x86_64", X86, ""),
        (None, "armv7l", X86, "unnamed"),
        (None, "aarch64", {}, ""),
    ],
)
def test_emulators(
    tmp_path: Path, program: str | None, architecture: str, cpuinfo: dict[str, str], named: str
) -> None:
    roots = plant(tmp_path, {"proc/thread-self/status": ""})
    if program:
        (roots.proc / "thread-self/exe").symlink_to(program)
    assert emulator(roots, architecture, cpuinfo) == named
