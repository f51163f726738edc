"""Memory as the kernel counts it: this process's, and whom it killed for lack of it."""

import os
import re
from pathlib import Path

from agent.device.kernel_files import read_text
from protos.measuring import ProcessMemory

# See proc(5), /proc/pid/clear_refs.
_RESET_HIGH_WATER_MARK = "5"
# Addresses, permissions, offset, device, inode, then the file.
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ [0-9]+ *(.*)$")


def peak_rss_bytes(proc_root: Path) -> int:
    """High-water mark of resident memory (VmHWM).

    Not getrusage's ru_maxrss, which a child inherits from its parent over fork and exec.

    Raises:
        OSError: the kernel does not tell it.
    """
    peak = peak_rss_of(proc_root / "self")
    if peak is None:
        raise OSError(f"{proc_root}/self/status has no line VmHWM")
    return peak


def peak_rss_of(process: Path) -> int | None:
    """The same of the process whose /proc folder is given; None where the kernel does not tell."""
    return _amount_bytes(process / "status", "VmHWM")


class PeakMeter:
    """High-water marks of this process's resident memory, one a phase.

    Attributes:
        highest_bytes: the highest so far, those before the first phase included.
    """

    def __init__(self, proc_root: Path) -> None:
        """Begin the first phase.

        Raises:
            OSError: the kernel tells no high-water mark.
        """
        self._proc_root = proc_root
        self.highest_bytes = peak_rss_bytes(proc_root)
        self._resets = _reset_peak(proc_root)

    def end_phase(self) -> int | None:
        """The mark since the phase began, in bytes, or None where the kernel cannot reset it."""
        mark = peak_rss_bytes(self._proc_root)
        self.highest_bytes = max(self.highest_bytes, mark)
        if not self._resets:
            return None
        self._resets = _reset_peak(self._proc_root)
        return mark


def _reset_peak(proc_root: Path) -> bool:
    """Let the high-water mark fall to what is resident now; False where that is not allowed."""
    try:
        (proc_root / "self" / "clear_refs").write_text(_RESET_HIGH_WATER_MARK)
    except OSError:
        return False
    return True


def pss_bytes(proc_root: Path) -> int | None:
    """This process's proportional set size, or None where it is not told."""
    return _amount_bytes(proc_root / "self" / "smaps_rollup", "Pss")


def read_residence(proc_root: Path, artifact: Path) -> ProcessMemory:
    """What is resident now, by kind; `artifact` is the file that was loaded."""
    own = proc_root / "self"
    return ProcessMemory(
        private_dirty_bytes=_amount_bytes(own / "smaps_rollup", "Private_Dirty"),
        anonymous_bytes=anonymous_bytes(proc_root),
        file_backed_bytes=_amount_bytes(own / "status", "RssFile"),
        mapped_artifact_bytes=_mapped_bytes(own / "smaps", artifact),
    )


def anonymous_bytes(proc_root: Path) -> int | None:
    """This process's heap and stacks that are resident now, or None where it is not told."""
    return _amount_bytes(proc_root / "self" / "smaps_rollup", "Anonymous")


def _mapped_bytes(smaps: Path, file: Path) -> int | None:
    """Resident bytes of a file's mappings: 0 when it is not mapped."""
    text = read_text(smaps)
    if not text:
        return None
    # The kernel names a mapped file by where it is, whatever links led there.
    name = os.path.realpath(file)
    total, inside = 0, False
    for line in text.splitlines():
        mapping = _MAPPING.match(line)
        if mapping:
            inside = mapping[1] == name
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def oom_kills(proc_root: Path) -> int:
    """How many processes the kernel has killed for lack of memory; 0 where it does not count."""
    try:
        match = re.search(r"^oom_kill (\d+)$", (proc_root / "vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) if match else 0


def _amount_bytes(path: Path, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+([0-9]{{1,15}}) kB$", read_text(path) or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None
