"""How much memory this machine has for conversions: what is free, within a container's limit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

SHARE: Final = 0.9
"""What conversions may take of it; the rest is for us and for whoever else needs some."""


def room_bytes(root: Path = Path("/")) -> int:
    """Return what conversions may take now, bytes; `root` holds `proc` and `sys`."""
    return round(SHARE * min([psutil.virtual_memory().available, *memory_limits(root)]))


def memory_limits(root: Path) -> Iterator[int]:
    """Return the limits of the control groups that this process is in, bytes.

    Both versions of control groups are read, and every group above, since its limit holds below. A
    container sees its own group as the topmost one.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            mount, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            limit = _read(mount / folder / name).strip()
            if limit.isdecimal():
                yield int(limit)


def _read(path: Path) -> str:
    """Return a file's text; empty where there is none: no such group, or another system."""
    try:
        return path.read_text()
    except OSError:
        return ""
