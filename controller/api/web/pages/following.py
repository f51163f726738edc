"""How pages learn that what they show is old: server-sent events, upon which they ask anew."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from controller.api.web.parts import Parts, parts_of

_PING_S: Final = 15
_UNREAD_S: Final = 60
# A page that is shown asks no more often, however much changes.
_REST_S: Final = 2


def add_following(router: APIRouter) -> None:
    """Add the route that tells pages of changes to the router."""

    @router.get("/changes", response_model=None)
    async def changes(request: Request) -> EventSourceResponse:
        """An event `changed` now, and after anything that pages follow has changed."""
        told = _events(parts_of(request))
        return EventSourceResponse(told, ping=_PING_S, send_timeout=_UNREAD_S)


async def _events(parts: Parts) -> AsyncIterator[ServerSentEvent]:
    stopping = asyncio.create_task(parts.stopping.wait())
    try:
        while not stopping.done():
            version = parts.changes.version
            # Browsers drop an event without data.
            yield ServerSentEvent(event="changed", data=str(version))
            coming = asyncio.create_task(_after(parts, version))
            try:
                await asyncio.wait((coming, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                coming.cancel()
    finally:
        stopping.cancel()


async def _after(parts: Parts, version: int) -> None:
    await asyncio.gather(parts.changes.after(version), asyncio.sleep(_REST_S))
