"""Makes what was renamed into a folder survive a loss of power."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Waits until the folder's own entries are on the disk.

    Raises:
        OSError: the folder cannot be opened or synced.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
