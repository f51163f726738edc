"""What a running adb server is asked, a connection each: its host protocol."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from agent.errors import INPUT_EXIT_CODE, AgentError

READY: Final = "device"
"""The state of a phone that does what it is asked."""

_DEFAULT_PORT: Final = 5037
_CONNECT_S: Final = 5.0
# What phones and what hangs on which of them is told in; more is no answer.
_HEAD: Final = 4


class NoAdbServer(AgentError):
    """No adb server answers."""

    exit_code = INPUT_EXIT_CODE


class PhoneAway(Exception):
    """The phone does not do what it is asked now; it may be back later. One sentence."""


class PhoneSilent(PhoneAway):
    """The phone is there, and does not answer in time."""


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """A phone as the server lists it.

    Attributes:
        state: `device` where it can be used; `offline`, `unauthorized` and others where not.
        place: where it is plugged in, as in `usb:1-4.2`; empty where it is not by USB.
    """

    serial: str
    state: str
    place: str = ""


@dataclass(frozen=True)
class AdbServer:
    """Where the server listens: HOST and PORT, or the path of a socket and no port."""

    host: str = "127.0.0.1"
    port: int | None = _DEFAULT_PORT

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "AdbServer":
        """The server that adb itself would ask, by the variables that it knows."""
        told = environment.get("ADB_SERVER_SOCKET", "")
        if told.startswith("localfilesystem:"):
            return cls(told.removeprefix("localfilesystem:"), None)
        found = re.fullmatch(r"tcp:(?:(.+):)?([0-9]{1,5})", told)
        port = found[2] if found else environment.get("ANDROID_ADB_SERVER_PORT", "")
        host = found[1] if found else environment.get("ANDROID_ADB_SERVER_ADDRESS")
        return cls(host or "127.0.0.1", int(port) if port.isdecimal() else _DEFAULT_PORT)

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def version(self) -> int:
        """The protocol's version, as in 41.

        Raises:
            NoAdbServer: nobody answers.
        """
        with self._asked("host:version") as connection:
            return int(_block(connection), 16)

    def listed(self) -> tuple[Hanging, ...]:
        """What hangs there now.

        Raises:
            NoAdbServer: nobody answers.
        """
        with self._asked("host:devices-l") as connection:
            lines = _block(connection).decode(errors="replace").splitlines()
        return tuple(_hanging(line) for line in lines if len(line.split()) >= 2)

    def features(self, serial: str) -> frozenset[str]:
        """What the phone's adb can do.

        Raises:
            PhoneAway: it is not there, or not to be used.
            NoAdbServer: nobody answers.
        """
        with self._asked(f"host-serial:{serial}:features") as connection:
            return frozenset(_block(connection).decode(errors="replace").split(","))

    def opened(self, serial: str, service: str, patience_s: float) -> socket.socket:
        """A connection to a service of the phone, as in `shell,v2,raw:id`.

        Raises:
            PhoneAway: it is not there, or not to be used.
            NoAdbServer: nobody answers.
        """
        connection = self._asked(f"host:transport:{serial}", patience_s)
        try:
            _ask(connection, service)
        except BaseException:
            connection.close()
            raise
        return connection

    async def follow(self) -> AsyncIterator[Mapping[str, str]]:
        """The states of phones by serial, now and whenever they change; ends with the server.

        Raises:
            NoAdbServer: nobody answers.
        """
        reader, writer = await self._connected()
        try:
            request = b"host:track-devices"
            writer.write(b"%04x%s" % (len(request), request))
            await reader.readexactly(_HEAD)
            while True:
                size = int(await reader.readexactly(_HEAD), 16)
                lines = (await reader.readexactly(size)).decode(errors="replace").splitlines()
                yield dict(line.split("\t", 1) for line in lines if "\t" in line)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            return
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            if self.port is None:
                return await asyncio.open_unix_connection(self.host)
            return await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            raise self._absent(error) from error

    def _asked(self, request: str, patience_s: float = _CONNECT_S) -> socket.socket:
        connection = self._dialled()
        try:
            connection.settimeout(patience_s)
            _ask(connection, request)
        except BaseException:
            connection.close()
            raise
        return connection

    def _dialled(self) -> socket.socket:
        try:
            if self.port is not None:
                return socket.create_connection((self.host, self.port), _CONNECT_S)
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(_CONNECT_S)
            connection.connect(self.host)
            return connection
        except OSError as error:
            raise self._absent(error) from error

    def _absent(self, error: OSError) -> NoAdbServer:
        return NoAdbServer(
            f"no adb server answers at {self} ({error.strerror or error}): start one there with "
            "'adb start-server', or name another by ADB_SERVER_SOCKET"
        )


def server_here() -> AdbServer:
    """The server that adb itself would ask from here."""
    return AdbServer.of(os.environ)


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes.

    Raises:
        PhoneAway: the connection ended, or brought nothing in time.
    """
    content = bytearray()
    try:
        while len(content) < count:
            chunk = connection.recv(min(count - len(content), 1 << 20))
            if not chunk:
                raise PhoneAway("the connection to it ended")
            content += chunk
    except TimeoutError as error:
        raise PhoneSilent("it does not answer in time") from error
    except OSError as error:
        raise PhoneAway(f"the connection to it broke ({error.strerror or error})") from error
    return bytes(content)


def _ask(connection: socket.socket, request: str) -> None:
    content = request.encode()
    try:
        connection.sendall(b"%04x%s" % (len(content), content))
    except OSError as error:
        raise PhoneAway(f"the connection to it broke ({error.strerror or error})") from error
    if read_exactly(connection, _HEAD) != b"OKAY":
        raise PhoneAway(_block(connection).decode(errors="replace").strip() or "adb refused it")


def _block(connection: socket.socket) -> bytes:
    size = read_exactly(connection, _HEAD)
    try:
        return read_exactly(connection, int(size, 16))
    except ValueError as error:
        raise PhoneAway("what answers there is no adb server") from error


def _hanging(line: str) -> Hanging:
    """Of `SERIAL  STATE usb:1-4.2 product:...`; 'no permissions' brings advice of many words."""
    serial, state, *rest = line.split()
    place = next((word for word in rest if word.startswith("usb:")), "")
    return Hanging(serial=serial, state="no permissions" if state == "no" else state, place=place)
