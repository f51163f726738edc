"""For which processor a program or a library was built, as its ELF header tells."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

HEAD_BYTES: Final = 20
"""As much of a file as tells it."""
# The machine in the head of an ELF file of 64 bits; boards of 32 run no agent.
_MACHINES: Final = MappingProxyType({62: "x86_64", 183: "aarch64"})


def machine_in(head: bytes) -> str | None:
    """The architecture, as `uname -m` says; None of what is no program of 64 bits known here."""
    is_elf = head[:5] == b"\x7fELF\x02" and len(head) == HEAD_BYTES
    return _MACHINES.get(int.from_bytes(head[18:20], "little")) if is_elf else None


def machine_of(path: Path) -> str | None:
    """The same of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return machine_in(file.read(HEAD_BYTES))
