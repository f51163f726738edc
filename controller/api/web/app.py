"""The web application of one controller."""

from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, Depends, FastAPI

from controller.api.web import reading
from controller.api.web.callers import admitted
from controller.api.web.hardening import Hardening
from controller.api.web.pages import serving as pages
from controller.api.web.pages.ground.missing import add_missing
from controller.api.web.parts import Parts
from controller.api.web.problems import add_problems
from controller.api.web.telling import Telling

TITLE: Final = "edgerank"
_ABOUT: Final = (
    "Which image-classification backbone is best on which device, by measurement. Answers are the "
    "documents of docs/json.md; what goes wrong is a problem document of RFC 9457."
)


def routers() -> tuple[APIRouter, ...]:
    """Every room of the application: what it answers, each route under its whole path."""
    return (*reading.ROUTERS, *pages.ROUTERS)


def described() -> FastAPI:
    """What is told to programs of the application: its routes for them, answered by nobody."""
    app = FastAPI(title=TITLE, version="1", description=_ABOUT)
    _add(app, reading.ROUTERS)
    return app


def make_app(parts: Parts) -> FastAPI:
    """The application, which asks who asks before every route."""
    app = FastAPI(
        title=TITLE,
        # Its pages would come from another host.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(admitted)],
    )
    app.state.parts = parts
    _add(app, routers())
    add_problems(app)
    add_missing(app)
    app.add_middleware(Telling, guard=parts.guard)
    limits = parts.guard.limits
    app.add_middleware(
        Hardening,
        hosts=parts.hosts,
        body_bytes=limits.request_bytes,
        body_s=limits.request_s,
    )
    return app


def _add(app: FastAPI, rooms: Iterable[APIRouter]) -> None:
    for room in rooms:
        app.include_router(room)
