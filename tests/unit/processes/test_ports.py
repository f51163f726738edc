"""A port that is kept is there for whoever names it, as often as they come."""

import socket

import pytest

from tests.processes.ports import kept_port


def test_who_names_it_may_listen_there_again_and_nobody_is_there_meanwhile() -> None:
    with kept_port() as port:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            with (
                socket.create_server(("127.0.0.1", port)),
                socket.create_connection(("127.0.0.1", port)),
            ):
                pass
