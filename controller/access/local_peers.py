"""Whose a connection from this machine is, as the kernel tells: its owner needs no token."""

import sys
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

_ESTABLISHED: Final = "01"
_TABLES: Final = {"tcp": 4, "tcp6": 6}
# Before an address of IPv4 in the form of the other.
_MAPPED: Final = bytes(10) + b"\xff\xff"


class Endpoint(NamedTuple):
    """One end of a connection."""

    address: IPv4Address | IPv6Address
    port: int


def parse_peer(peer: str) -> Endpoint | None:
    """The end that gRPC calls so, as in ipv4:127.0.0.1:40000; None for what is no TCP."""
    kind, _, rest = unquote(peer).partition(":")
    host, _, port = rest.rpartition(":")
    if kind not in ("ipv4", "ipv6") or not port.isdecimal():
        return None
    try:
        return Endpoint(plain_address(ip_address(host.strip("[]").partition("%")[0])), int(port))
    except ValueError:
        return None


def is_of_loopback(peer: str) -> bool:
    """Whether a peer, as gRPC calls it, is on this machine, by the address that it came from."""
    end = parse_peer(peer)
    return end is not None and end.address.is_loopback


def users_of(ends: Sequence[Endpoint], proc_net: Path) -> list[int | None]:
    """The ids of the users whose open connections have these ends here; None where none is found.

    The format is that of proc_net_tcp in the kernel's documentation. The kernel takes milliseconds
    to write a table, however few connections there are, so that many ends are looked for in one.
    They are, as the kernel spells them: of a fleet on one machine there are thousands of lines.
    """
    found: dict[Endpoint, int] = {}
    for table, version in _TABLES.items():
        missing = [end for end in ends if end not in found]
        if not missing:
            break
        try:
            text = (proc_net / table).read_text(encoding="ascii")
        except OSError:
            continue
        for end in missing:
            user = _user_in(text, _spelt(end, version))
            if user is not None:
                found[end] = user
    return [found.get(end) for end in ends]


def _user_in(text: str, spelt: str | None) -> int | None:
    """Whose the open connection of a table is that has this end, as it is spelt there."""
    if spelt is None:
        return None
    # Behind the number of the line, where the other end is not.
    own = f": {spelt} "
    at = text.find(own)
    while at >= 0:
        stop = text.find("\n", at)
        fields = text[at + 1 : stop if stop >= 0 else None].split()
        # Of a connection that is closing the kernel tells another user.
        if fields[2] == _ESTABLISHED:
            return int(fields[6])
        at = text.find(own, at + 1)
    return None


def _spelt(end: Endpoint, version: int) -> str | None:
    """An end as the table of a version of IP has it; None where that has no such ends."""
    address = end.address
    if address.version > version:
        return None
    content = address.packed
    if address.version < version:
        content = _MAPPED + content
    if sys.byteorder == "little":
        # Words of 32 bits, each as this machine has it.
        words = [content[start : start + 4][::-1] for start in range(0, len(content), 4)]
        content = b"".join(words)
    return f"{content.hex().upper()}:{end.port:04X}"


def plain_address(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An address of IPv4 as one, also where it comes in the form of the other."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
