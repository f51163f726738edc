"""The bytes of artifacts, named by their SHA-256, in an object store."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Final

import obstore
from obstore.store import LocalStore

from controller.domain.errors import EdgerankError, ErrorCode

CHUNK_BYTES: Final = 512 << 10
"""So much is read, and given, at once; who reads a blob holds as much some times over."""
LARGE_CHUNK_BYTES: Final = 2 * CHUNK_BYTES
"""For few readers: each chunk costs a way through the threads, the fewer the faster."""
# Beside the threads that the database waits in, since a disk may be slow.
_READING: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="reading")
# Of the store: no key is below it.
DAMAGED_FOLDER = "damaged"


class BlobDamaged(Exception):
    """Stored bytes are gone, cannot be read, or are not those of their digest: the message says."""


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
            f"cannot use {folder} for artifacts ({_first_line(error)}); "
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
            f"({_first_line(error)}); check that the state's disk is writable and has room",
        ) from error


def has_blob(blobs: LocalStore, sha256: str, size_bytes: int) -> bool:
    """Whether the bytes are there in full length."""
    try:
        return obstore.head(blobs, _key(sha256))["size"] == size_bytes
    except FileNotFoundError:
        return False


async def read_blob(
    blobs: LocalStore, sha256: str, offset_bytes: int, chunk_bytes: int = CHUNK_BYTES
) -> AsyncGenerator[memoryview, None]:
    """The bytes from an offset on, in chunks of at most `chunk_bytes`, in order.

    Every byte is read, those before the offset as well, and the last chunk is given only when the
    digest of all is the right one: nobody has damaged bytes whole.

    Raises:
        BlobDamaged: it is gone, cannot be read or has other bytes.
        EdgerankError: INVALID_INPUT for what is no digest, OUT_OF_RANGE for an offset past the end.
    """
    digest, place_bytes, last = hashlib.sha256(), 0, memoryview(b"")
    async with aclosing(_blocks(blobs, _key(sha256), digest, chunk_bytes)) as blocks:
        async for block in blocks:
            wanted = block[max(0, offset_bytes - place_bytes) :]
            place_bytes += len(block)
            if wanted:
                if last:
                    yield last
                last = wanted
    if digest.hexdigest() != sha256:
        raise BlobDamaged("its bytes are not those of its digest")
    if offset_bytes > place_bytes:
        raise EdgerankError(
            ErrorCode.OUT_OF_RANGE,
            f"offset {offset_bytes} is past the end of artifact {sha256[:12]}, "
            f"which has {place_bytes} bytes; fetch it from the start",
        )
    if last:
        yield last


async def damage_of(blobs: LocalStore, sha256: str) -> str:
    """What is wrong with stored bytes, which are read whole; empty when nothing is."""
    try:
        async for _chunk in read_blob(blobs, sha256, 0):
            pass
    except BlobDamaged as damage:
        return str(damage)
    return ""


async def put_aside(blobs: LocalStore, sha256: str) -> None:
    """Moves damaged bytes to where nobody is served from, in the place of earlier ones.

    Raises:
        EdgerankError: STORAGE when the disk refuses.
    """
    key, place = _key(sha256), f"{DAMAGED_FOLDER}/{sha256}"
    # A folder cannot take the place of a file.
    failure = await _move(blobs, key, place) and await _move(
        blobs, key, f"{place}.{uuid.uuid4().hex[:8]}"
    )
    if failure:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the damaged artifact {sha256[:12]} cannot be put aside ({failure}); check that the "
            "state's disk is writable",
        )


async def _move(blobs: LocalStore, key: str, place: str) -> str:
    """Why what is at a key, if anything, cannot be moved; empty when it was."""
    try:
        await obstore.rename_async(blobs, key, place)
    except (FileNotFoundError, obstore.exceptions.NotFoundError):
        return ""
    except (OSError, obstore.exceptions.BaseError) as error:
        return _first_line(error)
    return ""


async def _blocks(
    blobs: LocalStore, key: str, digest: "hashlib._Hash", block_bytes: int
) -> AsyncGenerator[memoryview, None]:
    """All bytes, so many at a time, taken into a digest; the next are read meanwhile."""
    loop = asyncio.get_running_loop()

    def read(start: int) -> memoryview:
        length = min(block_bytes, size_bytes - start)
        block = memoryview(obstore.get_range(blobs, key, start=start, length=length))
        digest.update(block)
        return block

    try:
        size_bytes = (await obstore.head_async(blobs, key))["size"]
        if not size_bytes:
            return
        reading = loop.run_in_executor(_READING, read, 0)
        for start in range(block_bytes, size_bytes, block_bytes):
            block = await reading
            reading = loop.run_in_executor(_READING, read, start)
            yield block
        yield await reading
    except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
        raise BlobDamaged("it is gone") from error
    except (OSError, obstore.exceptions.BaseError) as error:
        raise BlobDamaged(f"it cannot be read ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _key(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise EdgerankError(ErrorCode.INVALID_INPUT, f"{sha256!r} is no SHA-256 in lower-case hex")
    return f"{sha256[:2]}/{sha256}"
