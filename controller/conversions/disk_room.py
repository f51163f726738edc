"""Whether the state's disk has room for what comes next."""

import shutil
from pathlib import Path
from typing import Final

from controller.domain.quantities import format_memory

RESERVED_BYTES: Final = 2_000_000_000
"""What always stays free: a disk without a byte left stops the database, and everybody else."""


def lack_of_room(folder: Path, needed_bytes: int, spare_bytes: int) -> str:
    """Say why a disk has no room besides what has to stay free; empty when it has.

    Raises:
        OSError: the folder cannot be looked at.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes - needed_bytes >= spare_bytes:
        return ""
    return (
        f"the disk of {folder} has {format_memory(free_bytes)} free, of which "
        f"{format_memory(spare_bytes)} have to stay so; make room and ask again"
    )
