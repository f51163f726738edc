"""Whose a connection is, read as the kernel writes it."""

import socket
from pathlib import Path

import pytest

from controller.access.local_peers import LocalConnection, only_address, parse_peer, users_of

# As Linux writes them on a little-endian machine; the second connection is closed.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 0100007F:1E14 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0100007F:9C41 0100007F:1E14 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   2: 0100007F:9C44 0100007F:1E15 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   3: 0100007F:9C44 0100007F:1E14 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0
   4: 0100007F:9C45 0100007F:1E14 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   5: 0100007F:9C45 0200007F:1E14 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue uid
   0: 0000000000000000FFFF00000100007F:9C42 0000000000000000FFFF00000100007F:1E14 01 0:0 0:0 0 7
   1: 00000000000000000000000001000000:9C43 00000000000000000000000001000000:1E14 01 0:0 0:0 0 8
"""


@pytest.mark.parametrize(
    ("peer", "user"),
    [
        ("ipv4:127.0.0.1:40000", 1000),
        ("ipv4:127.0.0.1:40001", None),
        ("ipv4:127.0.0.1:40002", 7),
        ("ipv6:%5B::ffff:127.0.0.1%5D:40002", 7),
        ("ipv6:%5B::1%5D:40003", 8),
        ("ipv4:127.0.0.1:40006", None),
        # The same end has a connection of somebody else, to another port of this machine.
        ("ipv4:127.0.0.1:40004", 1001),
        # Or to the same port of another address: which of the two it is, is not known.
        ("ipv4:127.0.0.1:40005", None),
    ],
)
def test_the_user_of_a_connection(tmp_path: Path, peer: str, user: int | None) -> None:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    end = parse_peer(peer)
    assert end is not None
    assert users_of([LocalConnection(end, 0x1E14)], tmp_path) == [user]


@pytest.mark.parametrize(
    "peer", ["unix:", "unix:/run/socket", "ipv4:nowhere:1", "", "ipv4:1.2.3.4"]
)
def test_what_is_no_connection_of_this_kind_is_nobodys(peer: str) -> None:
    assert parse_peer(peer) is None


def test_this_kernel_tells_whose_our_own_connection_is() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        host, port = client.getsockname()
        end = parse_peer(f"ipv4:{host}:{port}")
        assert end is not None
        came = LocalConnection(end, server.getsockname()[1])
        elsewhere = came._replace(own_port=came.own_port ^ 1)
        own = Path("/proc/self").stat().st_uid
        assert users_of([came, elsewhere], Path("/proc/self/net")) == [own, None]


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("localhost", False)],
)
def test_only_an_address_is_one_address(host: str, is_one: bool) -> None:
    assert (only_address(host) is not None) == is_one
