"""A state folder as one file: made while it is served, checked whole before it takes a place."""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Final

from cattrs import Converter

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.leftovers import clear_folders, clear_parts, hold, working_folder
from controller.state.schema import database_file
from models.files import put_in_place

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
KEPT: Final = ("access", "artifacts", "weights/own")
"""The folders that are in a backup, besides the database; what can be fetched again is not."""
DATABASE: Final = database_file.NAME
NAMES: Final = re.compile(
    rf"{re.escape(DATABASE)}|access/authority-\d+\.pem|artifacts/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
    r"|weights/own/[0-9a-f]+/\w[\w.-]*"
)
"""What files in a backup are called; others beside them, as half-written ones, are not kept."""
UNFINISHED: Final = "restoring.json"
"""Is there while a restore moves files, and tells how to move them back."""
_WORK: Final = ".edgerank-backup-"
# Artifacts are mostly numbers, which more effort does not make smaller.
_EFFORT: Final = 1
_TRIES: Final = 3

_converter = Converter(detailed_validation=False)


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """A file of a backup: its size in bytes, and its SHA-256 in lower-case hex."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds.

    Attributes:
        format: of the backup, so that an older edgerank refuses what it does not know.
        edgerank: version that made it.
        schema_revision: of the database.
        made_at_unix_ms: when, ms since 1970 UTC.
        files: by their paths in the state folder.
    """

    format: int
    edgerank: str
    schema_revision: str
    made_at_unix_ms: int
    files: dict[str, FileEntry]

    def to_json(self) -> bytes:
        """As it stands in the backup, the last of its members."""
        return json.dumps(_converter.unstructure(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """What `to_json` wrote.

        Raises:
            ValueError: it is none, or one of a later format.
        """
        try:
            manifest = _converter.structure(json.loads(content), cls)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("its manifest cannot be read") from error
        if manifest.format != FORMAT:
            raise ValueError(f"it is of format {manifest.format}, and this edgerank knows {FORMAT}")
        return manifest


def make_backup(state_dir: Path, target: Path, now_unix_ms: int) -> Manifest:
    """Writes a backup of a state folder, which may be served meanwhile; gives what it holds.

    The file is its owner's alone, since the keys that sign certificates are in it. It appears whole
    or not at all, and takes the place of none.

    Raises:
        EdgerankError: INVALID_INPUT for what is no state folder, or a file that is there already;
            STORAGE when something cannot be read or written.
    """
    with _storage_named(target):
        if (state_dir / UNFINISHED).exists():
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"a restore to {state_dir} has not ended: start the controller, which puts back "
                "what was there, or restore again",
            )
        if not (state_dir / DATABASE).exists():
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{state_dir} holds no {DATABASE}: name a controller's state folder with --state",
            )
        if target.exists():
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, f"{target} is there already; name another file"
            )
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    with _storage_named(target), working_folder(state_dir, _WORK) as work:
        clear_parts(target)
        try:
            database = work / DATABASE
            own = _copy_with_own_models(state_dir, database)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                hold(descriptor)
                manifest = _write(file, state_dir, database, own, now_unix_ms)
            put_in_place(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    return manifest


def clear_backups(state_dir: Path) -> None:
    """Removes what backups that were killed left in a state folder.

    Raises:
        EdgerankError: STORAGE when it cannot be removed.
    """
    try:
        clear_folders(state_dir, _WORK)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"what a backup left in {state_dir} cannot be removed: {error}; remove its folders "
            f"{_WORK}...",
        ) from error


def _copy_with_own_models(state_dir: Path, database: Path) -> frozenset[str]:
    """Copies the database, at a moment at which the own models that it names are there."""
    for _ in range(_TRIES):
        database_file.copy_database(state_dir / DATABASE, database)
        named = database_file.own_model_digests(database)
        # A model may be removed between the copy and the look at its files; then it is not named
        # any more either.
        if all((state_dir / "weights" / "own" / digest).is_dir() for digest in named):
            return named
    raise EdgerankError(
        ErrorCode.STORAGE,
        f"the files of a model are gone from {state_dir / 'weights' / 'own'}; remove the model "
        "with 'edgerank models remove', or bring them back",
    )


def _write(
    file: IO[bytes], state_dir: Path, database: Path, own: frozenset[str], now_unix_ms: int
) -> Manifest:
    files: dict[str, FileEntry] = {}
    with tarfile.open(
        fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT, compresslevel=_EFFORT
    ) as archive:
        for name, path in ((DATABASE, database), *_kept_files(state_dir, own)):
            entry = _add(archive, name, path, now_unix_ms)
            if entry is not None:
                files[name] = entry
            elif name.startswith("weights/"):
                raise EdgerankError(
                    ErrorCode.STORAGE,
                    "a model was removed while the backup was written; make it again",
                )
        manifest = Manifest(
            format=FORMAT,
            edgerank=metadata.version("edgerank"),
            schema_revision=database_file.revision(database) or "",
            made_at_unix_ms=now_unix_ms,
            files=files,
        )
        content = manifest.to_json()
        archive.addfile(_member(MANIFEST, len(content), now_unix_ms), io.BytesIO(content))
    return manifest


def _kept_files(state_dir: Path, own: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """What is kept besides the database, by name."""
    for folder in KEPT:
        for path in sorted((state_dir / folder).rglob("*")):
            name = path.relative_to(state_dir)
            is_kept = NAMES.fullmatch(name.as_posix()) and not path.is_symlink()
            if is_kept and (folder != "weights/own" or name.parts[2] in own):
                yield name.as_posix(), path


def _add(archive: tarfile.TarFile, name: str, path: Path, now_unix_ms: int) -> FileEntry | None:
    """Adds a file; None when it is gone since it was listed."""
    try:
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            reading = _Hashed(file)
            archive.addfile(_member(name, size_bytes, now_unix_ms), reading)
    except FileNotFoundError:
        return None
    return FileEntry(size_bytes=size_bytes, sha256=reading.sha256.hexdigest())


def _member(name: str, size_bytes: int, now_unix_ms: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size_bytes, now_unix_ms // 1_000, 0o600
    return member


class _Hashed:
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self._file.read(size)
        self.sha256.update(block)
        return block


@contextmanager
def _storage_named(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the backup {target} cannot be written: {error}; check that its disk has room, and "
            "that this is the user who runs the controller",
        ) from error
