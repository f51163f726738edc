"""Whose a connection from this machine is, as the kernel tells: its owner needs no token."""

import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

_ESTABLISHED: Final = "01"
_TABLES: Final = ("tcp", "tcp6")


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


def user_of(end: Endpoint, proc_net: Path) -> int | None:
    """The user id whose open connection has this end on this machine; None where none is found.

    The format is that of proc_net_tcp in the kernel's documentation.
    """
    for table in _TABLES:
        try:
            lines = (proc_net / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            # Of a connection that is closing the kernel tells another user.
            if fields[3] == _ESTABLISHED and _end(fields[1]) == end:
                return int(fields[7])
    return None


def _end(field: str) -> Endpoint:
    address, _, port = field.partition(":")
    content = bytes.fromhex(address)
    if sys.byteorder == "little":
        # Words of 32 bits, each as this machine has it.
        words = [content[start : start + 4][::-1] for start in range(0, len(content), 4)]
        content = b"".join(words)
    return Endpoint(plain_address(ip_address(content)), int(port, 16))


def plain_address(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An address of IPv4 as one, also where it comes in the form of the other."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
