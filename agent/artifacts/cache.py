"""Artifacts on the device's disk, named by their SHA-256, as many as may be there."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from agent.artifacts.files import (
    PART,
    ArtifactRefused,
    Download,
    OpenArtifact,
    digest_of,
    file_name,
    told_of,
)
from protos.log_lines import event_log

DEFAULT_LIMIT: Final = "4GB"
"""The largest artifact of the catalog fits twice."""

log = event_log(__name__)


class ArtifactCache:
    """A folder of artifacts, limited in size; those used longest ago go first.

    Interrupted downloads stay as `<sha256>.part` and are resumed.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._held: Counter[str] = Counter()

    @contextmanager
    def holding(self, sha256: str) -> Iterator[None]:
        """Let an artifact, and what has come of it, make room for no other; used until the end.

        Raises:
            ArtifactRefused: the digest is none.
        """
        path = self._folder / file_name(sha256)
        self._held[sha256] += 1
        try:
            yield
        finally:
            self._held[sha256] -= 1
            if not self._held[sha256]:
                del self._held[sha256]
            with suppress(OSError):
                self._mark_used(path)

    def find(self, sha256: str) -> OpenArtifact | None:
        """The artifact's file, open; None when it is not here.

        Its digest is taken again: bytes that changed on the disk, or cannot be read any more, are
        dropped and not measured.

        Raises:
            ArtifactRefused: the digest is none, or the file can be neither used nor dropped.
        """
        path = self._folder / file_name(sha256)
        try:
            stream = path.open("rb", buffering=0)
            if digest_of(stream).hexdigest() == sha256:
                return OpenArtifact(stream)
            stream.close()
            why = "its bytes are not those of its digest any more"
        except FileNotFoundError:
            return None
        except OSError as error:
            why = f"it cannot be read any more ({error.strerror})"
        log.warning("a cached artifact is damaged; it is fetched anew", sha256=sha256, why=why)
        with told_of(sha256):
            path.unlink()
        return None

    def download(self, sha256: str, size_bytes: int) -> Download:
        """Begin or resume a download, after making room for it.

        Raises:
            ArtifactRefused: the digest is none, the artifact is larger than the cache may be, or
                than what no lease needs, or the disk refuses.
        """
        file_name(sha256)
        if size_bytes > self._limit_bytes:
            raise ArtifactRefused(
                f"artifact {sha256[:12]} has {size_bytes} bytes, more than the {self._limit_bytes} "
                "that the agent's cache may hold; start the agent with a larger --cache-size"
            )
        with told_of(sha256):
            self._folder.mkdir(parents=True, exist_ok=True)
            lacking = self._make_room(size_bytes, sha256)
            if lacking:
                raise ArtifactRefused(
                    f"artifact {sha256[:12]} lacks {lacking} bytes in the agent's cache beside "
                    "what leases need; start the agent with a larger --cache-size"
                )
            return Download(self._folder, sha256, size_bytes)

    def trim(self) -> None:
        """Remove what is too much for a limit that was higher before."""
        try:
            if self._folder.is_dir():
                self._make_room(0, "")
        except OSError as error:
            log.warning("the cache is larger than it may be", folder=self._folder, error=error)

    def _make_room(self, size_bytes: int, wanted: str) -> int:
        """Remove what was used longest ago and is not held; how much is lacking all the same."""
        files = [(path.stat(), path) for path in self._folder.iterdir() if path.is_file()]
        # What has come of the wanted one is in its size already.
        used = sum(stat.st_size for stat, path in files if path.name != f"{wanted}{PART}")
        for stat, path in sorted(files, key=lambda each: each[0].st_mtime_ns):
            if used + size_bytes <= self._limit_bytes:
                break
            sha256 = path.name.removesuffix(PART)
            if sha256 == wanted or sha256 in self._held:
                continue
            path.unlink()
            used -= stat.st_size
            log.info(
                "a cached artifact made room",
                sha256=sha256,
                size_bytes=stat.st_size,
                limit_bytes=self._limit_bytes,
            )
        return max(0, used + size_bytes - self._limit_bytes)

    def _mark_used(self, path: Path) -> None:
        """Give it a later time than any other has, also where the device's clock was set back."""
        newest_ns = max((each.stat().st_mtime_ns for each in self._folder.iterdir()), default=0)
        used_ns = max(time.time_ns(), newest_ns + 1)
        os.utime(path, ns=(used_ns, used_ns))
