"""Whose a connection from this machine is, as the kernel tells: its owner needs no token."""

import sys
from collections.abc import Iterator, Sequence
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


class LocalConnection(NamedTuple):
    """Where a connection came from, and at which port of ours it came.

    Others may have the same address and port here towards another port, so that both ends count.

    Attributes:
        end: its other end.
        own_port: ours.
        own_address: ours where it is known; None where a port is that of several addresses.
    """

    end: Endpoint
    own_port: int
    own_address: IPv4Address | IPv6Address | None = None


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


def users_of(these: Sequence[LocalConnection], proc_net: Path) -> list[int | None]:
    """The ids of the users whose open connections these are; None where none is found, or several.

    The format is that of proc_net_tcp in the kernel's documentation. The kernel takes milliseconds
    to write a table, however few connections there are, so that many are looked for in one.
    They are, as the kernel spells them: of a fleet on one machine there are thousands of lines.
    """
    found: dict[LocalConnection, set[int]] = {came: set() for came in these}
    for table, version in _TABLES.items():
        if not found:
            break
        try:
            text = (proc_net / table).read_text(encoding="ascii")
        except OSError:
            continue
        for came, users in found.items():
            spelt = _spelt(came.end, version)
            if spelt is not None:
                users.update(_users_in(text, spelt, came.own_port))
    # Of two at several addresses of ours it is not known which of them came.
    only = {came: next(iter(users)) for came, users in found.items() if len(users) == 1}
    return [only.get(came) for came in these]


def _users_in(text: str, spelt: str, own_port: int) -> Iterator[int]:
    """Whose the open connections of a table are that lead from this end to a port of ours."""
    # Behind the number of the line, where the other end is not.
    start = f": {spelt} "
    at = text.find(start)
    while at >= 0:
        stop = text.find("\n", at)
        _colon, _end, own, state, *others = text[at : stop if stop >= 0 else None].split()
        # Of a connection that is closing the kernel tells another user.
        if state == _ESTABLISHED and own.rpartition(":")[2] == f"{own_port:04X}":
            yield int(others[3])
        at = text.find(start, at + 1)


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


def only_address(host: str) -> IPv4Address | IPv6Address | None:
    """The one address at which a host listens; None for a name, or for what is all addresses."""
    try:
        address = plain_address(ip_address(host))
    except ValueError:
        return None
    return None if address.is_unspecified else address
