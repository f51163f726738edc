"""The disk's room for uploads: what all that are on their way have announced is kept for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.conversions.disk_room import RESERVED_BYTES, lack_of_room
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.quantities import format_memory


@dataclass(eq=False)
class Promise:
    """The room that is kept for one upload, in bytes: less and less, as it is taken."""

    missing_bytes: int

    def taken(self, size_bytes: int) -> None:
        """So many have come, and are on the disk."""
        self.missing_bytes = max(0, self.missing_bytes - size_bytes)


class UploadRoom:
    """Promises room to uploads, and no more in all than there is."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """`folder` is where they are written, `most_bytes` what all may announce together."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._promises: set[Promise] = set()

    @contextmanager
    def promised(self, name: str, size_bytes: int) -> Iterator[Promise]:
        """Keeps room for an upload, for as long as it goes on.

        Args:
            name: what is uploaded.
            size_bytes: what it announces.

        Raises:
            EdgerankError: LIMIT when all uploads together announce too much, STORAGE when the disk
                has no room for what they do.
            OSError: the folder cannot be looked at.
        """
        promised_bytes = size_bytes + sum(each.missing_bytes for each in self._promises)
        if promised_bytes > self._most_bytes:
            raise EdgerankError(
                ErrorCode.LIMIT,
                f"{name} announces {format_memory(size_bytes)}, and all uploads at once may "
                f"be {format_memory(self._most_bytes)}; wait until other uploads have ended",
            )
        if lack := lack_of_room(self._folder, promised_bytes, RESERVED_BYTES):
            raise EdgerankError(ErrorCode.STORAGE, f"{name} cannot be kept: {lack}")
        promise = Promise(size_bytes)
        self._promises.add(promise)
        try:
            yield promise
        finally:
            self._promises.discard(promise)
