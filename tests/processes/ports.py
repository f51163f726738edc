"""Ports that stay a test's own also while nobody listens there."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port of an address that nobody is given who asks for any, until the end of the block.

    Whoever names it may listen there and end, again and again, as a server does that may follow on
    one that has just ended; as long as none listens, connections are refused.
    """
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((host, 0))
        yield int(kept.getsockname()[1])
