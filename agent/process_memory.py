"""Memory as the kernel counts it: this process's, and whom it killed for lack of it."""

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


def oom_kills(proc_root: Path) -> int:
    """How many processes the kernel has killed for lack of memory; 0 where it does not count."""
    try:
        match = re.search(r"^oom_kill (\d+)$", (proc_root / "vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) if match else 0


def _amount_bytes(path: Path, name: str) -> int | None:
    match = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    return int(match[1]) * 1024 if match else None
