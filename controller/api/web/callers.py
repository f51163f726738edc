"""Who asks over HTTP: known, paced and written down as whoever calls by gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from controller.access.callers import Shown
from controller.access.local_peers import Endpoint, plain_address
from controller.api.meters import ends_with
from controller.api.statuses import STATUSES
from controller.api.web.needs import Asked, asked_by
from controller.api.web.parts import Given, Parts, parts_of
from controller.domain.access import Caller
from controller.domain.errors import EdgerankError
from protos.joining import TokenInvalid, bearer_letters, parse_access_token


@dataclass(frozen=True)
class Asking:
    """A request that was let in.

    Attributes:
        caller: who asks.
        asked: for what.
    """

    caller: Caller
    asked: Asked
    _parts: Parts

    async def changed(self, subject: str) -> None:
        """Writes down what the request changed: a name or an id."""
        action, need = self.asked
        await self._parts.guard.remember(action, subject, is_once=need.is_once)


async def admitted(request: Request, parts: Given) -> AsyncIterator[Asking]:
    """Holds a request for as long as it is answered, and counts it; before every route.

    Raises:
        EdgerankError: UNKNOWN_CALLER, NOT_ALLOWED or LIMIT.
    """
    asked = asked_of(request)
    with parts.guard.meters.call(asked.action), ExitStack() as held:
        caller, _task = await parts.guard.admit(asked.need, shown_by(request), held)
        await parts.guard.wait_for_turn(caller)
        yield Asking(caller, asked, parts)


Admitted = Annotated[Asking, Depends(admitted)]
"""A parameter of a route: who asks."""


def asked_of(request: Request) -> Asked:
    """What a request asks for, once its route is known."""
    route = request.scope.get("route")
    return asked_by(request.method, getattr(route, "path", request.url.path))


def shown_by(request: Request) -> Shown:
    """What a request shows of who makes it: a token, or else where it comes from."""
    return Shown(
        peer=peer_of_scope(request.scope),
        web_end=_own_end(request),
        authorization=_authorization(request),
    )


def _own_end(request: Request) -> Endpoint:
    host, port = request.scope["server"]
    return Endpoint(plain_address(ip_address(host.partition("%")[0])), port)


def _authorization(request: Request) -> str | None:
    """Bearer and the letters of a secret, also where the whole token was sent as people have it."""
    sent = request.headers.get("authorization")
    if sent is None:
        # Who signed in on a page shows it by a cookie.
        sessions = parts_of(request).sessions
        session = sessions.find(request.cookies.get(sessions.cookie, ""))
        return None if session is None else session.authorization
    kind, _, letters = (sent or "").partition(" ")
    try:
        return f"{kind} {bearer_letters(parse_access_token(letters).secret)}"
    except TokenInvalid:
        return sent


async def tell_refused(request: Request, error: EdgerankError, *, waits: bool = True) -> None:
    """Tells of a request that was refused, and lets the answer wait where that happens often.

    It does not where `waits` is false, as where what was to be told is kept meanwhile.
    """
    status = STATUSES[error.code]
    ends_with(status)
    asked = asked_of(request)
    peer = peer_of_scope(request.scope)
    guard = parts_of(request).guard
    tell = guard.ends if waits else guard.note_refused
    await tell(asked.action, asked.need, peer, status, str(error))


def peer_of_scope(scope: Scope) -> str:
    """Where a request comes from, as gRPC calls it; empty where nobody knows."""
    client = scope.get("client")
    return "" if client is None else peer_of(*client)


def peer_of(host: str, port: int) -> str:
    """An address and a port, as gRPC calls them."""
    address = host.partition("%")[0]
    version = ip_address(address).version
    return f"ipv6:[{address}]:{port}" if version == 6 else f"ipv4:{address}:{port}"
