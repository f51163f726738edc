"""Where a controller listens, and what a connection there has to show.

On a loopback address there is one port, unencrypted, for who runs the controller. On any other
there are two, both with TLS: one for people, programs and who wants to join, who show tokens, and
one for members, who show certificates. gRPC asks everybody at a port for a certificate, or nobody.
"""

import socket
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

import grpc
import psutil

from controller.access.authorities import Authorities, ServerIdentity
from controller.access.members import DEFAULT_LIFETIME_MS
from controller.api.bandwidth import UNLIMITED, PushLimits
from controller.domain.errors import EdgerankError, ErrorCode

MAX_ADDRESSES: Final = 8


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Where a person wants a controller to listen, and how fast artifacts may go out there.

    Attributes:
        host: an address of this machine; 0.0.0.0 or :: are all of them.
        port: for people, programs and joining; 0 takes any free one.
        fleet_port: for members; None is the port after `port`, 0 takes any free one.
        insecure: without TLS, and open to everybody who reaches it.
        certificate_lifetime_ms: how long a member's certificate is good, in milliseconds.
        push: how fast artifacts go to devices.
    """

    host: str
    port: int
    fleet_port: int | None = None
    insecure: bool = False
    certificate_lifetime_ms: int = DEFAULT_LIFETIME_MS
    push: PushLimits = UNLIMITED


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where a controller really listens.

    Attributes:
        host: as it was wanted.
        port: for people, programs and joining.
        fleet_port: for members; None without TLS.
        authority_pem: the certificate of who signs; None without TLS.
        web_address: the URL of the web pages; None without them.
    """

    host: str
    port: int
    fleet_port: int | None = None
    authority_pem: str | None = None
    web_address: str | None = None


class Doors:
    """The ports of one controller."""

    def __init__(self, wanted: Wanted, authorities: Authorities) -> None:
        self.wanted = wanted
        self.authorities = authorities
        self._listening: Listening | None = None

    def count(self) -> int:
        """How many ports it has."""
        return 2 if self.is_encrypted() else 1

    def open(self, of_people: grpc.aio.Server, of_members: grpc.aio.Server) -> None:
        """Listens, each server at its port; without TLS there is but the one of members.

        Raises:
            EdgerankError: UNREACHABLE when a port is taken, or the address is not this machine's.
        """
        host, port = self.wanted.host, self.wanted.port
        if not self.is_encrypted():
            self._listening = Listening(host=host, port=_bind(of_members, host, port, None))
            return
        bound = _bind(of_people, host, port, _credentials(self.authorities, of_members=False))
        fleet_port = self.wanted.fleet_port
        if fleet_port is None:
            fleet_port = port and port + 1
        credentials = _credentials(self.authorities, of_members=True)
        self._listening = Listening(
            host=host,
            port=bound,
            fleet_port=_bind(of_members, host, fleet_port, credentials),
            authority_pem=self.authorities.certificate_pem(),
        )

    def listening(self) -> Listening:
        """Where it listens since it was opened, and who signs now."""
        assert self._listening is not None
        if self._listening.authority_pem is None:
            return self._listening
        return replace(self._listening, authority_pem=self.authorities.certificate_pem())

    def at(self) -> tuple[str, int]:
        """The host and port at which people and programs call, since it was opened."""
        listening = self.listening()
        return listening.host, listening.port

    def ports(self) -> tuple[int, ...]:
        """All of them, since it was opened, members' last."""
        listening = self.listening()
        both = (listening.port, listening.fleet_port)
        return tuple(port for port in both if port is not None)

    def fleet_port(self) -> int:
        """Where members connect.

        Raises:
            EdgerankError: PRECONDITION for a controller without TLS.
        """
        port = self._listening and self._listening.fleet_port
        if not port:
            raise EdgerankError(
                ErrorCode.PRECONDITION, "this controller speaks no TLS, and has no members"
            )
        return port

    def is_encrypted(self) -> bool:
        """Whether TLS is spoken here."""
        return not (self.wanted.insecure or is_loopback(self.wanted.host))

    def addresses(self) -> tuple[str, ...]:
        """HOST:PORT where devices can join, as far as this machine knows; none without TLS."""
        if self._listening is None or self._listening.authority_pem is None:
            return ()
        host, port = self._listening.host, self._listening.port
        hosts = _own_hosts(of_both="::" in host) if _is_wildcard(host) else (host,)
        return tuple(joined(each, port) for each in hosts[:MAX_ADDRESSES])


def is_loopback(host: str) -> bool:
    """Whether nobody on another machine reaches an address or a name."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(ip_address(each.partition("%")[0]).is_loopback for each in found)


def _credentials(authorities: Authorities, *, of_members: bool) -> grpc.ServerCredentials:
    shown = authorities.server

    def changed() -> grpc.ServerCertificateConfiguration | None:
        """Asked at each connection: what is shown from now on; None where that is as before.

        gRPC makes a new factory of handshakes of each configuration, and under handshakes that
        begin at once it may free the one before too early, which ends the process.
        """
        nonlocal shown
        if authorities.server is shown:
            return None
        shown = authorities.server
        return _configuration(shown)

    # The stubs know nothing of None, which gRPC's documentation has for what is as before.
    return grpc.dynamic_ssl_server_credentials(
        _configuration(shown),
        changed,  # type: ignore[arg-type]
        of_members,
    )


def _configuration(shown: ServerIdentity) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(shown.key, shown.chain)], shown.trusted)


def _bind(
    server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None
) -> int:
    address = joined(host, port)
    try:
        bound = (
            server.add_insecure_port(address)
            if credentials is None
            else server.add_secure_port(address, credentials)
        )
    except RuntimeError:
        bound = 0
    if bound == 0:
        raise EdgerankError(
            ErrorCode.UNREACHABLE,
            f"cannot listen on {host}:{port}: the port is taken or the address is not this "
            "machine's; choose another port (0 takes any free one) or host",
        )
    return bound


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _own_hosts(*, of_both: bool) -> tuple[str, ...]:
    families = (socket.AF_INET, socket.AF_INET6) if of_both else (socket.AF_INET,)
    found = [
        ip_address(address.address.partition("%")[0])
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in families
    ]
    near = [each for each in found if not each.is_loopback and not each.is_link_local]
    return tuple(str(each) for each in sorted(near, key=lambda each: each.version))


def joined(host: str, port: int) -> str:
    """HOST:PORT, of an address of IPv6 with brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
