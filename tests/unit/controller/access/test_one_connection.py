"""Whose a connection is, asked of the kernel by both of its ends."""

import os
import socket
from ipaddress import IPv4Address

from controller.access.local_peers import Endpoint
from controller.access.one_connection import user_of

HERE = IPv4Address("127.0.0.1")


def test_the_kernel_tells_whose_an_open_connection_to_one_of_our_ports_is() -> None:
    with (
        socket.create_server((str(HERE), 0)) as server,
        socket.create_server((str(HERE), 0)) as other,
        socket.create_connection(server.getsockname()) as client,
    ):
        end = Endpoint(HERE, client.getsockname()[1])
        port, other_port = server.getsockname()[1], other.getsockname()[1]
        assert user_of(end, [other_port, port]) == os.geteuid()
        assert user_of(end, [other_port]) is None
        assert user_of(end, []) is None


def test_a_port_at_which_somebody_listens_is_no_connection() -> None:
    with (
        socket.create_server((str(HERE), 0)) as server,
        socket.create_server((str(HERE), 0)) as other,
    ):
        end = Endpoint(HERE, other.getsockname()[1])
        assert user_of(end, [server.getsockname()[1]]) is None


def test_what_was_closed_is_nobodys() -> None:
    with socket.create_server((str(HERE), 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            end = Endpoint(HERE, client.getsockname()[1])
        assert user_of(end, [server.getsockname()[1]]) is None
