"""What stands before every request: whose page sent it, under which name, how long it is.

Who runs a controller needs no token on its machine, and every page in their browser asks from
there too. So a request is answered only under a name of this controller (against a foreign name
that leads to this machine, "DNS rebinding"), and not where a browser says that another site's page
sent it.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.web.problems import ProblemResponse
from controller.domain.errors import EdgerankError, ErrorCode

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TOO_LONG: Final = 413
_UNKNOWN_HOST: Final = 421

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Hardening:
    """Refuses what no page and no program of this controller's would send."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], body_bytes: int, body_s: float) -> None:
        """`hosts` are names besides those of loopback; how long a body is, and takes, at most."""
        self._app = app
        self._hosts = hosts | _LOOPBACK_NAMES
        self._body_bytes = body_bytes
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, self._limited(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> ProblemResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not _is_known(_name(host), self._hosts):
            return ProblemResponse(
                ErrorCode.NOT_ALLOWED,
                "this controller is not known by that name; ask it by its address, or start it "
                "with --web-name NAME",
                status=_UNKNOWN_HOST,
            )
        if _is_of_another_site(scope, headers, host):
            return ProblemResponse(
                ErrorCode.NOT_ALLOWED,
                "a page of another site asked for this, and may not; open this controller's own",
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._body_bytes:
            return self._too_long()
        return None

    def _limited(self, receive: Receive) -> Receive:
        left, is_whole = self._body_bytes, False
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._body_s

        async def limited() -> Message:
            nonlocal left, is_whole
            if is_whole:
                # What comes now is only that somebody went away.
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), ends_at - loop.time())
            except asyncio.TimeoutError as error:
                raise EdgerankError(
                    ErrorCode.INVALID_INPUT,
                    f"this request did not come within {self._body_s:g} s; send it again",
                ) from error
            is_whole = not message.get("more_body", False)
            left -= len(message.get("body", b""))
            if left < 0:
                raise EdgerankError(ErrorCode.INVALID_INPUT, self._sentence())
            return message

        return limited

    def _too_long(self) -> ProblemResponse:
        return ProblemResponse(ErrorCode.INVALID_INPUT, self._sentence(), status=_TOO_LONG)

    def _sentence(self) -> str:
        return f"a request has at most {self._body_bytes} bytes; ask for less at once"


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent


def _name(host: str) -> str:
    """The name or address of a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_known(name: str, hosts: frozenset[str]) -> bool:
    """Whether it is a name of ours, or an address: no site has one for its own name."""
    if name in hosts:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_of_another_site(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page sent it; following a link is none of it."""
    is_safe = scope["method"] in _SAFE
    is_link = is_safe and headers.get("sec-fetch-mode") == "navigate"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_link:
        return True
    origin = headers.get("origin")
    if origin is None or is_link:
        return False
    return urlsplit(origin).netloc.lower() != host.lower()
