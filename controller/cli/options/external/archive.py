"""A tar archive as people download models in: looked through, then unpacked beside nothing else.

Nothing is made but plain files below a new folder: what tarfile would do with links, devices,
owners and paths never happens, so that no filter is needed, which early Pythons 3.10 do not have.
"""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from controller.domain.catalog import check_size
from controller.domain.errors import EdgerankError, ErrorCode

MAX_MEMBERS: Final = 5_000
"""Most entries of an archive; a network with a file for each parameter has hundreds."""

MAX_DEPTH: Final = 8
"""Most folders in one another."""

# What macOS puts beside each file.
_APPLE_DOUBLE: Final = "._"
_DAMAGE: Final = (tarfile.TarError, EOFError, OSError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, compressed or not, whatever it is called."""
    try:
        return path.is_file() and tarfile.is_tarfile(path)
    except _DAMAGE:
        return False


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Gives, while inside, a folder with the files of an archive.

    Raises:
        EdgerankError: INVALID_INPUT for an archive with links, with paths that lead out of it, that
            is too large, too deep or damaged; STORAGE when there is no room for its files.
    """
    with tempfile.TemporaryDirectory(prefix="edgerank-") as made:
        folder = Path(made)
        try:
            with tarfile.open(path, "r:*") as archive:
                _unpack(archive, path, folder)
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise _refused(f"{path} cannot be unpacked: {error or 'it is damaged'}") from error
        except OSError as error:
            # A damaged stream has no number, a full disk has one.
            if error.errno is None:
                raise _refused(f"{path} cannot be unpacked: {error}") from error
            raise EdgerankError(
                ErrorCode.STORAGE, f"{path} could not be unpacked: {error.strerror}"
            ) from error
        yield folder


def _unpack(archive: tarfile.TarFile, path: Path, folder: Path) -> None:
    total_bytes = 0
    for number, member in enumerate(archive):
        if number >= MAX_MEMBERS:
            raise _refused(f"{path} has more than {MAX_MEMBERS:,} entries, so it is no one model")
        parts = _parts(path, member)
        # Before the next one is looked for, which reads all of this.
        total_bytes += member.size
        check_size(path.name, total_bytes)
        if member.isdir() or (parts and parts[-1].startswith(_APPLE_DOUBLE)):
            continue
        content = archive.extractfile(member)
        if content is None or not parts:
            raise _refused(f"{path} has {member.name[:80]!r}, which is no file")
        place = folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        with content, place.open("xb") as sink:
            shutil.copyfileobj(content, sink)


def _parts(path: Path, member: tarfile.TarInfo) -> tuple[str, ...]:
    """The path of an entry below the archive."""
    name = PurePosixPath(member.name)
    shown = f"{path} has {member.name[:80]!r}"
    if not (member.isreg() or member.isdir()):
        raise _refused(f"{shown}, a link or a device, which is not followed: pack the files alone")
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or ":" in member.name:
        raise _refused(f"{shown}, a path that leads out of it; pack the files by their names")
    if len(name.parts) > MAX_DEPTH:
        raise _refused(f"{shown}, below more than {MAX_DEPTH - 1} folders")
    return name.parts


def _refused(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, f"{sentence}; no model was added")
