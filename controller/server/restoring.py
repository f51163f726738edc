"""A backup takes the place of a state folder, once all of it was read and found whole."""

import gzip
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import (
    DATABASE,
    KEPT,
    MANIFEST,
    NAMES,
    UNFINISHED,
    FileEntry,
    Manifest,
)
from controller.server.leftovers import clear_folders, remove, working_folder
from controller.state.database import claim_state, newest_revision
from controller.state.schema import database_file
from models.files import put_in_place, sync
from protos.log_lines import event_log
from sandbox.ownership import make_private

log = event_log(__name__)

STAGED: Final = "restore-at-next-start"
"""What is to be restored when a controller starts, whole and checked."""
_FRESH: Final = "restoring-"
_STAGING: Final = ".edgerank-restore-"
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
    with _stopped(state_dir):
        undo_restore(state_dir)
        with _storage_named(state_dir), _fresh_folder(state_dir) as fresh:
            manifest = _unpacked(source, fresh)
            remove(state_dir / STAGED)
            aside = _exchange(fresh, state_dir, manifest.made_at_unix_ms)
    return manifest, aside


def stage_backup(source: Path, state_dir: Path) -> Manifest:
    """Has a backup take the place of what a state folder holds when a controller starts there.

    Until then a controller may serve the folder. The backup is read and checked now; another one
    that was to be restored then is let go.

    Returns:
        What the backup holds.

    Raises:
        EdgerankError: as `restore_backup` does, but for a folder that is served.
    """
    with _storage_named(state_dir), _staging_folder(state_dir) as fresh:
        manifest = _unpacked(source, fresh)
        _refuse_disks(state_dir, KEPT)
        (fresh / MANIFEST).write_bytes(manifest.to_json())
        sync(fresh)
        remove(state_dir / STAGED)
        fresh.rename(state_dir / STAGED)
        sync(state_dir)
    return manifest


def settle_restores(state_dir: Path) -> None:
    """Undoes a restore that has not ended, and does one that was put off until a controller starts.

    Where the latter cannot be done, what was there stays.

    Raises:
        EdgerankError: as `undo_restore` does.
    """
    undo_restore(state_dir)
    try:
        clear_folders(state_dir, _STAGING)
        if not (state_dir / STAGED).exists():
            return
        with _fresh_folder(state_dir) as fresh:
            # Should this be killed, it is undone, and not done again.
            staged = (state_dir / STAGED).rename(fresh / STAGED)
            manifest = Manifest.from_json((staged / MANIFEST).read_bytes())
            aside = _exchange(staged, state_dir, manifest.made_at_unix_ms)
    except (EdgerankError, OSError, ValueError) as error:
        if (state_dir / UNFINISHED).exists():
            # What was there is not all there.
            raise
        log.error("a backup could not be restored; what was there is served", error=error)
        return
    log.warning("a backup took the place of what was there", path=aside)


def undo_restore(state_dir: Path) -> None:
    """Moves back what was moved aside by a restore that failed or was killed while it moved files.

    Raises:
        EdgerankError: STORAGE when something cannot be moved; the next call goes on.
    """
    note = state_dir / UNFINISHED
    if not note.exists():
        return
    try:
        moving = _Moving.from_json(note.read_bytes())
        aside = state_dir / moving.aside
        for name in (*KEPT, *_DATABASES):
            is_kept = (aside / name).exists()
            if name in moving.there and not is_kept:
                # Not moved, or moved back.
                continue
            remove(state_dir / name)
            if is_kept:
                _move(name, aside, state_dir)
        sync(state_dir)
        remove(aside)
        note.unlink()
        sync(state_dir)
    except (OSError, ValueError) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"a restore to {state_dir} has not ended, and what was there cannot be moved back: "
            f"{error}; it is there, or in a folder before-restore-... within it",
        ) from error
    log.warning("a restore that had not ended is undone", path=state_dir)


@dataclass(frozen=True, kw_only=True)
class _Moving:
    """What a restore moves: `there` is what was there, and goes to the folder `aside`."""

    aside: str
    there: list[str]

    @classmethod
    def from_json(cls, content: bytes) -> "_Moving":
        """What `to_json` wrote; raises ValueError where it did not."""
        try:
            return cls(**json.loads(content))
        except TypeError as error:
            raise ValueError(f"{UNFINISHED} cannot be read") from error

    def to_json(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()


def _exchange(fresh: Path, state_dir: Path, made_at_unix_ms: int) -> Path | None:
    """Moves what is there aside, and a restored state in its place: all of it, or nothing.

    The database goes last, which names the rest.
    """
    there = [name for name in (*KEPT, *_DATABASES) if (state_dir / name).exists()]
    _refuse_disks(state_dir, there)
    aside = Path(tempfile.mkdtemp(prefix=f"before-restore-{made_at_unix_ms}-", dir=state_dir))
    _note(state_dir, _Moving(aside=aside.name, there=there))
    try:
        for name in there:
            _move(name, state_dir, aside)
        for name in (*KEPT, DATABASE):
            if (fresh / name).exists():
                _move(name, fresh, state_dir)
        sync(state_dir)
    except BaseException:
        undo_restore(state_dir)
        raise
    (state_dir / UNFINISHED).unlink()
    sync(state_dir)
    if there:
        return aside
    aside.rmdir()
    return None


def _refuse_disks(state_dir: Path, names: Iterable[str]) -> None:
    mounted = next((name for name in names if (state_dir / name).is_mount()), None)
    if mounted is not None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"{state_dir / mounted} is a disk of its own and cannot be moved aside: unmount it, "
            "restore, and move what was restored to it",
        )


def _note(state_dir: Path, moving: _Moving) -> None:
    beside = state_dir / f"{UNFINISHED}.part"
    beside.write_bytes(moving.to_json())
    put_in_place(beside, state_dir / UNFINISHED)


def _move(name: str, source: Path, target: Path) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).rename(target / name)


@contextmanager
def _stopped(state_dir: Path) -> Iterator[None]:
    """Holds a folder that no controller serves."""
    with ExitStack() as held:
        try:
            held.enter_context(claim_state(state_dir))
        except EdgerankError as error:
            if error.code is not ErrorCode.PRECONDITION:
                raise
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"a controller serves {state_dir}: stop it and restore then, or restore with "
                "--at-next-start, which reads the file now",
            ) from error
        yield


@contextmanager
def _staging_folder(state_dir: Path) -> Iterator[Path]:
    """A folder on the same disk of one's own, whoever serves the state."""
    make_private(state_dir)
    with working_folder(state_dir, _STAGING) as folder:
        yield folder


@contextmanager
def _fresh_folder(state_dir: Path) -> Iterator[Path]:
    """A folder on the same disk, without those that were left by who was killed."""
    for left in state_dir.glob(f"{_FRESH}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_FRESH, dir=state_dir) as folder:
        yield Path(folder)


def _unpacked(source: Path, folder: Path) -> Manifest:
    """What a backup holds, in a folder, once all of it was found whole."""
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
