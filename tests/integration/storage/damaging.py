"""What happens to files on a disk."""

from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], None]


def flip(path: Path) -> None:
    """One byte in the middle is another."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    """The end is missing."""
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)


def lengthen(path: Path) -> None:
    """Something stands behind the end."""
    with path.open("ab") as stream:
        stream.write(b"behind")


def remove(path: Path) -> None:
    """It is gone."""
    path.unlink()


def make_unreadable(path: Path) -> None:
    """It cannot be read, by no user."""
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Damage] = {
    "flipped": flip,
    "cut": cut,
    "longer": lengthen,
    "gone": remove,
    "unreadable": make_unreadable,
}
