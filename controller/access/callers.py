"""Who makes a call, by what the connection and the call show."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from controller.access.local_peers import (
    Endpoint,
    LocalConnection,
    only_address,
    parse_peer,
    users_of,
)
from controller.access.members import Members
from controller.access.one_connection import user_of
from controller.domain.access import Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.state.access.tokens import use_access
from controller.state.database import Database
from protos.joining import TokenInvalid, secret_digest, secret_of_bearer

STRANGER = Caller(caller=CallerKind.STRANGER)
_ALL = (Scope.ADMIN,)
OWNER = Caller(caller=CallerKind.OWNER, scopes=_ALL)


@dataclass(frozen=True)
class Shown:
    """What the other end of a connection shows.

    Attributes:
        peer: where it is, as gRPC calls it.
        web_end: where it came here, of the web pages and the query API; None of gRPC.
        certificate_pem: its certificate, whose key was proved; None where none was asked for.
        authorization: the metadata of this name; None without it.
    """

    peer: str
    web_end: Endpoint | None = None
    certificate_pem: bytes | None = None
    authorization: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is shown but where the call comes from."""
        return self.certificate_pem is None and self.authorization is None

    @property
    def alone(self) -> "Shown":
        """What tells who it is: the place does where nothing else is shown."""
        return self if self.is_nothing else replace(self, peer="", web_end=None)


@dataclass(frozen=True)
class Known:
    """Who calls.

    Attributes:
        caller: who it is.
        good_until_unix_ms: when what was shown is good no more; None for what does not end.
    """

    caller: Caller
    good_until_unix_ms: int | None = None


class Callers:
    """Tells who calls."""

    def __init__(
        self,
        database: Database,
        members: Members,
        clock: Clock,
        grpc_end: Callable[[], tuple[str, int]],
        *,
        open_to_all: bool,
        proc_net: Path = Path("/proc/self/net"),
    ) -> None:
        """Who calls; with `open_to_all` nobody who shows nothing is a stranger.

        `grpc_end` gives the host and port at which people and programs call, once it listens.
        """
        self._database = database
        self._members = members
        self._clock = clock
        self._grpc_end = grpc_end
        self._open_to_all = open_to_all
        self._proc_net = proc_net

    def known(self, shown: Shown) -> Known:
        """Who it is; what is shown counts before where it comes from.

        Raises:
            EdgerankError: UNKNOWN_CALLER for a token that is good for nothing, NOT_ALLOWED for a
                certificate that is.
        """
        if shown.authorization is not None:
            return Known(self._of_token(shown.authorization))
        if shown.certificate_pem is not None:
            shows = self._members.known(shown.certificate_pem)
            member = Caller(caller=CallerKind.MEMBER, caller_name=shows.device_id)
            return Known(member, shows.expires_at_unix_ms)
        (known,) = self.known_by_place([shown])
        return known

    def known_by_place(self, those: Sequence[Shown]) -> list[Known]:
        """Who those are that show nothing, by where they come from and where they came."""
        connections = [self._came(shown) for shown in those]
        users = {came: user_of(came) for came in connections if came is not None}
        # What the kernel does not tell of one by itself is in its table.
        others = [came for came, user in users.items() if user is None]
        users |= dict(zip(others, users_of(others, self._proc_net), strict=True))
        return [self._by_user(None if came is None else users[came]) for came in connections]

    def _came(self, shown: Shown) -> LocalConnection | None:
        """Both ends of a connection; None for one that is not of this machine."""
        end = parse_peer(shown.peer)
        if end is None or not end.address.is_loopback:
            return None
        if shown.web_end is not None:
            return LocalConnection(end, shown.web_end.port, shown.web_end.address)
        host, port = self._grpc_end()
        return LocalConnection(end, port, only_address(host))

    def _of_token(self, authorization: str) -> Caller:
        try:
            digest = secret_digest(secret_of_bearer(authorization))
        except TokenInvalid as error:
            raise _unknown_token() from error
        token = use_access(self._database, digest, self._clock.unix_ms())
        if token is None:
            raise _unknown_token()
        return Caller(caller=CallerKind.TOKEN, caller_name=token.name, scopes=token.scopes)

    def _by_user(self, user: int | None) -> Known:
        """Who shows nothing, and is of this machine where its `user` is known."""
        if user == os.geteuid():
            return Known(OWNER)
        if self._open_to_all:
            return Known(Caller(caller=CallerKind.ANYBODY, scopes=_ALL))
        return Known(STRANGER)


def _unknown_token() -> EdgerankError:
    return EdgerankError(
        ErrorCode.UNKNOWN_CALLER,
        "this token is unknown here or was revoked; ask who runs the controller for another, and "
        "give it to 'edgerank login'",
    )
