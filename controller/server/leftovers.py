"""What is worked in within a state folder is gone at the end, and what was left is cleared.

Who works holds a lock of the kernel on it, which ends with the process, however that ends: what
nobody holds was left by who was killed.
"""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from protos.log_lines import event_log

log = event_log(__name__)


@contextmanager
def working_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A folder of one's own; others of the prefix that were left go before it.

    Raises:
        OSError: it cannot be made.
    """
    clear_folders(parent, prefix)
    folder, lock = _held_folder(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def hold(descriptor: int) -> None:
    """Let an open file be in use until this process closes it, or ends."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def clear_folders(parent: Path, prefix: str) -> None:
    """Remove the folders of working that nobody holds.

    Raises:
        OSError: one cannot be removed.
    """
    _clear(path for path in parent.glob(f"{glob.escape(prefix)}*") if path.is_dir())


def clear_parts(beside: Path) -> None:
    """Remove the files that were being written to take this place, and that nobody holds.

    Raises:
        OSError: one cannot be removed.
    """
    _clear(beside.parent.glob(f".{glob.escape(beside.name)}.*.part"))


def _clear(paths: Iterable[Path]) -> None:
    for path in tuple(paths):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(path)
            log.warning("what was left by a process that was killed is removed", path=path)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _held_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        hold(lock)
        # Until it was held, it was like one that was left.
        if folder.exists():
            return folder, lock
        os.close(lock)
