"""For which processor and which system a program or library was built, as its ELF header tells."""

import struct
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

# Of the header: the class and the machine; as `uname -m` names the latter.
_MACHINES = MappingProxyType({3: "i686", 40: "armv7l", 62: "x86_64", 183: "aarch64"})
_PROGRAM_INTERPRETER: Final = 3
# The header, and the table that it leads to, are at the file's beginning.
_READ_BYTES: Final = 64 * 1024


class NoElf(Exception):
    """The file is no program or library of Linux."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a file was built for.

    Attributes:
        architecture: as `uname -m` says; empty for one that is not known here.
        interpreter: the path of what loads it; empty for a library or a static program.
    """

    architecture: str
    interpreter: str


def read_built(path: Path) -> Built:
    """What a file was built for.

    Raises:
        NoElf: it is no program or library of Linux, or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_READ_BYTES)
        return _built(head)
    except (OSError, struct.error) as error:
        raise NoElf(f"{path} cannot be read as a program ({error})") from error


def _built(head: bytes) -> Built:
    if head[:4] != b"\x7fELF" or head[5:6] != b"\x01":
        raise struct.error("it has no ELF header of a little-endian machine")
    wide = head[4] == 2
    (machine,) = struct.unpack_from("<H", head, 18)
    (table,) = struct.unpack_from("<Q" if wide else "<I", head, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", head, 54 if wide else 42)
    interpreter = ""
    for number in range(count):
        at = table + number * size
        (kind,) = struct.unpack_from("<I", head, at)
        if kind == _PROGRAM_INTERPRETER:
            layout, first = ("<Q", 8) if wide else ("<I", 4)
            (offset,) = struct.unpack_from(layout, head, at + first)
            interpreter = head[offset : head.index(b"\0", offset)].decode("ascii", "replace")
    return Built(architecture=_MACHINES.get(machine, ""), interpreter=interpreter)
