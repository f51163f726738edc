"""What all pages need: who asks, how a page is sent, and what becomes of failures."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from controller.api.web.callers import Admitted, Asking, tell_refused
from controller.api.web.pages.ground.policy import HEADERS, TOKEN_FIELD, check_change
from controller.api.web.pages.ground.rendering import rendered
from controller.api.web.parts import parts_of
from controller.api.web.problems import HTTP_STATUSES
from controller.domain.access import Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.views.reasons import sentences


async def known(request: Request, asking: Admitted) -> None:
    """Keeps who asks where every page finds it."""
    request.state.asking = asking


class PageRoute(APIRoute):
    """A route whose failures are pages, and that tells browsers what pages may do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except EdgerankError as error:
                response = await failure(request, error)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle_page


def new_router() -> APIRouter:
    """A router of pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(known)])


async def changing(request: Request) -> tuple[Caller, dict[str, str]]:
    """Who wants a change, and the fields of the form by which a page of ours asks for it.

    Raises:
        EdgerankError: NOT_ALLOWED for a form that is not of our pages.
    """
    body = await request.body()
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    check_change(request.headers, fields.get(TOKEN_FIELD, ""), _form_token(request))
    return _asking(request).caller, fields


async def changed(request: Request, subject: str) -> None:
    """Remembers in the log of changes what somebody changed."""
    await _asking(request).changed(subject)


async def page(
    request: Request, template: str, *, status: int = 200, **shown: object
) -> HTMLResponse:
    """A page that shows these things, written in a thread."""
    asking: Asking | None = getattr(request.state, "asking", None)
    caller = None if asking is None else asking.caller
    common = {
        "path": request.url.path,
        "csrf": _form_token(request),
        "caller": caller,
        "is_signed_in": caller is not None and caller.caller is CallerKind.TOKEN,
        "may_operate": caller is not None and caller.has(Scope.OPERATE),
        "may_administer": caller is not None and caller.has(Scope.ADMIN),
    }
    html = await asyncio.to_thread(rendered, template, **common, **shown)
    return HTMLResponse(html, status)


async def failure(request: Request, error: EdgerankError) -> Response:
    """A page that says what is wrong; for who has to sign in first, the way there."""
    await tell_refused(request, error)
    is_stranger = error.code is ErrorCode.UNKNOWN_CALLER
    if is_stranger:
        # Its token was revoked: whoever has the cookie signs in anew.
        parts_of(request).sessions.close(session_of(request))
    if is_stranger and request.method == "GET" and not is_part(request):
        back = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="")
        return RedirectResponse(f"/sign-in?to={back}", 303)
    template = "failure_part.html" if is_part(request) else "failure.html"
    message = sentences(error.reasons) if isinstance(error, Refused) else str(error)
    return await page(
        request,
        template,
        status=HTTP_STATUSES[error.code],
        message=message,
        code=error.code.value,
    )


def session_of(request: Request) -> str:
    """What the cookie of whoever asks holds; empty without one."""
    return request.cookies.get(parts_of(request).sessions.cookie, "")


def is_part(request: Request) -> bool:
    """Whether a part of a page is asked for, to be put into the one that is shown."""
    asks = request.headers
    return asks.get("hx-request") == "true" and asks.get("hx-history-restore-request") != "true"


def _form_token(request: Request) -> str:
    return parts_of(request).sessions.form_token(session_of(request))


def _asking(request: Request) -> Asking:
    asking = request.state.asking
    assert isinstance(asking, Asking)
    return asking
