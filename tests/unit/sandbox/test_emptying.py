"""A process empties no file that it may not write, also where Landlock knows nothing of emptying.

The kernels that are meant, Linux 5.13 to 6.1, are not here: this one's Landlock is asked for what
theirs has, as it is for programs that know no more.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import landlockpy
import pytest

from sandbox import layers
from sandbox.layers import Layer, enforceable

_TRY = """
import ctypes, errno, json, os, sys
from pathlib import Path
import landlockpy
import sandbox
from landlockpy import _syscall
from sandbox import files

abi, is_filtered = int(sys.argv[1]), sys.argv[2] == "filtered"
given, private, secret = map(Path, sys.argv[3:])
_syscall.abi_version = lambda: abi
if not is_filtered:
    files.forbid_emptying = lambda: None
inside = private / "inside"
inside.write_text("as it was")
files.hold_to_files(
    readable=[given], writable=[private], packages=[Path(sandbox.__file__).parent]
)
libc = ctypes.CDLL(None, use_errno=True)

def tried(work):
    try:
        work()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "open"

def opened(path, flags):
    return tried(lambda: os.close(os.open(path, flags, 0o600)))

def called(number, *arguments):
    libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()]

def shortened():
    with inside.open("r+") as stream:
        stream.truncate(2)

print(json.dumps({
    "by name": tried(lambda: os.truncate(given, 0)),
    "by name, secret": tried(lambda: os.truncate(secret, 0)),
    "read and emptied": opened(given, os.O_RDONLY | os.O_TRUNC),
    "read, made and emptied": opened(given, os.O_RDONLY | os.O_CREAT | os.O_TRUNC),
    "neither, and emptied": opened(secret, os.O_ACCMODE | os.O_TRUNC),
    "openat2": called(437, -100, None, None, 0),
    "given, written": opened(given, os.O_WRONLY | os.O_TRUNC),
    "secret, written": opened(secret, os.O_RDWR | os.O_TRUNC),
    "beside": opened(secret.parent / "new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    "read": opened(given, os.O_RDONLY),
    "again": tried(lambda: inside.write_text("anew")),
    "both": opened(inside, os.O_RDWR | os.O_CREAT | os.O_TRUNC),
    "shortened": tried(shortened),
    "new": tried(lambda: (private / "new").write_text("mine")),
    "renamed": tried(lambda: (private / "new").rename(private / "newer")),
}))
"""
GOES_ON = {"read", "again", "both", "shortened", "new", "renamed"}


def attempts(tmp_path: Path, abi: int, filtered: str) -> tuple[dict[str, str], list[str]]:
    """What became of each attempt, and what is in the files then."""
    for name in ("given", "private", "secret"):
        (tmp_path / name).mkdir()
    given, secret = tmp_path / "given" / "model", tmp_path / "secret" / "key"
    for path in (given, secret):
        path.write_text("as it was")
    places = map(str, (given, tmp_path / "private", secret))
    command = [sys.executable, "-c", _TRY, str(abi), filtered, *places]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), [given.read_text(), secret.read_text()]


@pytest.mark.parametrize("abi", [1, 2])
def test_a_filter_denies_what_older_landlocks_let_through(tmp_path: Path, abi: int) -> None:
    found, contents = attempts(tmp_path, abi, "filtered")
    assert {name for name, how in found.items() if how == "open"} == GOES_ON
    assert found.pop("openat2") == "ENOSYS"
    assert {how for how in found.values() if how != "open"} == {"EACCES"}
    assert contents == ["as it was"] * 2


def test_without_it_they_empty_files_that_may_only_be_read(tmp_path: Path) -> None:
    found, contents = attempts(tmp_path, 2, "not filtered")
    assert found["by name, secret"] == found["read and emptied"] == "open"
    assert contents == ["", ""]


def test_newer_ones_need_none(tmp_path: Path) -> None:
    found, contents = attempts(tmp_path, landlockpy.abi_version(), "not filtered")
    assert {name for name, how in found.items() if how == "open"} == GOES_ON
    assert contents == ["as it was"] * 2


@pytest.mark.parametrize(
    ("abi", "filters", "expected"),
    [
        (0, False, set()),
        (0, True, {Layer.NETWORK, Layer.PROCESSES}),
        (1, False, set()),
        (2, False, set()),
        (1, True, set(Layer)),
        (2, True, set(Layer)),
        (3, False, {Layer.FILES}),
        (3, True, set(Layer)),
    ],
)
def test_files_are_held_where_landlock_or_a_filter_beside_it_can(
    monkeypatch: pytest.MonkeyPatch, abi: int, filters: bool, expected: set[Layer]
) -> None:
    monkeypatch.setattr(landlockpy, "abi_version", lambda: abi)
    monkeypatch.setattr(layers, "can_filter", lambda: filters)
    assert enforceable() == expected
