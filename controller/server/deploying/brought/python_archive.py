"""A relocatable CPython that is brought to a board whose own Python does not serve."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board, Python
from controller.server.deploying.brought.elf import HEAD_BYTES, machine_in
from controller.server.deploying.fitness import LAST_PYTHON, LEAST_PYTHON
from models.digest import file_sha256
from models.weights.download import DownloadFailed, download

UNPACKED_BYTES: Final = 150_000_000
"""What such a Python takes on a board, with the archive beside it."""
_PROGRAM: Final = re.compile(r"(?:\./)?python/bin/python(3)\.(\d{1,3})")
_PIP: Final = re.compile(r"(?:\./)?python/lib/python3\.\d{1,3}/ensurepip/__init__\.py")
_DIGEST_LETTERS: Final = 12
_SHA256: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class PythonArchive:
    """A `.tar.gz` with a folder `python` that runs wherever it is unpacked.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        machine: architecture that it is for, as aarch64.
        version: major and minor.
        has_pip: whether it brings pip for environments.
    """

    path: Path
    sha256: str
    machine: str
    version: tuple[int, int]
    has_pip: bool

    @property
    def name(self) -> str:
        """Of its folder on a board."""
        return self.sha256[:_DIGEST_LETTERS]

    def on(self, board: Board) -> Python:
        """The interpreter that it is on a board once it was unpacked there."""
        path = f"{board.base}/pythons/{self.name}/python/bin/python3"
        return Python(self.version, 64, True, self.has_pip, path)


def named_archive(named: str, cache: Path) -> PythonArchive:
    """The archive of a FILE, or of a URL#sha256=DIGEST, which is fetched into a folder once.

    Raises:
        EdgerankError: as `read_archive`; UNREACHABLE, or DAMAGED when other bytes come.
    """
    if "://" not in named:
        return read_archive(Path(named))
    address, _, sha256 = named.partition("#sha256=")
    if _SHA256.fullmatch(sha256) is None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{named} names no digest: append #sha256= and the 64 digits that the archive's "
            "publisher tells",
        )
    path = cache / f"{sha256}.tar.gz"
    if not path.exists() or file_sha256(path) != sha256:
        _fetch(address, sha256, path)
    return read_archive(path)


def _fetch(address: str, sha256: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        download(address, path, lambda _so_far, _total: None)
    except (DownloadFailed, OSError) as error:
        raise EdgerankError(
            ErrorCode.UNREACHABLE,
            f"{address} cannot be fetched: {error}; fetch it elsewhere, and name its file",
        ) from error
    if file_sha256(path) != sha256:
        path.unlink()
        raise EdgerankError(
            ErrorCode.DAMAGED,
            f"{address} gives other bytes than those of the digest: see which is right, and name "
            "that",
        )


def read_archive(path: Path) -> PythonArchive:
    """What an archive holds; nothing of it is unpacked.

    Raises:
        EdgerankError: STORAGE when it cannot be read, INVALID_INPUT when it holds no such Python.
    """
    found: tuple[int, int] | None = None
    machine: str | None = None
    has_pip = False
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                has_pip = has_pip or _PIP.fullmatch(member.name) is not None
                match = _PROGRAM.fullmatch(member.name)
                file = archive.extractfile(member) if match and member.isfile() else None
                if match is not None and file is not None:
                    found = (int(match[1]), int(match[2]))
                    machine = machine_in(file.read(HEAD_BYTES))
        sha256 = file_sha256(path)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _no_python(path) from error
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"{path} cannot be read: {error}; name another file"
        ) from error
    if found is None or machine is None:
        raise _no_python(path)
    if not LEAST_PYTHON <= found <= LAST_PYTHON:
        least, last = (".".join(map(str, each)) for each in (LEAST_PYTHON, LAST_PYTHON))
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{path} holds Python {found[0]}.{found[1]}, and agents run in {least} to {last}: name "
            "an archive of one of those",
        )
    return PythonArchive(path=path, sha256=sha256, machine=machine, version=found, has_pip=has_pip)


def archive_for(board: Board, archives: Iterable[PythonArchive]) -> PythonArchive | None:
    """The first that a board's processor runs."""
    return next((each for each in archives if each.machine == board.machine), None)


def _no_python(path: Path) -> EdgerankError:
    return EdgerankError(
        ErrorCode.INVALID_INPUT,
        f"{path} holds no relocatable Python for x86_64 or aarch64: name a .tar.gz with "
        "python/bin/python3.N in it, as an install_only archive of python-build-standalone",
    )
