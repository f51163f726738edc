"""The files of /proc, /sys and their like; what cannot be read, or cannot be true, is absent."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

OWN_DESCRIPTORS: Final = Path("/proc/self/fd")
"""Where the kernel shows a process what it holds open, each file by its descriptor."""

# More than any of these files holds, so that one that never ends does not fill the memory.
_MAX_BYTES = 32 * 1024**2
# The most that a kernel can be built for (CONFIG_NR_CPUS).
_MAX_CPUS = 8_192


def own_descriptors(paths: Iterable[Path]) -> tuple[int, ...]:
    """The descriptors that paths lead through, where these are of this process."""
    return tuple(int(path.name) for path in paths if path.parent == OWN_DESCRIPTORS)


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Where the system's files are; tests give a folder with the tree of another device.

    Attributes:
        top: the folder that they are below.
        own: whether they are those of the machine that reads them.
    """

    top: Path = Path("/")
    own: ClassVar[bool] = True

    @property
    def proc(self) -> Path:
        """The kernel's files on processes."""
        return self.top / "proc"

    @property
    def sys(self) -> Path:
        """The kernel's files on devices."""
        return self.top / "sys"

    def refresh(self) -> None:
        """Let the files be those of now; a kernel's own always are."""

    def process(self, pid: int) -> Path:
        """The kernel's files on a process that measures."""
        return self.proc / str(pid)


def read_text(path: Path) -> str | None:
    """The file's text without surrounding blanks, or None when it cannot be read to its end."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError:
        return None
    # Device-tree strings end in a NUL.
    text = content.decode("utf-8", errors="replace").strip(" \t\n\0")
    return text if len(content) <= _MAX_BYTES else None


def read_whole(path: Path, lowest: int, highest: int) -> int | None:
    """The whole number in the file, or None when there is none between the bounds (included)."""
    text = read_text(path)
    if text is None or not re.fullmatch(r"-?[0-9]{1,19}", text):
        return None
    number = int(text)
    return number if lowest <= number <= highest else None


def exists(path: Path) -> bool:
    """Whether something is there; not, when that cannot be found out."""
    try:
        return path.exists()
    except OSError:
        return False


def entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; empty when it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def numbered(folder: Path, prefix: str) -> list[tuple[int, Path]]:
    """The entries `<prefix><number>` of a folder, by number."""
    matches = ((re.fullmatch(rf"{prefix}([0-9]+)", each.name), each) for each in entries(folder))
    return sorted((int(match[1]), each) for match, each in matches if match)


def online_cpus(sys_root: Path) -> list[tuple[int, Path]]:
    """The cores that are in use, with their folders, by number."""
    cpus = numbered(sys_root / "devices/system/cpu", "cpu")
    # Where a core cannot be taken off line, it has no such file.
    return [(cpu, folder) for cpu, folder in cpus if read_text(folder / "online") != "0"]


def cpu_numbers(listed: str) -> tuple[int, ...]:
    """The cores of a list as the kernel writes it ("0-3,8"), ascending; empty when it is none."""
    numbers: set[int] = set()
    for part in listed.split(","):
        span = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part.strip())
        if span is None:
            return ()
        first, last = int(span[1]), int(span[2] or span[1])
        if not first <= last < _MAX_CPUS:
            return ()
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))
