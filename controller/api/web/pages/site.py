"""What all pages need: who asks, how a page is sent, and what becomes of failures."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from controller.access.administration import Administration
from controller.api.queries import Queries
from controller.api.web.pages.policy import HEADERS, TOKEN_FIELD, check_change
from controller.api.web.pages.rendering import rendered
from controller.api.web.pages.sessions import COOKIE, Sessions
from controller.domain.access import Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.fleet.agents import Fleet
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from controller.views.reasons import sentences
from models.catalog.catalog import Catalog

ResultT = TypeVar("ResultT")

_MOST_FORM_BYTES: Final = 64_000
_STATUSES: Final[Mapping[ErrorCode, int]] = {
    ErrorCode.INVALID_INPUT: 400,
    ErrorCode.UNKNOWN_NAME: 404,
    ErrorCode.NAME_TAKEN: 409,
    ErrorCode.NOTHING_FOUND: 404,
    ErrorCode.PRECONDITION: 409,
    ErrorCode.OUT_OF_RANGE: 400,
    ErrorCode.UNKNOWN_CALLER: 401,
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.LIMIT: 429,
}
"""Of what is no failure of the controller itself."""

Admit = Callable[[Request, str | None, str], Caller]
"""Tells who asks, by what a session holds, and whether they may what a call of this name does.

Raises EdgerankError: UNKNOWN_CALLER, NOT_ALLOWED or LIMIT.
"""

OnChange = Callable[[Caller, str, str], None]
"""Told who changed something, by which call, and what."""


@dataclass(frozen=True, kw_only=True)
class Behind:
    """What pages ask, and what they let do."""

    queries: Queries
    sweeps: Sweeps
    steering: Steering
    retrying: Retrying
    administration: Administration
    fleet: Fleet
    catalog: Catalog


class Site:
    """The pages' common ground."""

    def __init__(self, behind: Behind, sessions: Sessions, admit: Admit, on_change: OnChange) -> None:
        self.behind = behind
        self.sessions = sessions
        self._admit = admit
        self._on_change = on_change

    async def admitted(self, request: Request, call: str) -> Caller:
        """Who asks, if they may what a call of the contract does.

        Raises:
            EdgerankError: UNKNOWN_CALLER, NOT_ALLOWED, LIMIT.
        """
        session = self.sessions.find(request.cookies.get(COOKIE, ""))
        shown = None if session is None else session.authorization
        caller = await asyncio.to_thread(self._admit, request, shown, call)
        request.state.caller = caller
        return caller

    async def changing(self, request: Request, call: str) -> tuple[Caller, dict[str, str]]:
        """Who wants a change, and the fields of their form.

        Raises:
            EdgerankError: as `admitted`; NOT_ALLOWED also for a form that is not of our pages.
        """
        caller = await self.admitted(request, call)
        form = await self.form(request)
        return caller, form

    def changed(self, request: Request, action: str, subject: str) -> None:
        """Remember in the log of changes what somebody changed."""
        self._on_change(request.state.caller, action, subject)

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that one of our pages sent.

        Raises:
            EdgerankError: NOT_ALLOWED for any other, LIMIT for a longer one than ours are.
        """
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_FORM_BYTES:
                raise EdgerankError(ErrorCode.LIMIT, "this form is longer than any of our pages'")
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        expected = self.sessions.form_token(request.cookies.get(COOKIE, ""))
        check_change(request.headers, fields.get(TOKEN_FIELD, ""), expected)
        return fields

    async def page(
        self, request: Request, template: str, *, status: int = 200, **shown: object
    ) -> HTMLResponse:
        """A page that shows these things, written in a thread."""
        caller: Caller | None = getattr(request.state, "caller", None)
        common = {
            "path": request.url.path,
            "is_part": is_part(request),
            "csrf": self.sessions.form_token(request.cookies.get(COOKIE, "")),
            "caller": caller,
            "is_signed_in": caller is not None and caller.caller is CallerKind.TOKEN,
            "may_operate": caller is not None and caller.has(Scope.OPERATE),
            "may_administer": caller is not None and caller.has(Scope.ADMIN),
        }
        html = await asyncio.to_thread(rendered, template, **common, **shown)
        return HTMLResponse(html, status)

    def route_class(self) -> type[APIRoute]:
        """Routes whose failures are pages."""
        site = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def handle_pages(request: Request) -> Response:
                    try:
                        response = await handle(request)
                    except EdgerankError as error:
                        response = await site.failure(request, error)
                    return secured(response)

                return handle_pages

        return PageRoute

    async def failure(self, request: Request, error: EdgerankError) -> Response:
        """A page that says what is wrong; for who has to sign in first, the way there."""
        is_stranger = error.code is ErrorCode.UNKNOWN_CALLER
        if is_stranger and request.method == "GET" and not is_part(request):
            back = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="")
            return RedirectResponse(f"/sign-in?to={back}", 303)
        message = sentences(error.reasons) if isinstance(error, Refused) else str(error)
        status = _STATUSES.get(error.code, 500)
        template = "failure_part.html" if is_part(request) else "failure.html"
        return await self.page(
            request, template, status=status, message=message, code=error.code.value
        )


def is_part(request: Request) -> bool:
    """Whether a part of a page is asked for, to be put into the one that is shown."""
    asks = request.headers
    return asks.get("hx-request") == "true" and asks.get("hx-history-restore-request") != "true"


def secured(response: Response) -> Response:
    """An answer with what every answer tells browsers."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
