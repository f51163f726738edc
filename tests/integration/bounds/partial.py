"""A client of HTTP/2 that begins calls, and never says the last byte of their requests.

Or says all of them, and never reads an answer.
"""

import socket
import ssl
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

STREAMS: Final = range(1, 200, 2)
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _AWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END: Final = 1
_WINDOW_BYTES: Final = 65_535
_INITIAL_WINDOW: Final = 4
_FRAME_BYTES: Final = 16_384
_HEAD_BYTES: Final = 9
_LOOK_S: Final = 0.05


class Partly:
    """One connection, on which a hundred calls are begun."""

    def __init__(
        self,
        address: str,
        method: str,
        size_bytes: int,
        shown: Path | None = None,
        *,
        authorization: str = "",
        is_deaf: bool = False,
        frames: int = 1,
    ) -> None:
        """Begin the calls.

        Args:
            address: where.
            method: of the calls.
            size_bytes: of a request.
            shown: a file with the certificate and the key of a device; None shows nothing.
            authorization: of a person; empty for nobody's.
            is_deaf: says empty requests, whole, and lets nothing of their answers come.
            frames: of each request in turn, as many as may be said.
        """
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        if shown is not None:
            context.load_cert_chain(shown)
        host, _, port = address.rpartition(":")
        plain = socket.create_connection((host, int(port)), 30)
        self._socket = context.wrap_socket(plain)
        self._socket.sendall(_PREFACE)
        self._came = b""
        self._frames = frames
        self._window = _WINDOW_BYTES
        self._windows = dict.fromkeys(STREAMS, _WINDOW_BYTES)
        self._left = dict.fromkeys(STREAMS, size_bytes - 1)
        self.said_bytes = 0
        self._send(_SETTINGS, 0, struct.pack(">HI", _INITIAL_WINDOW, 0) if is_deaf else b"")
        for stream in STREAMS:
            self._send(_HEADERS, stream, _headers(method, authorization), 4)
        for stream in STREAMS:
            if is_deaf:
                self._left[stream] = 0
                self._send(_DATA, stream, bytes(5), _END)
            else:
                self._say(stream, b"\0" + struct.pack(">I", size_bytes))

    @property
    def going_on(self) -> int:
        """How many of its calls have not ended."""
        return len(self._left)

    def hold(self, for_s: float, down_to: int = 0) -> int:
        """Say as much as may be said for a time; how many bytes that were.

        It ends sooner where no more than `down_to` of its calls go on.
        """
        until_s = time.monotonic() + for_s
        self._socket.settimeout(_LOOK_S)
        with self._socket, suppress(ConnectionError, ssl.SSLError):
            while self.going_on > down_to and time.monotonic() < until_s:
                for stream in self._frames * tuple(self._left):
                    may = min(self._left[stream], self._windows[stream], self._window)
                    if may > 0:
                        self._left[stream] -= min(may, _FRAME_BYTES)
                        self._say(stream, bytes(min(may, _FRAME_BYTES)))
                with suppress(TimeoutError, socket.timeout):
                    self._hear(self._socket.recv(1 << 16))
        return self.said_bytes

    def _say(self, stream: int, content: bytes) -> None:
        self._window -= len(content)
        self._windows[stream] -= len(content)
        self.said_bytes += len(content)
        self._send(_DATA, stream, content)

    def _send(self, kind: int, stream: int, content: bytes = b"", flags: int = 0) -> None:
        size = struct.pack(">I", len(content))[1:]
        self._socket.settimeout(30)
        self._socket.sendall(size + bytes([kind, flags]) + struct.pack(">I", stream) + content)
        self._socket.settimeout(_LOOK_S)

    def _hear(self, came: bytes) -> None:
        if not came:
            raise ConnectionResetError
        self._came += came
        while len(self._came) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(self._came[:3], "big")
            if len(self._came) < end:
                return
            kind, flags, stream = struct.unpack(">BBI", self._came[3:_HEAD_BYTES])
            content, self._came = self._came[_HEAD_BYTES:end], self._came[end:]
            self._take(kind, flags, stream, content)

    def _take(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        if kind == _AWAY:
            raise ConnectionResetError
        if kind == _RESET or (kind == _HEADERS and flags & _END):
            self._left.pop(stream, None)
        elif kind == _WINDOW and stream:
            self._windows[stream] += int.from_bytes(content, "big")
        elif kind == _WINDOW:
            self._window += int.from_bytes(content, "big")
        elif kind == _PING and not flags & _END:
            self._send(_PING, 0, content, _END)
        elif kind == _SETTINGS and not flags & _END:
            for name, value in struct.iter_unpack(">HI", content):
                if name == _INITIAL_WINDOW:
                    self._windows = {
                        each: window + value - _WINDOW_BYTES
                        for each, window in self._windows.items()
                    }
            self._send(_SETTINGS, 0, b"", _END)


def _headers(method: str, authorization: str) -> bytes:
    """Each by its letters, without a table of what was said before."""
    told = {
        ":method": "POST",
        ":scheme": "https",
        ":path": method,
        ":authority": "edgerank",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    if authorization:
        told["authorization"] = authorization
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in told.items()
    )
