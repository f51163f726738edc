"""Folders that only their owner reads, whether one is still there, and when it was written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(folder: Path) -> tuple[Path, ...]:
    """Make a folder that only its owner reads, and whatever this process makes from now on.

    A folder that is there already is closed to others, and so are the files right in it; below its
    folders nobody else comes then.

    Returns:
        What was open to others and is not any more.

    Raises:
        OSError: it cannot be made or closed.
    """
    os.umask(_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    within = [path for path in folder.iterdir() if not path.is_symlink()]
    return tuple(path for path in (folder, *within) if _close(path))


def open_to_others(folder: Path) -> tuple[Path, ...]:
    """Return what `make_private` would close, and close nothing.

    Raises:
        OSError: it cannot be looked at.
    """
    within = [path for path in folder.iterdir() if not path.is_symlink()]
    return tuple(path for path in (folder, *within) if _mode(path) & _OTHERS)


def nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that this user can see."""
    return next(path for path in (folder, *folder.parents) if _found(path) is not None)


def newest_unix_ms(folder: Path) -> int:
    """Return when the newest file right in a folder was written, by this clock; 0 for none."""
    try:
        return max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0) // 1_000_000
    except OSError:
        return 0


def _close(path: Path) -> bool:
    mode = _mode(path)
    if not mode & _OTHERS:
        return False
    path.chmod(mode & ~_OTHERS)
    return True


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        # Gone since it was listed, and open to nobody.
        return 0


@dataclass(frozen=True, slots=True)
class Presence:
    """Files and folders as they are now, so that it can be told later whether they still are.

    Attributes:
        places: by path, which file or folder is there.
    """

    places: tuple[tuple[Path, tuple[int, int]], ...]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Presence:
        """Look at what is there.

        Raises:
            OSError: something is not.
        """
        return cls(tuple((path, _identity(path)) for path in paths))

    def gone(self) -> Path | None:
        """Return what was removed or replaced, the first of it."""
        return next((path for path, identity in self.places if _found(path) != identity), None)


def _found(path: Path) -> tuple[int, int] | None:
    try:
        return _identity(path)
    except OSError:
        return None


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return (found.st_dev, found.st_ino)
