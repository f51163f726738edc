"""A fake adb server that speaks the host protocol, for what a real phone cannot be made to do."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FakeAdb:
    """Lists phones in states that a test sets; the shell of one that is ready breaks off.

    Attributes:
        path: of its socket.
    """

    def __init__(self, path: Path, states: dict[str, str]) -> None:
        self.path = path
        self._states = dict(states)
        self._followers: list[socket.socket] = []
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def say(self, serial: str, state: str) -> None:
        """A phone is in another state."""
        with self._lock:
            self._states[serial] = state
            for follower in self._followers:
                follower.sendall(self._listing())

    def end(self) -> None:
        """The server ends, as `adb kill-server` lets it."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
        with self._lock:
            for follower in self._followers:
                follower.shutdown(socket.SHUT_RDWR)
                follower.close()
            self._followers.clear()

    def _listing(self, separator: str = "\t") -> bytes:
        lines = (f"{serial}{separator}{state}\n" for serial, state in self._states.items())
        return _block("".join(lines).encode())

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        asked = _read_block(connection)
        if asked == "host:devices-l":
            connection.sendall(b"OKAY" + self._listing("  "))
        elif asked == "host:track-devices":
            with self._lock:
                connection.sendall(b"OKAY" + self._listing())
                self._followers.append(connection)
            return
        elif asked.startswith("host:transport:"):
            state = self._states.get(asked.removeprefix("host:transport:"), "not found")
            if state != "device":
                connection.sendall(b"FAIL" + _block(f"device {state}".encode()))
            else:
                connection.sendall(b"OKAY")
                _read_block(connection)
                # Some of what it prints, and then the cable is pulled.
                connection.sendall(b"OKAY" + struct.pack("<BI", 1, 100) + b"half")
        connection.close()


def _block(content: bytes) -> bytes:
    return b"%04x%s" % (len(content), content)


def _read_block(connection: socket.socket) -> str:
    size = int(connection.recv(4, socket.MSG_WAITALL) or b"0", 16)
    return connection.recv(size, socket.MSG_WAITALL).decode() if size else ""


@contextmanager
def fake_adb(path: Path, **states: str) -> Iterator[FakeAdb]:
    """A server with phones in these states."""
    server = FakeAdb(path, states)
    try:
        yield server
    finally:
        server.end()
