"""A backup takes the place of a state folder, once all of it was read and found whole."""

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import DATABASE, KEPT, MANIFEST, NAMES, FileEntry, Manifest
from controller.state.database import claim_state, newest_revision
from controller.state.schema import database_file
from models.files import sync

_FRESH: Final = "restoring-"
_BLOCK_BYTES: Final = 1 << 20
_MAX_MANIFEST_BYTES: Final = 64 << 20
# What SQLite keeps beside a database belongs to it.
_DATABASES: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")


def restore_backup(source: Path, state_dir: Path) -> tuple[Manifest, Path | None]:
    """Lets a backup take the place of what a state folder holds.

    Nothing of the folder is touched before the backup was read to its end, with every digest as its
    manifest has it. What was there is moved aside, into a folder within it.

    Returns:
        What the backup holds, and where what was there is now; None when nothing was.

    Raises:
        EdgerankError: INVALID_INPUT for what is no whole backup, PRECONDITION for a folder that a
            controller serves or a backup of a newer edgerank, STORAGE when the disk fails.
    """
    with claim_state(state_dir), _storage_named(state_dir), _fresh_folder(state_dir) as fresh:
        manifest = _unpack(source, fresh)
        _check_database(source, fresh / DATABASE, manifest)
        aside = _put_aside(state_dir, manifest.made_at_unix_ms)
        for name in (*KEPT, DATABASE):
            if (fresh / name).exists():
                (state_dir / name).parent.mkdir(exist_ok=True)
                (fresh / name).rename(state_dir / name)
        sync(state_dir)
    return manifest, aside


@contextmanager
def _fresh_folder(state_dir: Path) -> Iterator[Path]:
    """A folder on the same disk, without those that were left by who was killed."""
    for left in state_dir.glob(f"{_FRESH}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_FRESH, dir=state_dir) as folder:
        yield Path(folder)


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


def _put_aside(state_dir: Path, made_at_unix_ms: int) -> Path | None:
    """Moves what is there into a folder of its own; the database last, which names the rest."""
    there = [name for name in (*KEPT, *_DATABASES) if (state_dir / name).exists()]
    if not there:
        return None
    if mounted := [name for name in there if (state_dir / name).is_mount()]:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"{state_dir / mounted[0]} is a disk of its own and cannot be moved aside: unmount it, "
            "restore, and move what was restored to it",
        )
    aside = Path(tempfile.mkdtemp(prefix=f"before-restore-{made_at_unix_ms}-", dir=state_dir))
    for name in there:
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        (state_dir / name).rename(aside / name)
    return aside


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


@contextmanager
def _storage_named(state_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the backup cannot be restored to {state_dir}: {error}; check that its disk has room; "
            "what was there is in it, or in a folder before-restore-... within it",
        ) from error
