"""A controller ends when it is told to, whatever it waits for."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import EDGERANK, running, running_controller


class SilentProxy:
    """Takes connections, hears what is asked for, and never says a word."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        for each in self._held:
            each.close()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._held.append(connection)
            connection.recv(1)
            self.asked.set()


@pytest.fixture
def proxy() -> Iterator[SilentProxy]:
    taking = SilentProxy()
    yield taking
    taking.close()


def test_a_controller_ends_while_weights_do_not_come(tmp_path: Path, proxy: SilentProxy) -> None:
    environment = {"HTTPS_PROXY": proxy.address, "https_proxy": proxy.address}
    with running_controller(tmp_path / "state", environment=environment) as (controller, address):
        asking = [*EDGERANK, "convert", "MobileNetV1", "--weights", "pretrained"]
        with running(program=asking, environment={"EDGERANK_CONTROLLER": address}):
            assert proxy.asked.wait(120)
            # A download waits for half a minute, several times.
            assert controller.stop() == 0
