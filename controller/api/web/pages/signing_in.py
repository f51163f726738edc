"""How people sign in with a token, and out."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from controller.api.rpc.needs import Need
from controller.api.web.callers import shown_by, tell_refused
from controller.api.web.pages.ground.sessions import LIFETIME_MS
from controller.api.web.pages.ground.site import changing, page, session_of
from controller.api.web.parts import parts_of
from controller.domain.access import Scope
from controller.domain.errors import EdgerankError, ErrorCode
from protos.joining import TokenInvalid, bearer_letters, parse_access_token

_NO_TOKEN: Final = "this is no token of this controller; 'edgerank access create' makes one"


def add_signing_in(router: APIRouter) -> None:
    """Add the page where people sign in to the router."""

    @router.get("/sign-in")
    async def ask(request: Request) -> Response:
        to = _safe(request.query_params.get("to", "/"))
        return await page(request, "sign-in.html", to=to, problem="")

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        parts = parts_of(request)
        _, form = await changing(request)
        to = _safe(form.get("to", "/"))
        try:
            authorization = _authorization(form.get("token", ""))
            with ExitStack() as held:
                shown = replace(shown_by(request), authorization=authorization)
                caller, _task = await parts.guard.admit(Need(Scope.READ), shown, held)
                await parts.guard.wait_for_turn(caller)
        except EdgerankError as error:
            if error.code is not ErrorCode.UNKNOWN_CALLER:
                raise
            await tell_refused(request, error)
            return await page(request, "sign-in.html", status=401, to=to, problem=str(error))
        parts.sessions.close(session_of(request))
        response = RedirectResponse(to, 303)
        response.set_cookie(
            parts.sessions.cookie,
            parts.sessions.open(authorization),
            max_age=LIFETIME_MS // 1_000,
            httponly=True,
            samesite="strict",
            secure=parts.is_encrypted,
        )
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await changing(request)
        parts = parts_of(request)
        parts.sessions.close(session_of(request))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(
            parts.sessions.cookie, httponly=True, samesite="strict", secure=parts.is_encrypted
        )
        return response


def _authorization(token: str) -> str:
    try:
        return f"Bearer {bearer_letters(parse_access_token(token.strip()).secret)}"
    except TokenInvalid as error:
        raise EdgerankError(ErrorCode.UNKNOWN_CALLER, _NO_TOKEN) from error


def _safe(to: str) -> str:
    """A page of ours to go to; the first one for anything else."""
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\"))
    return to if is_ours and to.isprintable() else "/"
