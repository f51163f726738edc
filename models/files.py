"""Gives files their place so that a loss of power leaves them whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def put_in_place(beside: Path, path: Path) -> None:
    """Make a file durable that was written beside its place, and let it take that place.

    Raises:
        OSError: the disk refuses.
    """
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
