"""Which phone is meant, where adb is, and what a phone is called and takes."""

import struct
from pathlib import Path

import pytest

from agent.bridge.adb.server import READY, AdbServer, Hanging
from agent.bridge.adb.states import words_of
from agent.bridge.elf import NoElf, read_built
from agent.bridge.holding import hub_of
from agent.bridge.kit import KitUnfit, architecture_of, find_kit
from agent.bridge.life import folder_of
from agent.bridge.looking import name_of
from agent.bridge.serving import ONLY, NoSuchPhone, chosen
from protos.names import is_name


def hanging(**states: str) -> list[Hanging]:
    return [Hanging(serial=serial, state=state) for serial, state in states.items()]


def test_the_only_phone_needs_no_name(tmp_path: Path) -> None:
    assert chosen(hanging(A=READY), ONLY, tmp_path) == "A"
    with pytest.raises(NoSuchPhone, match="several phones hang on this computer: name one of A, B"):
        chosen(hanging(A=READY, B="offline"), ONLY, tmp_path)
    with pytest.raises(NoSuchPhone, match="no phone hangs on this computer"):
        chosen([], ONLY, tmp_path)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("unauthorized", "does not trust this computer: unlock it and allow USB debugging"),
        ("offline", "is offline to adb"),
        ("no permissions", "udev rules"),
        ("recovery", "start it as usual"),
        ("whatever", "'whatever'"),
    ],
)
def test_a_phone_that_cannot_be_used_is_told_with_what_to_do(
    tmp_path: Path, state: str, words: str
) -> None:
    assert words in words_of("A", state)
    with pytest.raises(NoSuchPhone, match="the phone A"):
        chosen(hanging(A=state), "A", tmp_path)
    # One that was served before is waited for.
    folder_of(tmp_path, "A").mkdir(parents=True)
    assert chosen(hanging(A=state), "A", tmp_path) == "A"
    assert chosen([], "A", tmp_path) == "A"


def test_the_server_is_where_adb_would_look() -> None:
    assert str(AdbServer.of({})) == "127.0.0.1:5037"
    assert str(AdbServer.of({"ANDROID_ADB_SERVER_PORT": "5038"})) == "127.0.0.1:5038"
    assert str(AdbServer.of({"ADB_SERVER_SOCKET": "tcp:lab:5039"})) == "lab:5039"
    assert str(AdbServer.of({"ADB_SERVER_SOCKET": "tcp:5040"})) == "127.0.0.1:5040"
    assert str(AdbServer.of({"ADB_SERVER_SOCKET": "localfilesystem:/run/adb"})) == "/run/adb"


@pytest.mark.parametrize("model", ["Pixel 6", "Mi 9T Pro", "", "名前", "x" * 200, "SM-G991B/DS"])
def test_every_phone_has_a_name_that_the_fleet_takes(model: str) -> None:
    assert is_name(name_of(model, "192.168.0.7:5555"))
    assert name_of(model, "1A2B3C4D").endswith("-3C4D")


def test_phones_of_one_hub_share_its_turn() -> None:
    assert hub_of("usb:1-4.2") == hub_of("usb:1-4.3") != hub_of("usb:1-5.2")
    assert hub_of("usb:1-4") == hub_of("usb:1-2")


def _elf(machine: int) -> bytes:
    head = bytearray(64)
    head[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<H", head, 18, machine)
    return bytes(head)


def test_what_is_brought_is_built_for_the_phone(tmp_path: Path) -> None:
    assert architecture_of("arm64-v8a", "aarch64") == "aarch64"
    assert architecture_of("armeabi-v7a", "aarch64") == "armv7l"
    assert architecture_of("", "aarch64") == "aarch64"
    with pytest.raises(KitUnfit, match="there is no edgerank-runner in"):
        find_kit(tmp_path, "aarch64")
    own = tmp_path / "aarch64"
    own.mkdir()
    (own / "edgerank-runner").write_bytes(_elf(183))
    with pytest.raises(KitUnfit, match="there is no runtime in"):
        find_kit(tmp_path, "aarch64")
    (own / "libonnxruntime.so").write_bytes(_elf(62))
    with pytest.raises(KitUnfit, match="is built for x86_64, and this phone takes aarch64"):
        find_kit(tmp_path, "aarch64")
    (own / "libonnxruntime.so").write_bytes(_elf(183))
    digests = set()
    for content in (b"", b"another"):
        (own / "libonnxruntime.so").write_bytes(_elf(183) + content)
        (brought,) = find_kit(tmp_path, "aarch64").all
        digests.add(brought.digest)
    assert len(digests) == 2
    (own / "libonnxruntime.so").write_bytes(b"#!/bin/sh")
    with pytest.raises(KitUnfit, match="cannot be read as a program"):
        find_kit(tmp_path, "aarch64")


def test_a_program_tells_what_loads_it() -> None:
    # The interpreter of these tests, or what starts it, is a program of this machine.
    built = read_built(Path("/proc/self/exe"))
    assert built.architecture
    with pytest.raises(NoElf):
        read_built(Path("/proc/self/status"))
