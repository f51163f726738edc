"""Artifacts on the device's disk, named by their SHA-256."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

from agent.state_folder import put_in_place, reason_of
from protos.log_lines import event_log

DEFAULT_LIMIT_BYTES = 4 * 1024**3
_READ_BYTES = 1024**2
_SHA256 = re.compile(r"[0-9a-f]{64}")


log = event_log(__name__)


class ArtifactRefused(Exception):
    """An artifact is not, or cannot be, in the cache whole; the message is one sentence."""


class ArtifactDamaged(ArtifactRefused):
    """What came is not what was promised; what comes the next time may be."""


class ArtifactCache:
    """A folder of artifacts, limited in size; those used longest ago go first.

    Interrupted downloads stay as `<sha256>.part` and are resumed.
    """

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def find(self, sha256: str) -> Path | None:
        """The artifact's file, marked as used now; None when it is not here.

        Its digest is taken again: bytes that changed on the disk, or cannot be read any more, are
        dropped and not measured.

        Raises:
            ArtifactRefused: the digest is none, or the file can be neither used nor dropped.
        """
        path = self._folder / _file_name(sha256)
        try:
            with path.open("rb") as stream:
                intact = _digest_of(stream).hexdigest() == sha256
            if intact:
                os.utime(path)
                return path
            why = "its bytes are not those of its digest any more"
        except FileNotFoundError:
            return None
        except OSError as error:
            why = f"it cannot be read any more ({error.strerror})"
        log.warning("a cached artifact is damaged; it is fetched anew", sha256=sha256, why=why)
        with _told_of(f"artifact {sha256[:12]}"):
            path.unlink()
        return None

    def download(self, sha256: str, size_bytes: int) -> "Download":
        """Begin or resume a download, after making room for it.

        Raises:
            ArtifactRefused: the digest is none, the artifact is larger than the cache may be, or
                the disk refuses.
        """
        _file_name(sha256)
        if size_bytes > self._limit_bytes:
            raise ArtifactRefused(
                f"artifact {sha256[:12]} has {size_bytes} bytes, more than the {self._limit_bytes} "
                "that the agent's cache may hold"
            )
        with _told_of(f"artifact {sha256[:12]}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(size_bytes, keep=sha256)
            return Download(self._folder, sha256, size_bytes)

    def _make_room(self, size_bytes: int, keep: str) -> None:
        part = f"{keep}.part"
        files = [(path.stat(), path) for path in self._folder.iterdir() if path.name != part]
        used = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda each: each[0].st_mtime_ns):
            if used + size_bytes <= self._limit_bytes:
                return
            path.unlink()
            used -= stat.st_size


class Download:
    """One artifact on its way: written and hashed chunk by chunk, in one pass."""

    def __init__(self, folder: Path, sha256: str, size_bytes: int) -> None:
        self._folder = folder
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._part = folder / f"{sha256}.part"
        self._stream = self._part.open("a+b", buffering=0)
        if self._stream.seek(0, os.SEEK_END) > size_bytes:
            # A part that is too long is another one's: nothing of it can be trusted.
            self._stream.truncate(0)
        self._stream.seek(0)
        self._hash = _digest_of(self._stream)
        self.offset_bytes = self._stream.tell()

    def write(self, chunk: bytes) -> None:
        """Append the next bytes.

        Raises:
            ArtifactDamaged: more bytes than promised; the part is dropped.
            ArtifactRefused: the disk refuses; the part is kept.
        """
        if self.offset_bytes + len(chunk) > self._size_bytes:
            self.drop()
            raise ArtifactDamaged(
                f"artifact {self._sha256[:12]} is longer than the promised {self._size_bytes} bytes"
            )
        with _told_of(f"artifact {self._sha256[:12]}"):
            self._append(chunk)
        self._hash.update(chunk)
        self.offset_bytes += len(chunk)

    def _append(self, chunk: bytes) -> None:
        """Write all of it, or nothing that counts."""
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError:
            self._stream.truncate(self.offset_bytes)
            raise

    @property
    def complete(self) -> bool:
        """Whether every promised byte is here."""
        return self.offset_bytes == self._size_bytes

    def finish(self) -> Path:
        """Check the digest, and make the file outlive a power cut under its own name.

        Raises:
            ArtifactDamaged: bytes are missing, or are not the promised ones (the part is dropped).
            ArtifactRefused: the disk refuses.
        """
        name = self._sha256[:12]
        if not self.complete:
            raise ArtifactDamaged(
                f"artifact {name} ended after {self.offset_bytes} of {self._size_bytes} bytes"
            )
        if self._hash.hexdigest() != self._sha256:
            self.drop()
            raise ArtifactDamaged(
                f"artifact {name} arrived with other bytes: its SHA-256 is {self._hash.hexdigest()}"
            )
        path = self._folder / self._sha256
        with _told_of(f"artifact {name}"):
            put_in_place(self._part, path)
        return path

    def drop(self) -> None:
        """Keep nothing of what has arrived."""
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> "Download":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()


def _file_name(sha256: str) -> str:
    """The digest, once it is sure that it is one: it becomes a path on this device."""
    if not _SHA256.fullmatch(sha256):
        raise ArtifactRefused(f"the lease names no SHA-256 but {sha256[:80]!a}")
    return sha256


def _digest_of(stream: IO[bytes]) -> "hashlib._Hash":
    digest = hashlib.sha256()
    while chunk := stream.read(_READ_BYTES):
        digest.update(chunk)
    return digest


@contextmanager
def _told_of(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(what, error) from error


def _refused(what: str, error: OSError) -> ArtifactRefused:
    return ArtifactRefused(f"the {what} cannot be kept on the device's disk: {reason_of(error)}")
