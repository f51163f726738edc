"""Whose a connection is, read as the kernel writes it."""

import socket
from pathlib import Path

import pytest

from controller.access.local_peers import parse_peer, users_of

# As Linux writes them on a little-endian machine; the second connection is closed.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 0100007F:1E14 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0100007F:9C41 0100007F:1E14 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
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
        ("ipv4:127.0.0.1:40004", None),
    ],
)
def test_the_user_of_a_connection(tmp_path: Path, peer: str, user: int | None) -> None:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    end = parse_peer(peer)
    assert end is not None
    assert users_of([end], tmp_path) == [user]


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
        assert users_of([end], Path("/proc/self/net")) == [Path("/proc/self").stat().st_uid]
