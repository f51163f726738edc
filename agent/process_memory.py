"""Memory of this process, as the kernel counts it."""

import re
from pathlib import Path


def peak_rss_bytes(proc_root: Path) -> int:
    """High-water mark of resident memory (VmHWM).

    Not getrusage's ru_maxrss, which a child inherits from its parent over fork and exec.

    Raises:
        OSError: the kernel does not tell it.
    """
    peak = _amount_bytes(proc_root / "self" / "status", "VmHWM")
    if peak is None:
        raise OSError(f"{proc_root}/self/status has no line VmHWM")
    return peak


def pss_bytes(proc_root: Path) -> int | None:
    """Proportional set size now, or None where the kernel does not give it."""
    try:
        return _amount_bytes(proc_root / "self" / "smaps_rollup", "Pss")
    except OSError:
        return None


def _amount_bytes(path: Path, name: str) -> int | None:
    match = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else None
