"""The bytes of artifacts, named by their SHA-256, in an object store."""

from collections.abc import AsyncIterator
from pathlib import Path

import obstore
from obstore.store import LocalStore

from controller.domain.errors import EdgerankError, ErrorCode

# Larger ones were slower: they are cut into frames by the transport, and copied once more.
CHUNK_BYTES = 256 << 10
# One read of the store serves many chunks: a read costs far more than a slice.
READ_BYTES = 8 << 20


def open_blobs(state_dir: Path) -> LocalStore:
    """The store of a state folder.

    Raises:
        EdgerankError: STORAGE when its folder cannot be made.
    """
    folder = state_dir / "artifacts"
    try:
        return LocalStore(folder, mkdir=True)
    except (OSError, obstore.exceptions.BaseError) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot use {folder} for artifacts ({str(error).splitlines()[0]}); "
            "make it a writable folder or choose another state folder",
        ) from error


def put_blob(blobs: LocalStore, sha256: str, path: Path) -> None:
    """Stores a file's bytes; they appear whole or not at all.

    Raises:
        EdgerankError: STORAGE when the store cannot take them.
    """
    try:
        obstore.put(blobs, _key(sha256), path)
    except (OSError, obstore.exceptions.BaseError) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"an artifact of {path.stat().st_size} bytes could not be stored "
            f"({str(error).splitlines()[0]}); check that the state's disk is writable and has room",
        ) from error


def has_blob(blobs: LocalStore, sha256: str, size_bytes: int) -> bool:
    """Whether the bytes are there in full length."""
    try:
        return obstore.head(blobs, _key(sha256))["size"] == size_bytes
    except FileNotFoundError:
        return False


async def blob_size(blobs: LocalStore, sha256: str) -> int:
    """The length of an artifact in bytes.

    Raises:
        EdgerankError: UNKNOWN_NAME for an unknown digest.
    """
    try:
        return (await obstore.head_async(blobs, _key(sha256)))["size"]
    except FileNotFoundError as error:
        raise EdgerankError(
            ErrorCode.UNKNOWN_NAME, f"no artifact has the digest {sha256!r}"
        ) from error


async def read_blob(blobs: LocalStore, sha256: str, offset_bytes: int) -> AsyncIterator[memoryview]:
    """The bytes from an offset on, in chunks of at most CHUNK_BYTES, in order.

    Raises:
        EdgerankError: UNKNOWN_NAME for an unknown digest, OUT_OF_RANGE for an offset past the end.
    """
    size_bytes = await blob_size(blobs, sha256)
    if offset_bytes > size_bytes:
        raise EdgerankError(
            ErrorCode.OUT_OF_RANGE,
            f"offset {offset_bytes} is past the end of artifact {sha256[:12]}, "
            f"which has {size_bytes} bytes; fetch it from the start",
        )
    while offset_bytes < size_bytes:
        length = min(READ_BYTES, size_bytes - offset_bytes)
        block = memoryview(
            await obstore.get_range_async(blobs, _key(sha256), start=offset_bytes, length=length)
        )
        for start in range(0, length, CHUNK_BYTES):
            yield block[start : start + CHUNK_BYTES]
        offset_bytes += length


def _key(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise EdgerankError(ErrorCode.INVALID_INPUT, f"{sha256!r} is no SHA-256 in lower-case hex")
    return f"{sha256[:2]}/{sha256}"
