"""Sweeps, over HTTP: listed, one, and followed as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from controller.api.web.answers import Answer, Page, answer
from controller.api.web.paging import page_of
from controller.api.web.parts import Given, Parts
from controller.api.web.reading.asked import Asked, AskedPage
from controller.domain.sweeps import SweepSnapshot, SweepSummary
from controller.state.schema.unreadable import note_left_out
from controller.views.documents import to_document

router: Final = APIRouter(tags=["sweeps"])

SweepName = Annotated[str, Path(max_length=200)]
"""A sweep's id, a beginning of it, or its name."""

_PING_S: Final = 15
_UNREAD_S: Final = 60


@router.get("/api/v1/sweeps", response_model=None)
async def list_sweeps(
    parts: Given, asked: Annotated[AskedPage, Query()]
) -> Answer[Page[SweepSummary]]:
    """Sweeps and profiles, the newest first."""
    left_out = note_left_out()
    found = await parts.queries.sweeps()
    page = page_of(found, lambda each: each.sweep_id, asked.cursor, asked.limit)
    return await answer(page, left_out)


@router.get("/api/v1/sweeps/{sweep}", response_model=None)
async def get_sweep(
    parts: Given,
    sweep: SweepName,
    asked: Annotated[Asked, Query()],  # noqa: ARG001 - refuses every parameter
) -> Answer[SweepSnapshot]:
    """How a sweep stands now."""
    left_out = note_left_out()
    sweep_id = await parts.queries.sweep_id(sweep)
    return await answer(await parts.sweeps.snapshot(sweep_id), left_out)


@router.get("/api/v1/sweeps/{sweep}/watch", response_model=None)
async def watch_sweep(
    parts: Given,
    sweep: SweepName,
    asked: Annotated[Asked, Query()],  # noqa: ARG001 - refuses every parameter
) -> EventSourceResponse:
    """Server-sent events: `snapshot` now and after changes, and `end` when the sweep has ended.

    The data of each is how the sweep stands, as one JSON document.
    """
    sweep_id = await parts.queries.sweep_id(sweep)
    return EventSourceResponse(_events(parts, sweep_id), ping=_PING_S, send_timeout=_UNREAD_S)


async def _events(parts: Parts, sweep_id: str) -> AsyncIterator[ServerSentEvent]:
    stopping = asyncio.create_task(parts.stopping.wait())
    data = "null"
    try:
        async with aclosing(parts.sweeps.watch(sweep_id)) as snapshots:
            while True:
                coming = asyncio.create_task(_next(snapshots))
                await asyncio.wait((coming, stopping), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    await asyncio.wait((coming,))
                    return
                snapshot = coming.result()
                if snapshot is None:
                    break
                data = await asyncio.to_thread(_written, snapshot)
                yield ServerSentEvent(event="snapshot", data=data)
        yield ServerSentEvent(event="end", data=data)
    finally:
        stopping.cancel()


def _written(snapshot: SweepSnapshot) -> str:
    return json.dumps(to_document(snapshot), ensure_ascii=False)


async def _next(snapshots: AsyncIterator[SweepSnapshot]) -> SweepSnapshot | None:
    return await anext(snapshots, None)
