"""The pages and what they are made of, as routes."""

import asyncio
import hashlib
from functools import lru_cache
from importlib import resources
from typing import Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.chart_code import ChartCode
from controller.api.web.pages.devices import add_devices
from controller.api.web.pages.home import add_home
from controller.api.web.pages.site import Site
from controller.domain.errors import EdgerankError, ErrorCode

_TYPES: Final = {
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "vega.js": "text/javascript; charset=utf-8",
}


def pages_router(site: Site) -> APIRouter:
    """Every page, and the files that they are made of."""
    router = site.router()
    for add in (add_home, add_devices):
        add(router, site)

    charts = ChartCode()

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        if name not in _TYPES:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, "there is no such file here")
        is_charts = name == "vega.js"
        content = await charts.read() if is_charts else await asyncio.to_thread(_file, name)
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        # Before the page asks for it: bundling takes seconds.
        charts.begin()
        return Response(content, media_type=_TYPES[name], headers=headers)

    return router


@lru_cache(maxsize=len(_TYPES))
def _file(name: str) -> bytes:
    return resources.files("controller.api.web.pages").joinpath("static", name).read_bytes()
