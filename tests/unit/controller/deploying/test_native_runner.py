"""A runner that is brought to a board is the one for it, and one that its agent speaks with."""

import tempfile
from pathlib import Path

import pytest

from agent.bridge.kit import find_kit
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.brought.native_runner import check_told, find_runner
from protos.runtimes import RUNNER, RUNNER_PROTOCOL, Runtime
from tests.unit.agent.device.test_kernel_files import as_nobody

AARCH64, X86_64 = 183, 62
SHIM = "libedgerank_paddlelite.so"


def program(machine: int = AARCH64) -> bytes:
    """The head of an executable."""
    return b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little") + bytes(44)


def folder_of(folder: Path, *names: str, machine: int = AARCH64) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(program(machine))
    return folder


def test_the_one_for_the_processor_is_taken(tmp_path: Path) -> None:
    folder_of(tmp_path / "aarch64", RUNNER)
    folder_of(tmp_path / "x86_64", RUNNER, machine=X86_64)
    assert find_runner(tmp_path, "aarch64").files == (tmp_path / "aarch64" / RUNNER,)
    assert find_runner(tmp_path / "aarch64", "aarch64") == find_runner(tmp_path, "aarch64")


def test_what_it_loads_comes_with_it_and_nothing_else(tmp_path: Path) -> None:
    named = ("libonnxruntime.so", "libonnxruntime.so.1.23.2")
    folder_of(tmp_path, RUNNER, *named, "notes.txt", "libpaddle_full_api_shared.so")
    without = find_runner(tmp_path, "aarch64")
    assert [each.name for each in without.files] == [RUNNER, named[1]]
    folder_of(tmp_path, SHIM)
    found = find_runner(tmp_path, "aarch64")
    assert [each.name for each in found.files][2:] == [SHIM, "libpaddle_full_api_shared.so"]
    assert found.name != without.name
    (tmp_path / RUNNER).write_bytes(program() + b"another")
    assert find_runner(tmp_path, "aarch64").name != found.name


@pytest.mark.parametrize("others", [(), ("libonnxruntime.so.1.22.0",)])
def test_of_several_libraries_the_newest_is_taken_and_none_that_is_something_else(
    tmp_path: Path, others: tuple[str, ...]
) -> None:
    newest = "libonnxruntime.so.1.23.2"
    folder_of(tmp_path, RUNNER, newest, *others)
    folder_of(tmp_path, f"{newest}.debug", "libonnxruntime.so.1.23.2-rocm")
    found = find_runner(tmp_path, "aarch64")
    assert [each.name for each in found.files] == [RUNNER, newest]
    kit = find_kit(tmp_path, "aarch64")
    assert kit.libraries == {Runtime.ONNXRUNTIME: tmp_path / newest}


def test_a_folder_that_may_not_be_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0)
        with as_nobody(), pytest.raises(EdgerankError) as refused:
            find_runner(Path(folder), "aarch64")
        Path(folder).chmod(0o700)
    assert refused.value.code is ErrorCode.STORAGE
    assert folder in str(refused.value)


@pytest.mark.parametrize("name", [RUNNER, SHIM])
@pytest.mark.parametrize("content", [program(X86_64), b"#!/bin/sh\n", b""])
def test_what_is_for_another_processor_is_refused(
    tmp_path: Path, name: str, content: bytes
) -> None:
    folder_of(tmp_path, RUNNER, SHIM)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EdgerankError) as refused:
        find_runner(tmp_path, "aarch64")
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert str(tmp_path / name) in str(refused.value)


def test_a_folder_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as refused:
        find_runner(folder_of(tmp_path, SHIM), "aarch64")
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        *((each, "no native runner") for each in ("", "hello", "[]", "{}", "[" * 100_000)),
        ('{"program": "another", "protocol": 1}', "no native runner"),
        (f'{{"program": "{RUNNER}", "protocol": 999}}', "protocol 999"),
    ],
)
def test_what_an_agent_does_not_speak_with_is_refused(printed: str, words: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        check_told(printed, "pi@board")
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert words in str(refused.value)


def test_a_runner_of_this_version_is_taken() -> None:
    check_told(f'{{"program": "{RUNNER}", "version": "1", "protocol": {RUNNER_PROTOCOL}}}', "board")
