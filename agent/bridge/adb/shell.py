"""A phone's shell, version 2: a command with its input, its two outputs and its exit code."""

import signal
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.bridge.adb.server import PhoneAway, PhoneSilent, read_exactly
from protos.names import printable

STDOUT: Final = 1
STDERR: Final = 2

_STDIN: Final = 0
_EXIT: Final = 3
_CLOSE_STDIN: Final = 4
_SIGNALS_FROM: Final = 128
_HEADER: Final = struct.Struct("<BI")
_MOST_AT_ONCE: Final = 64 * 1024
# No command of ours prints more, the runner's answer included.
_MOST_BYTES: Final = 64 * 1024**2
_MOST_LETTERS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended; a signal N is the exit code 128 + N."""

    code: int
    output: bytes
    errors: bytes

    @property
    def text(self) -> str:
        """What it printed."""
        return self.output.decode(errors="replace")

    @property
    def words(self) -> str:
        """What it said on its way, the last line of it."""
        lines = (self.errors or self.output).decode(errors="replace").strip().splitlines()
        return printable(lines[-1])[:_MOST_LETTERS] if lines else f"exit code {self.code}"


def signalled(code: int) -> int:
    """An exit code of a shell, as `subprocess` has it: below 0 the signal that killed."""
    number = code - _SIGNALS_FROM
    return -number if number in set(signal.Signals) else code


class Shell:
    """A command that runs on the phone; it ends with the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.code: int | None = None

    def give(self, content: bytes | memoryview) -> None:
        """Write to its standard input.

        Raises:
            PhoneAway: the connection broke.
        """
        rest = memoryview(content)
        while rest:
            self._send(_STDIN, rest[:_MOST_AT_ONCE])
            rest = rest[_MOST_AT_ONCE:]

    def end_input(self) -> None:
        """Close its standard input."""
        self._send(_CLOSE_STDIN, b"")

    def outputs(self) -> Iterator[tuple[int, bytes]]:
        """What it writes, by stream, until it has ended; then `code` is its exit code.

        Raises:
            PhoneAway: the connection ended before.
        """
        while self.code is None:
            kind, size = _HEADER.unpack(read_exactly(self._connection, _HEADER.size))
            if size > _MOST_BYTES:
                raise PhoneAway("its shell sends what no shell does")
            content = read_exactly(self._connection, size)
            if kind == _EXIT and content:
                self.code = content[0]
            elif kind in (STDOUT, STDERR):
                yield kind, content

    def ended(self) -> Ran:
        """Wait until it has ended.

        Raises:
            PhoneAway: the connection ended before, or it says more than any command of ours.
        """
        written = {STDOUT: bytearray(), STDERR: bytearray()}
        for kind, content in self.outputs():
            written[kind] += content
            if sum(map(len, written.values())) > _MOST_BYTES:
                raise PhoneAway("its shell says more than any command of ours")
        assert self.code is not None
        return Ran(code=self.code, output=bytes(written[STDOUT]), errors=bytes(written[STDERR]))

    def _send(self, kind: int, content: bytes | memoryview) -> None:
        try:
            self._connection.sendall(_HEADER.pack(kind, len(content)))
            self._connection.sendall(content)
        except TimeoutError as error:
            raise PhoneSilent("it takes nothing more") from error
        except OSError as error:
            raise PhoneAway(f"the connection to it broke ({error.strerror or error})") from error

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
