"""Where pages and questions over HTTP are answered: a port of the controller's own event loop."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from controller.access.authorities import Authorities, ServerIdentity
from controller.access.connections import place_of
from controller.api.doors import joined
from controller.api.limits import Limits
from controller.api.web.callers import peer_of
from controller.domain.errors import EdgerankError, ErrorCode
from protos.log_lines import event_log

log = event_log(__name__)

HEADER_BYTES: Final = 32_768
"""Of a request's line and headers, at most."""
_IDLE_S: Final = 30
_GRACE_S: Final = 2
_LAST_PORT: Final = 65_535
# Else the kernel takes some megabytes of each answer, which count as read then.
_KERNEL_BYTES: Final = 1 << 18


@dataclass(frozen=True, kw_only=True)
class WebWanted:
    """Where a person wants pages and questions over HTTP to be answered.

    Attributes:
        port: None is the second one after the controller's, or any free one where that is taken;
            0 takes any free one.
        names: under which it is asked for, besides its addresses.
    """

    port: int | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, port: str | None, names: tuple[str, ...] = ()) -> WebWanted | None:
        """Of what stands on the command line: a port, "none", or nothing for the usual one.

        Raises:
            EdgerankError: INVALID_INPUT for what is no port.
        """
        if port is None:
            return cls(names=names)
        if port == "none":
            return None
        if not (port.isascii() and port.isdecimal() and int(port) <= _LAST_PORT):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{port!a} is no port for web pages; write 0 to 65535, or none",
            )
        return cls(port=int(port), names=names)

    def hosts(self, host: str) -> frozenset[str]:
        """The names in a request's Host header that mean this controller."""
        own = socket.gethostname().lower()
        return frozenset({host, own, own.partition(".")[0], *map(str.lower, self.names)})


class WebDoor:
    """The port of a controller where HTTP is spoken."""

    def __init__(
        self, wanted: WebWanted, host: str, port: int, authorities: Authorities | None
    ) -> None:
        """Binds it.

        Args:
            wanted: where.
            host: of the controller.
            port: of the controller, as it was wanted.
            authorities: who signs for what is shown; None without TLS.

        Raises:
            EdgerankError: UNREACHABLE when the port is taken or the address is not this machine's.
        """
        self._authorities = authorities
        self._socket = _bound(wanted, host, port)
        self.port = int(self._socket.getsockname()[1])
        scheme = "http" if authorities is None else "https"
        self.address = f"{scheme}://{joined(host, self.port)}/"

    @asynccontextmanager
    async def served(
        self, app: FastAPI, limits: Limits, stopping: asyncio.Event
    ) -> AsyncIterator[None]:
        """Answers until the block ends; what follows something ends when `stopping` is set."""
        config = _config(app, limits)
        most = limits.web_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        self._socket.most = most
        self._socket.most_of_place = max(1, most // limits.idle_share)
        if self._authorities is not None:
            config.ssl = _context(self._authorities)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        try:
            yield
        finally:
            stopping.set()
            server.should_exit = True
            await serving

    def close(self) -> None:
        """Lets go of a port that was never served."""
        self._socket.close()


class _Listener(socket.socket):
    """A socket that takes no more connections than a controller holds, of one place and in all.

    Counted as they come: whoever never ends the handshake of TLS holds a descriptor, too.
    """

    most = 1
    most_of_place = 1

    def __init__(self, family: int, kind: int, proto: int) -> None:
        super().__init__(family, kind, proto)
        self._accepted: list[tuple[socket.socket, str]] = []

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection.

        Raises:
            ConnectionAbortedError: for one too many, which is closed; asyncio goes on with others.
        """
        accepted, address = super().accept()
        place = place_of(peer_of(address[0], address[1]))
        self._accepted = [each for each in self._accepted if each[0].fileno() >= 0]
        of_place = sum(each[1] == place for each in self._accepted)
        if len(self._accepted) >= self.most or of_place >= self.most_of_place:
            accepted.close()
            raise ConnectionAbortedError
        self._accepted.append((accepted, place))
        return accepted, address


class _Server(uvicorn.Server):
    """A server whose process hears signals by itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them alone."""
        yield


def _config(app: FastAPI, limits: Limits) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=_protocol(limits),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )
    config.load()
    return config


class _Protocol(H11Protocol):
    """Holds connections to the limits of a controller."""

    limits: Limits
    _awaited: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Closes it where nobody begins to ask in time."""
        super().connection_made(transport)
        self._await_request(self.limits.request_s)

    def on_response_complete(self) -> None:
        """Closes it where nobody has asked anew a moment after it would be closed as idle."""
        super().on_response_complete()
        self._await_request(_IDLE_S + self.limits.request_s)

    def pause_writing(self) -> None:
        """Closes it where nobody reads what is told."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.unread_s, self._close)

    def resume_writing(self) -> None:
        """Goes on."""
        self._unread.cancel()
        super().resume_writing()

    def _await_request(self, within_s: float) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
        self._awaited = self.loop.call_later(within_s, self._close_unasked, self.cycle)

    def _close_unasked(self, last: RequestResponseCycle | None) -> None:
        if self.cycle is last and (last is None or last.response_complete):
            self._close()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()


def _protocol(of: Limits) -> type[H11Protocol]:
    class Protocol(_Protocol):
        """Holds them to these limits."""

        limits = of

    return Protocol


def _bound(wanted: WebWanted, host: str, port: int) -> _Listener:
    if wanted.port is not None:
        return _listening(host, wanted.port)
    usual = port + 2 if 0 < port <= _LAST_PORT - 2 else 0
    try:
        return _listening(host, usual)
    except EdgerankError:
        # Nobody asked for this very one.
        log.warning("the usual port of web pages is taken; another one is theirs", usual=usual)
        return _listening(host, 0)


def _listening(host: str, port: int) -> _Listener:
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = _Listener(family, kind, proto)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            bound.bind(address)
            # Without this the port could still be another's.
            bound.listen(128)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        raise EdgerankError(
            ErrorCode.UNREACHABLE,
            f"cannot answer HTTP on {host}:{port}: the port is taken or the address is not this "
            "machine's; choose another --web-port (0 takes any free one, none does without)",
        ) from error
    bound.setblocking(False)
    return bound


def _context(authorities: Authorities) -> ssl.SSLContext:
    """What shows the newest certificate in each handshake."""
    shown = authorities.server
    newest = _loaded(shown)

    def changed(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        nonlocal shown, newest
        if authorities.server is not shown:
            shown = authorities.server
            newest = _loaded(shown)
        connection.context = newest

    context = _loaded(shown)
    context.sni_callback = changed
    return context


def _loaded(identity: ServerIdentity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Which costs who asks for it little, and this side much.
    context.options |= ssl.OP_NO_RENEGOTIATION
    with TemporaryDirectory(prefix="edgerank-") as folder:
        key, chain = Path(folder, "key"), Path(folder, "chain")
        key.touch(mode=0o600)
        key.write_bytes(identity.key)
        chain.write_bytes(identity.chain)
        context.load_cert_chain(chain, key)
    return context
