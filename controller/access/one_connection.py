"""Whose one connection of this machine is, which the kernel tells by both of its ends.

It finds that at once, while a table of all connections takes it milliseconds to write.
"""

import socket
import struct
from typing import Final

from controller.access.local_peers import LocalConnection

# Of sock_diag(7) and netlink(7).
_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_REQUEST: Final = 1
_ESTABLISHED: Final = 1
_ANY_COOKIE: Final = b"\xff" * 8
_HEADER: Final = struct.Struct("=IHHII")
_WHAT: Final = struct.Struct("=BBxxI")
_ENDS: Final = struct.Struct("!HH16s16s")
_TOLD: Final = struct.Struct("=xB2x48x12xI4x")
_ANSWER_BYTES: Final = 4_096
_ANSWER_S: Final = 1.0


def user_of(came: LocalConnection) -> int | None:
    """The id of the user whose open connection it is.

    None where there is none, where our address is not known, or where the kernel does not tell: its
    table of all may have it.
    """
    if came.own_address is None or came.own_address.version != came.end.address.version:
        return None
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
            kernel.settimeout(_ANSWER_S)
            kernel.sendto(_request(came, came.own_address.packed), (0, 0))
            return _user_in(kernel.recv(_ANSWER_BYTES))
    except OSError:
        return None


def _request(came: LocalConnection, own_address: bytes) -> bytes:
    end = came.end
    family = socket.AF_INET if end.address.version == 4 else socket.AF_INET6
    content = (
        _WHAT.pack(family, socket.IPPROTO_TCP, 1 << _ESTABLISHED)
        + _ENDS.pack(end.port, came.own_port, end.address.packed, own_address)
        # Of any interface.
        + bytes(4)
        + _ANY_COOKIE
    )
    return _HEADER.pack(_HEADER.size + len(content), _BY_FAMILY, _REQUEST, 0, 0) + content


def _user_in(answer: bytes) -> int | None:
    """Whose it is; None where the answer is an error, or of one that is closing."""
    if len(answer) < _HEADER.size + _TOLD.size or _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    state, user = _TOLD.unpack_from(answer, _HEADER.size)
    return int(user) if state == _ESTABLISHED else None
