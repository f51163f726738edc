"""An archive of a Python is read before anything is sent, and only one that fits is taken."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Python
from controller.server.deploying.brought.python_archive import (
    archive_for,
    named_archive,
    read_archive,
)
from tests.unit.controller.deploying.boards import RASPBERRY_PI

AARCH64, X86_64 = 183, 62


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def program(machine: int = AARCH64, bits: int = 2) -> bytes:
    """The head of an executable."""
    return b"\x7fELF" + bytes([bits]) + bytes(13) + machine.to_bytes(2, "little") + bytes(44)


def test_what_it_holds_is_read(tmp_path: Path) -> None:
    files = {"python/bin/python3.12": program(), "python/bin/python3": b"another"}
    bare = read_archive(packed(tmp_path / "bare.tar.gz", files))
    assert (bare.version, bare.machine, bare.has_pip) == ((3, 12), "aarch64", False)
    files["python/lib/python3.12/ensurepip/__init__.py"] = b""
    assert read_archive(packed(tmp_path / "pip.tar.gz", files)).has_pip
    path = f"/home/pi/.edgerank/pythons/{bare.name}/python/bin/python3"
    assert bare.on(RASPBERRY_PI) == Python((3, 12), 64, True, False, path)


def test_the_one_for_the_processor_is_taken(tmp_path: Path) -> None:
    archives = [
        read_archive(packed(tmp_path / f"{each}.tar.gz", {"python/bin/python3.11": program(each)}))
        for each in (X86_64, AARCH64)
    ]
    assert archive_for(RASPBERRY_PI, archives) is archives[1]
    assert archive_for(replace(RASPBERRY_PI, machine="armv7l"), archives) is None


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"bin/python3.11": program()},
        {"python/bin/python3.11": b"#!/bin/sh"},
        {"python/bin/python3.11": program(machine=40)},
        {"python/bin/python3.11": program(bits=1)},
        {"python/bin/python3.9": program()},
    ],
)
def test_what_is_no_such_python_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_archive(packed(tmp_path / "a.tar.gz", files))
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize("cut", [0, 10, 100])
def test_a_broken_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = packed(tmp_path / "a.tar.gz", {"python/bin/python3.11": program() * 100})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(EdgerankError) as refused:
        read_archive(path)
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, bytes]]:
    """Where an archive is to be had, and its bytes."""
    folder = tmp_path / "served"
    folder.mkdir()
    path = packed(folder / "a.tar.gz", {"python/bin/python3.11": program()})
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/a.tar.gz", path.read_bytes()
        server.shutdown()
        thread.join()


def test_one_at_an_address_is_fetched_once_and_held_against_its_digest(
    served: tuple[str, bytes], tmp_path: Path
) -> None:
    address, content = served
    digest = hashlib.sha256(content).hexdigest()
    cache = tmp_path / "cache"
    fetched = named_archive(f"{address}#sha256={digest}", cache)
    assert fetched.path.read_bytes() == content
    # Nobody is asked again: nothing listens at that port.
    assert named_archive(f"http://127.0.0.1:1/a.tar.gz#sha256={digest}", cache) == fetched
    for named, code in (
        (f"{address}#sha256={'0' * 64}", ErrorCode.DAMAGED),
        (address, ErrorCode.INVALID_INPUT),
        (f"http://192.0.2.1/a.tar.gz#sha256={'0' * 64}", ErrorCode.UNREACHABLE),
    ):
        with pytest.raises(EdgerankError) as refused:
            named_archive(named, cache)
        assert refused.value.code is code
    assert [each.name for each in cache.iterdir()] == [f"{digest}.tar.gz"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_archive(tmp_path / "none.tar.gz")
    assert refused.value.code is ErrorCode.STORAGE
