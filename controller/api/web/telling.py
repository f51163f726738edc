"""What is told over HTTP counts, as what gRPC tells, until it is read: of one caller and of all."""

from __future__ import annotations

from contextlib import ExitStack

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.rpc.guard import Guard
from controller.api.web.callers import peer_of_scope, tell_refused
from controller.api.web.problems import problem_of
from controller.domain.errors import EdgerankError


class Telling:
    """Tells each answer once there is room for its bytes, or that there is none."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        """`guard` counts the answers of all who ask."""
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        weighed = _Weighed(self._guard, scope, receive, send)
        await self._app(scope, receive, weighed.tell)


class _Weighed:
    """One answer.

    What is told piece by piece, and has no length, waits for its reader by itself.
    """

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard = guard
        self._scope = scope
        self._receive = receive
        self._send = send
        self._beginning: Message | None = None
        self._is_whole = False
        self._is_refused = False

    async def tell(self, message: Message) -> None:
        """Tells a part; returns once most of it is read, where it is long."""
        if message["type"] == "http.response.start" and "content-length" in Headers(
            raw=message["headers"]
        ):
            # What finds no room begins with another status.
            self._beginning, self._is_whole = message, True
        elif not self._is_whole:
            await self._send(message)
        elif not self._is_refused:
            await self._tell_weighed(message)

    async def _tell_weighed(self, message: Message) -> None:
        peer = peer_of_scope(self._scope)
        with ExitStack() as held:
            try:
                await self._guard.keep_answer(peer, len(message.get("body", b"")), held)
            except EdgerankError as error:
                self._is_refused = True
                await tell_refused(Request(self._scope), error, waits=False)
                await problem_of(error)(self._scope, self._receive, self._send)
                return
            if self._beginning is not None:
                await self._send(self._beginning)
                self._beginning = None
            await self._send({**message, "more_body": True})
            # The server takes this once the transport has little left of what came before.
            await self._send({**message, "body": b""})
