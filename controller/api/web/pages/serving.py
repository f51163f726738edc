"""The pages and what they are made of, as routes."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from controller.api.web.pages.asking.home import add_home
from controller.api.web.pages.comparing.page import add_comparison
from controller.api.web.pages.devices import add_devices
from controller.api.web.pages.fleet import add_fleet
from controller.api.web.pages.following import add_following
from controller.api.web.pages.ground.files import CHART_CODE, TYPES, packaged, version_of
from controller.api.web.pages.ground.site import new_router
from controller.api.web.pages.measurements import add_measurements
from controller.api.web.pages.signing_in import add_signing_in
from controller.api.web.pages.sweeps import add_sweeps
from controller.api.web.parts import parts_of
from controller.domain.errors import EdgerankError, ErrorCode

_FOR_EVER: Final = "public, max-age=31536000, immutable"


def _pages() -> APIRouter:
    router = new_router()
    for add in (
        add_home,
        add_devices,
        add_sweeps,
        add_measurements,
        add_fleet,
        add_comparison,
        add_signing_in,
        add_following,
    ):
        add(router)

    @router.get("/static/{name}")
    async def static(name: str, request: Request) -> Response:
        if name not in TYPES:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, "there is no such file here")
        code = parts_of(request).chart_code
        is_code = name == CHART_CODE
        # Before the page asks for it: bundling takes seconds.
        code.begin()
        file = await (code.read() if is_code else asyncio.to_thread(packaged, name))
        is_named = request.query_params.get("v") == await asyncio.to_thread(version_of, name)
        headers = {
            "ETag": file.tag,
            "Cache-Control": _FOR_EVER if is_named else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        content = file.content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.compressed, "gzip"
        return Response(content, media_type=TYPES[name], headers=headers)

    return router


ROUTERS: Final = (_pages(),)
"""Every page, and the files that they are made of."""
