"""Spools as a failing disk leaves them."""

from pathlib import Path

from agent.link.kept.spool import Spool

_PAGE_BYTES = 4_096


def fill(path: Path, reports: int) -> None:
    """A spool with so many reports of 1,000 bytes, closed."""
    spool = Spool(path)
    for number in range(reports):
        spool.put(f"attempt-{number:03}", bytes(1_000))
    spool.close()


def damage(path: Path) -> bytes:
    """Spoil a page in the middle of the file; gives what it holds then."""
    content = bytearray(path.read_bytes())
    # Every other page of the middle, so that one at least is of reports, whatever lies where.
    middle = len(content) // _PAGE_BYTES // 2
    for page in range(middle - 2, middle + 2):
        content[page * _PAGE_BYTES : page * _PAGE_BYTES + 512] = b"\xff" * 512
    path.write_bytes(content)
    return bytes(content)
