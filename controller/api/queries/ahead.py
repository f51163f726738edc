"""Pages one after the other, of which the next one is made while somebody has the one before."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

PageT = TypeVar("PageT")
PlaceT = TypeVar("PlaceT")


async def one_ahead(
    read: Callable[[PlaceT | None], Awaitable[tuple[PageT, PlaceT | None]]],
) -> AsyncGenerator[PageT, None]:
    """Every page.

    Args:
        read: gives the page behind a place, the first one behind None, and behind what the next
            one begins; None where none follows.
    """
    following = asyncio.ensure_future(read(None))
    try:
        while True:
            page, last = await following
            if last is not None:
                following = asyncio.ensure_future(read(last))
            # Who takes it has it alone: pages are megabytes.
            ready = [page]
            del page
            yield ready.pop()
            if last is None:
                return
    finally:
        # Nobody wants it any more, nor to know why there is none.
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
