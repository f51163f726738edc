"""What is told over HTTP and not read takes no more of a controller than there is room for."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.integration.bounds.conftest import limited_controller, process_of
from tests.integration.bounds.test_partial import ANSWER_BYTES, enrol_much
from tests.integration.web.conftest import web_of

ASKING: Final = 60
ROOM_BYTES: Final = 8_000_000
PATH: Final = "/api/v1/devices"


@contextmanager
def asked_by_many(port: int) -> Iterator[list[int]]:
    """Connections that ask for something long, of whose answers only the statuses are read."""
    found = []
    with ExitStack() as held:
        for _ in range(ASKING):
            each = held.enter_context(closing(socket.socket()))
            each.settimeout(60)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.connect(("127.0.0.1", port))
            each.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            begin = each.recv(12)
            status = re.match(rb"HTTP/1.1 (\d+)", begin)
            assert status, begin
            found.append(int(status[1]))
        yield found


def test_of_what_is_told_over_http_and_not_read_little_is_kept(tmp_path: Path) -> None:
    enrol_much(tmp_path)
    # There is no room to wait in, so that each is told something at once.
    limits = {"answers_bytes": (ROOM_BYTES, ROOM_BYTES), "answers_waiting_bytes": 1}
    with limited_controller(tmp_path, **limits) as (controller, _address):
        port = int(web_of(controller).rstrip("/").rpartition(":")[2])
        process = process_of(controller)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as one:
            # What is read for the first of all answers counts as nobody's.
            whole = one.get(PATH)
            before_bytes = process.memory_info().rss
            with asked_by_many(port) as found:
                grown_bytes = process.memory_info().rss - before_bytes
            # They are gone, and whoever reads is told again.
            while (again := one.get(PATH)).status_code == httpx.codes.TOO_MANY_REQUESTS:
                assert controller.process.poll() is None
    assert len(whole.content) > ANSWER_BYTES
    assert again.content == whole.content
    told = ROOM_BYTES // len(whole.content)
    assert found == [200] * told + [429] * (ASKING - told)
    assert grown_bytes < ASKING * ANSWER_BYTES // 2, grown_bytes
