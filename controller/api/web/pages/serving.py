"""The pages and what they are made of, as routes."""

import asyncio
import hashlib
from functools import lru_cache
from importlib import resources
from typing import Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.asking.home import add_home
from controller.api.web.pages.devices import add_devices
from controller.api.web.pages.fleet import add_fleet
from controller.api.web.pages.ground.site import new_router
from controller.api.web.pages.measurements import add_measurements
from controller.api.web.pages.signing_in import add_signing_in
from controller.api.web.pages.sweeps import add_sweeps
from controller.api.web.parts import parts_of
from controller.domain.errors import EdgerankError, ErrorCode

_CODE: Final = "vega.js"
_TYPES: Final = {
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    _CODE: "text/javascript; charset=utf-8",
}


def _pages() -> APIRouter:
    router = new_router()
    for add in (add_home, add_devices, add_sweeps, add_measurements, add_fleet, add_signing_in):
        add(router)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        if name not in _TYPES:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, "there is no such file here")
        code = parts_of(request).chart_code
        content = await (code.read() if name == _CODE else asyncio.to_thread(_file, name))
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        # Before the page asks for it: bundling takes seconds.
        code.begin()
        return Response(content, media_type=_TYPES[name], headers=headers)

    return router


@lru_cache(maxsize=len(_TYPES))
def _file(name: str) -> bytes:
    return (
        resources.files("controller.api.web.pages").joinpath("static").joinpath(name).read_bytes()
    )


ROUTERS: Final = (_pages(),)
"""Every page, and the files that they are made of."""
