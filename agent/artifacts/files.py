"""An artifact's file on the device: as it arrives, and as it is read."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, TypeAlias

from agent.device.kernel_files import OWN_DESCRIPTORS
from agent.state_folder import put_in_place, reason_of

PART: Final = ".part"
"""What the name of a file ends with that has not arrived whole."""

Chunk: TypeAlias = bytes | memoryview
"""Some bytes of an artifact, as they come."""

_READ_BYTES = 1024**2
# As soon as so many have come, they are on their way to the disk: else all wait for it at the end.
_FLUSHED_BYTES = 4 * 1024**2
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ArtifactRefused(Exception):
    """An artifact is not, or cannot be, in the cache whole; the message is one sentence."""


class DeviceDenied(Exception):
    """The controller gives this device nothing, whatever it asks for; the message is one sentence.

    Of the artifact nothing is said: its certificate was revoked or has ended.
    """


class ArtifactDamaged(ArtifactRefused):
    """What came is not what was promised; what comes the next time may be."""


class OpenArtifact:
    """An artifact's file, held open for reading.

    Its digest was taken of this file. What its name leads to may be another one by now, or nothing.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    @property
    def path(self) -> Path:
        """What leads to this very file, here and in a child that is given the descriptor."""
        return OWN_DESCRIPTORS / str(self._stream.fileno())

    def close(self) -> None:
        """Let it go."""
        self._stream.close()

    def __enter__(self) -> "OpenArtifact":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Download:
    """One artifact on its way: written and hashed chunk by chunk, in one pass."""

    def __init__(self, folder: Path, sha256: str, size_bytes: int) -> None:
        self._folder = folder
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._part = folder / f"{sha256}{PART}"
        self._stream = self._part.open("a+b", buffering=0)
        if self._stream.seek(0, os.SEEK_END) > size_bytes:
            # A part that is too long is another one's: nothing of it can be trusted.
            self._stream.truncate(0)
        self._stream.seek(0)
        self._hash = digest_of(self._stream)
        self.offset_bytes = self._stream.tell()
        self._flushed_bytes = self.offset_bytes

    def write(self, chunk: Chunk) -> None:
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
        with told_of(self._sha256):
            self._append(chunk)
        self._hash.update(chunk)
        self.offset_bytes += len(chunk)
        if self.offset_bytes - self._flushed_bytes >= _FLUSHED_BYTES:
            self._begin_flush()

    def _begin_flush(self) -> None:
        """Let the kernel write what has come, while more comes; nobody waits for it.

        Linux begins to write what it hears is needed no more; `fsync` then waits for little.
        """
        begin_bytes, self._flushed_bytes = self._flushed_bytes, self.offset_bytes
        size_bytes = self._flushed_bytes - begin_bytes
        # A file system that takes no advice has all to write at the end.
        with suppress(OSError):
            os.posix_fadvise(self._stream.fileno(), begin_bytes, size_bytes, os.POSIX_FADV_DONTNEED)

    def _append(self, chunk: Chunk) -> None:
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

    def finish(self) -> OpenArtifact:
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
        with told_of(self._sha256):
            put_in_place(self._part, self._folder / self._sha256)
            # The same file, which nobody who is given it can change.
            written = OWN_DESCRIPTORS / str(self._stream.fileno())
            return OpenArtifact(written.open("rb", buffering=0))

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


def file_name(sha256: str) -> str:
    """The digest, once it is sure that it is one: it becomes a path on this device.

    Raises:
        ArtifactRefused: it is none.
    """
    if not _SHA256.fullmatch(sha256):
        raise ArtifactRefused(f"the lease names no SHA-256 but {sha256[:80]!a}")
    return sha256


def digest_of(stream: IO[bytes]) -> "hashlib._Hash":
    """The SHA-256 of what an open file has from where it stands to its end."""
    digest = hashlib.sha256()
    while chunk := stream.read(_READ_BYTES):
        digest.update(chunk)
    return digest


@contextmanager
def told_of(sha256: str) -> Iterator[None]:
    """Say in one sentence what the disk refuses of an artifact, and what to do about it."""
    try:
        yield
    except OSError as error:
        raise ArtifactRefused(
            f"the artifact {sha256[:12]} cannot be kept on the device's disk: {reason_of(error)}"
        ) from error
