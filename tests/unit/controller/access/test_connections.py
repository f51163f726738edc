"""Connections are found by their other ends, and ended as a cable that breaks would."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from controller.access.connections import (
    Held,
    end_connection,
    held_connections,
    place_of,
    received_in,
)
from controller.access.local_peers import Endpoint


@pytest.mark.parametrize(
    ("peer", "place"),
    [
        ("ipv4:192.0.2.7:40000", "192.0.2.7"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:40000", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:40000", "2001:db8:1:2::/64"),
        ("ipv6:%5B::1%5D:40000", "::1"),
        ("unix:/run/some.socket", "unix"),
    ],
)
def test_a_place_is_an_address_or_the_network_of_one_customer(peer: str, place: str) -> None:
    assert place_of(peer) == place


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_that_is_ended_is_heard_of_at_both_ends(host: str) -> None:
    with (
        socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ) as listening,
        socket.create_connection(listening.getsockname()[:2], 30) as theirs,
        listening.accept()[0] as ours,
    ):
        port = listening.getsockname()[1]
        [held] = held_connections([port])
        assert held.descriptor == ours.fileno()
        assert held.peer == Endpoint(ip_address(host), theirs.getsockname()[1])
        assert end_connection(held)
        assert theirs.recv(1) == ours.recv(1) == b""


def test_a_number_that_is_another_connections_by_now_ends_nothing() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()[:2], 30) as theirs,
        listening.accept()[0] as ours,
    ):
        [held] = held_connections([listening.getsockname()[1]])
        # The same peer, who came back by the same port.
        assert not end_connection(held._replace(inode=held.inode + 1))
        another = Endpoint(ip_address("192.0.2.7"), theirs.getsockname()[1])
        assert not end_connection(held._replace(peer=another))
        ours.sendall(b"x")
        assert theirs.recv(1) == b"x"


def test_a_number_that_is_a_file_by_now_ends_nothing(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        peer, inode = Endpoint(ip_address("192.0.2.7"), 1), os.fstat(file.fileno()).st_ino
        assert not end_connection(Held(file.fileno(), peer, 1, inode))
        file.write("still open")
    assert (tmp_path / "file").read_text() == "still open"


def test_the_kernel_tells_how_much_came_in_a_connection_read_or_not() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()[:2], 30) as theirs,
        listening.accept()[0] as ours,
    ):
        port = listening.getsockname()[1]
        theirs.sendall(bytes(1_000))
        assert len(ours.recv(600, socket.MSG_WAITALL)) == 600
        [(held, received)] = received_in([port]).items()
        assert held.descriptor == ours.fileno()
        assert received == 1_000
