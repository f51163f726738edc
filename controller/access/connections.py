"""The connections that this process holds, as the kernel knows them, and the end of one.

gRPC tells of a connection only when a call comes, and ends one only when that call reads.
"""

import os
import resource
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

import psutil

from controller.access.local_peers import Endpoint, parse_peer, plain_address

# What one customer of a provider has of addresses.
_IPV6_PREFIX: Final = 64
# Of `tcp_info` in linux/tcp.h, since Linux 4.1: tcpi_bytes_received.
_RECEIVED_BYTES: Final = struct.Struct("=128xQ")


class Held(NamedTuple):
    """A connection that this process holds.

    Attributes:
        descriptor: by which it does.
        peer: its other end.
        port: of this process's, to which it leads.
        inode: of its socket, which no other has had; the same peer may come back by the same port.
    """

    descriptor: int
    peer: Endpoint
    port: int
    inode: int


def make_room_for_descriptors(wanted: int) -> int:
    """Lets this process have so many, as far as its hard limit goes; gives how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return raised


def count_descriptors() -> int:
    """How many this process has."""
    return psutil.Process().num_fds()


def held_connections(ports: Collection[int]) -> list[Held]:
    """What is connected to one of this process's own ports; what has just ended is left out."""
    held: list[Held] = []
    for each in psutil.Process().net_connections("tcp"):
        if each.raddr and each.laddr.port in ports:
            peer = Endpoint(plain_address(ip_address(each.raddr.ip)), each.raddr.port)
            with suppress(OSError):
                held.append(Held(each.fd, peer, each.laddr.port, _inode_of(each.fd)))
    return held


def _inode_of(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


def received_in(ports: Collection[int]) -> Mapping[Held, int]:
    """How many bytes have come so far in each connection to one of this process's own ports.

    One that has just ended is left out; all are where the kernel does not tell.
    """
    received: dict[Held, int] = {}
    for held in held_connections(ports):
        with _own_copy(held) as connection:
            told = b"" if connection is None else _told_of(connection)
        if len(told) == _RECEIVED_BYTES.size:
            received[held] = _RECEIVED_BYTES.unpack(told)[0]
    return received


def _told_of(connection: socket.socket) -> bytes:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED_BYTES.size)


def end_connection(held: Held) -> bool:
    """Ends one as a cable that breaks would, so that whoever uses it here hears of it.

    Gives False when it has ended by itself.
    """
    with _own_copy(held) as connection:
        if connection is None:
            return False
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True


@contextmanager
def _own_copy(held: Held) -> Iterator[socket.socket | None]:
    """The connection by a descriptor of its own; None where it has ended by itself.

    Its number may be another connection's by now, or a file's.
    """
    try:
        copied = os.dup(held.descriptor)
    except OSError:
        yield None
        return
    try:
        connection = socket.socket(fileno=copied)
    except OSError:
        os.close(copied)
        yield None
        return
    with connection:
        yield connection if _is(connection, held) else None


def _is(connection: socket.socket, held: Held) -> bool:
    try:
        if _inode_of(connection.fileno()) != held.inode:
            return False
        address, port, *_ = connection.getpeername()
        return Endpoint(plain_address(ip_address(address.partition("%")[0])), port) == held.peer
    except (OSError, ValueError):
        return False


def place_of(peer: str) -> str:
    """Where a peer is, as gRPC calls it: its address, of IPv6 the network of one customer."""
    end = parse_peer(peer)
    return place_of_end(end) if end is not None else peer.partition(":")[0]


def place_of_end(end: Endpoint) -> str:
    """Where an end is, in the same words."""
    if isinstance(end.address, IPv6Address) and not end.address.is_loopback:
        return str(IPv6Network((end.address, _IPV6_PREFIX), strict=False))
    return str(end.address)
