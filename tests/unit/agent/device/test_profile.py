"""What a device says of itself, on recorded trees of real devices."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agent.device.accelerators import accelerators
from agent.device.profile import HostFacts, read_device_profile
from protos.device import CoreCluster, CpuCache, DeviceProfile
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.agent.trees import (
    BOARD_WITH_A_DEVICE_TREE,
    CORE_I7,
    PC,
    PHONE,
    PI_4,
    RASPBERRY_PI,
    cores,
    plant,
)

HOST = HostFacts(
    architecture="aarch64",
    system="Linux",
    kernel_release="6.1.0-18-arm64",
    hostname="shelf-3",
    python_version="3.11.2",
    agent_version="0.1.0",
)
RUNTIMES = (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2"),)


def read(tmp_path: Path, files: Mapping[str, str], host: HostFacts = HOST) -> DeviceProfile:
    return read_device_profile(plant(tmp_path, files), host, RUNTIMES)


def test_a_raspberry_pi(tmp_path: Path) -> None:
    assert read(tmp_path, RASPBERRY_PI) == DeviceProfile(
        architecture="aarch64",
        cpu_model=PI_4,
        logical_cores=1,
        memory_bytes=3_884_360 * 1024,
        kernel="Linux 6.1.0-18-arm64",
        operating_system="Debian GNU/Linux 12 (bookworm)",
        hostname="shelf-3",
        python_version="3.11.2",
        agent_version="0.1.0",
        runtimes=RUNTIMES,
        instruction_sets=("asimd",),
        soc="brcm,bcm2711",
        board=PI_4,
        clusters=(CoreCluster(cpus=(0, 1, 2, 3), capacity=1_024, max_frequency_khz=1_500_000),),
    )


def test_a_phone_names_its_chip_and_its_instruction_sets(tmp_path: Path) -> None:
    profile = read(tmp_path, PHONE)
    assert profile.cpu_model == "Qualcomm Technologies, Inc SM8150"
    assert profile.instruction_sets == ("asimd", "asimddp", "asimdhp", "asimdrdm", "fphp")
    assert profile.operating_system == "Android 12"


def test_a_phone_has_its_cores_in_clusters_the_most_capable_first(tmp_path: Path) -> None:
    assert read(tmp_path, PHONE).clusters == (
        CoreCluster(cpus=(7,), capacity=1_024, max_frequency_khz=2_841_600),
        CoreCluster(cpus=(4, 5, 6), capacity=871, max_frequency_khz=2_419_200),
        CoreCluster(cpus=(0, 1, 2, 3), capacity=261, max_frequency_khz=1_785_600),
    )


@pytest.mark.parametrize(
    ("files", "clusters"),
    [
        (
            cores([0], 5_881_000) | cores([1], 5_827_000),
            (CoreCluster(cpus=(0, 1), max_frequency_khz=5_881_000),),
        ),
        (
            cores([3], 5_100_000) | cores([0], 5_000_000) | cores([1, 2], 3_900_000),
            (
                CoreCluster(cpus=(0, 3), max_frequency_khz=5_100_000),
                CoreCluster(cpus=(1, 2), max_frequency_khz=3_900_000),
            ),
        ),
        (
            # Each a little slower than the one before: alike is what is like the fastest.
            cores([0], 1_000_000) | cores([1], 901_000) | cores([2], 900_000),
            (
                CoreCluster(cpus=(0, 1), max_frequency_khz=1_000_000),
                CoreCluster(cpus=(2,), max_frequency_khz=900_000),
            ),
        ),
        (
            cores([0], 1_800_000, 1_024) | cores([1], 1_800_000, 446) | cores([2], 1_750_000, 446),
            (
                CoreCluster(cpus=(0,), capacity=1_024, max_frequency_khz=1_800_000),
                CoreCluster(cpus=(1,), capacity=446, max_frequency_khz=1_800_000),
                CoreCluster(cpus=(2,), capacity=446, max_frequency_khz=1_750_000),
            ),
        ),
    ],
    ids=["preferred-cores", "hybrid", "in-steps", "with-capacities"],
)
def test_cores_of_almost_one_frequency_and_no_capacity_are_alike(
    tmp_path: Path, files: dict[str, str], clusters: tuple[CoreCluster, ...]
) -> None:
    assert read(tmp_path, files).clusters == clusters


def test_a_phone_says_what_it_is_and_not_which_one(tmp_path: Path) -> None:
    profile = read(tmp_path, PHONE)
    assert (profile.soc, profile.board) == ("SM8150", "Xiaomi Mi 9T Pro")
    assert profile.android_properties == {
        "ro.board.platform": "msmnile",
        "ro.build.version.release": "12",
        "ro.build.version.sdk": "31",
        "ro.product.manufacturer": "Xiaomi",
        "ro.product.model": "Mi 9T Pro",
    }


def test_where_getprop_is_it_is_asked(tmp_path: Path) -> None:
    command = tmp_path / "system/bin/getprop"
    command.parent.mkdir(parents=True)
    command.write_text(
        "#!/bin/sh\necho '[ro.soc.manufacturer]: [Google]'\necho '[ro.soc.model]: [Tensor]'\n"
        "echo '[ro.serialno]: [1a2b]'\necho 'garbage'\n"
    )
    assert read(tmp_path, PHONE).soc == "SM8150"
    command.chmod(0o755)
    assert read(tmp_path, PHONE).soc == "Google Tensor"


def test_a_pc(tmp_path: Path) -> None:
    profile = read(tmp_path, PC, replace(HOST, architecture="x86_64"))
    assert profile.cpu_model == CORE_I7
    assert profile.logical_cores == 2
    assert profile.operating_system == "Arch Linux"
    assert profile.instruction_sets == ("avx", "avx2", "f16c", "fma", "sse4_2")
    assert (profile.soc, profile.board) == ("", "Dell Inc. XPS 13 9370")
    assert profile.clusters == (CoreCluster(cpus=(0, 1), max_frequency_khz=4_000_000),)
    assert profile.caches == (
        CpuCache(level=1, kind="data", size_bytes=32 * 1024, count=1, cpus=(0, 1)),
        CpuCache(level=3, kind="unified", size_bytes=8 * 1024**2, count=1, cpus=(0, 1)),
    )
    assert (profile.container, profile.virtual_machine, profile.emulator) == ("", "", "")


def test_what_computes_below_an_emulator_lends_it_no_instruction_sets(tmp_path: Path) -> None:
    # As QEMU 7.2 shows the files of its host to an aarch64 program.
    profile = read(tmp_path, PC)
    assert (profile.architecture, profile.emulator) == ("aarch64", "unnamed")
    assert profile.cpu_model == CORE_I7
    assert profile.instruction_sets == ()


def test_what_its_owner_calls_emulated_is_where_nothing_was_found(tmp_path: Path) -> None:
    told = replace(HOST, emulated_by="qemu-system")
    assert read(tmp_path / "board", RASPBERRY_PI, told).emulator == "qemu-system"
    # What was found says more.
    assert read(tmp_path / "pc", PC, told).emulator == "unnamed"


def test_a_board_that_nobody_named_has_no_name(tmp_path: Path) -> None:
    unnamed = {
        "sys/class/dmi/id/sys_vendor": "To Be Filled By O.E.M.\n",
        "sys/class/dmi/id/product_name": "Default string\n",
    }
    assert read(tmp_path, PC | unnamed).board == ""


def test_a_board_is_named_by_its_device_tree(tmp_path: Path) -> None:
    profile = read(tmp_path, BOARD_WITH_A_DEVICE_TREE)
    assert profile.cpu_model == "Radxa ROCK 5B"
    assert profile.instruction_sets == ("asimd", "bf16", "i8mm", "sve2")


def test_what_nobody_tells_is_empty(tmp_path: Path) -> None:
    profile = read(tmp_path, {"etc/os-release": 'PRETTY_NAME="never closed\n'})
    assert profile.cpu_model == ""
    assert profile.logical_cores == 0
    assert profile.memory_bytes == 0
    assert profile.operating_system == ""
    assert profile.instruction_sets == ()


def test_accelerators_are_told_by_the_libraries_that_reach_them(tmp_path: Path) -> None:
    assert accelerators(plant(tmp_path / "none", {"usr/lib/libc.so": ""})) == ()
    board = plant(tmp_path / "board", {"usr/lib/aarch64-linux-gnu/libOpenCL.so.1": ""})
    assert accelerators(board) == ("opencl",)
    phone = {"vendor/lib64/libOpenCL.so": "", "system/lib64/libneuralnetworks.so": ""}
    assert accelerators(plant(tmp_path / "phone", phone)) == ("opencl", "nnapi")
