"""A backup is read into a folder, and held against its manifest to its end."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import DATABASE, MANIFEST, NAMES, FileEntry, Manifest
from controller.state.database import newest_revision
from controller.state.schema import database_file
from models.files import sync

_BLOCK_BYTES: Final = 1 << 20
_MAX_MANIFEST_BYTES: Final = 64 << 20


def unpacked(source: Path, folder: Path) -> Manifest:
    """Puts what a backup holds in a folder.

    Raises:
        EdgerankError: INVALID_INPUT for what is no whole backup, PRECONDITION for one of a newer
            edgerank.
        OSError: the disk fails.
    """
    manifest = _unpack(source, folder)
    _check_database(source, folder / DATABASE, manifest)
    return manifest


def _unpack(source: Path, folder: Path) -> Manifest:
    found: dict[str, FileEntry] = {}
    manifest = None
    with _read_whole(source), tarfile.open(source, mode="r:gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is None or manifest is not None:
                raise _no_backup(source, f"{member.name[:100]!a} does not belong there")
            if member.name == MANIFEST and member.size <= _MAX_MANIFEST_BYTES:
                manifest = Manifest.from_json(file.read())
            elif NAMES.fullmatch(member.name) and member.name not in found:
                found[member.name] = _extract(file, folder / member.name)
            else:
                raise _no_backup(source, f"{member.name[:100]!a} does not belong there")
    if manifest is None:
        raise _no_backup(source, "its end is missing")
    wrong = {name for name in found if manifest.files.get(name) != found[name]}
    wrong |= manifest.files.keys() - found.keys()
    if wrong or DATABASE not in found:
        raise _no_backup(source, f"{min(wrong, default=DATABASE)} is missing or changed")
    return manifest


def _extract(file: IO[bytes], target: Path) -> FileEntry:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size_bytes = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    sync(target.parent)
    return FileEntry(size_bytes=size_bytes, sha256=digest.hexdigest())


def _check_database(source: Path, database: Path, manifest: Manifest) -> None:
    if damage := database_file.damage(database):
        raise _no_backup(source, f"its database is damaged: {damage}")
    if manifest.schema_revision > newest_revision():
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"{source} was made by edgerank {manifest.edgerank}, which is newer than this one; "
            "update this one, then restore",
        )


def _no_backup(source: Path, why: str) -> EdgerankError:
    return EdgerankError(
        ErrorCode.INVALID_INPUT,
        f"{source} is no whole backup, and nothing was touched: {why}; take another",
    )


@contextmanager
def _read_whole(source: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.filename != os.fspath(source):
            raise
        raise EdgerankError(ErrorCode.INVALID_INPUT, f"there is no file {source}") from error
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise _no_backup(source, str(error) or "it ends early") from error
