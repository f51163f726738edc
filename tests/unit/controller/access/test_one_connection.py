"""Whose a connection is, asked of the kernel by both of its ends."""

import os
import socket
from ipaddress import IPv4Address

from controller.access.local_peers import Endpoint, LocalConnection
from controller.access.one_connection import user_of

HERE = IPv4Address("127.0.0.1")


def connection(client: socket.socket, server: socket.socket) -> LocalConnection:
    end = Endpoint(HERE, client.getsockname()[1])
    return LocalConnection(end, server.getsockname()[1], HERE)


def test_the_kernel_tells_whose_an_open_connection_is_and_of_no_other_from_there() -> None:
    with (
        socket.create_server((str(HERE), 0)) as server,
        socket.create_server((str(HERE), 0)) as other,
        socket.create_connection(server.getsockname()) as client,
    ):
        open_one = connection(client, server)
        assert user_of(open_one) == os.geteuid()
        assert user_of(connection(client, other)) is None
        assert user_of(open_one._replace(own_address=IPv4Address("127.0.0.2"))) is None
        assert user_of(open_one._replace(own_address=None)) is None


def test_a_port_at_which_somebody_listens_is_no_connection() -> None:
    with (
        socket.create_server((str(HERE), 0)) as server,
        socket.create_server((str(HERE), 0)) as other,
    ):
        assert user_of(connection(other, server)) is None


def test_what_was_closed_is_nobodys() -> None:
    with socket.create_server((str(HERE), 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            closed = connection(client, server)
        assert user_of(closed) is None
