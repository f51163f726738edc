"""What a device says of itself, on recorded trees of real devices."""

from collections.abc import Mapping
from pathlib import Path

from agent.domain import DeviceProfile, Runtime, RuntimeInfo
from agent.profile import HostFacts, read_device_profile
from tests.unit.agent.trees import BOARD_WITH_A_DEVICE_TREE, PC, PHONE, RASPBERRY_PI, plant

HOST = HostFacts(
    architecture="aarch64",
    system="Linux",
    kernel_release="6.1.0-18-arm64",
    hostname="shelf-3",
    python_version="3.11.2",
    agent_version="0.1.0",
)
RUNTIMES = (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2"),)


def read(tmp_path: Path, files: Mapping[str, str]) -> DeviceProfile:
    return read_device_profile(plant(tmp_path, files), HOST, RUNTIMES)


def test_a_raspberry_pi(tmp_path: Path) -> None:
    assert read(tmp_path, RASPBERRY_PI) == DeviceProfile(
        architecture="aarch64",
        cpu_model="Raspberry Pi 4 Model B Rev 1.1",
        logical_cores=1,
        memory_bytes=3_884_360 * 1024,
        kernel="Linux 6.1.0-18-arm64",
        operating_system="Debian GNU/Linux 12 (bookworm)",
        hostname="shelf-3",
        python_version="3.11.2",
        agent_version="0.1.0",
        runtimes=RUNTIMES,
        instruction_sets=("asimd",),
    )


def test_a_phone_names_its_chip_and_its_instruction_sets(tmp_path: Path) -> None:
    profile = read(tmp_path, PHONE)
    assert profile.cpu_model == "Qualcomm Technologies, Inc SM8150"
    assert profile.instruction_sets == ("asimd", "asimddp", "asimdhp", "asimdrdm", "fphp")
    assert profile.operating_system == ""


def test_a_pc(tmp_path: Path) -> None:
    profile = read(tmp_path, PC)
    assert profile.cpu_model == "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz"
    assert profile.logical_cores == 2
    assert profile.operating_system == "Arch Linux"
    assert profile.instruction_sets == ("avx", "avx2", "f16c", "fma", "sse4_2")


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
