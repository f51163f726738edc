"""Tasks of asyncio that are to end, whatever becomes of the first word of it."""

import asyncio
from typing import Any, Final

# So long a task may take over its farewell before it is told again.
AGAIN_S: Final = 1.0


async def end_tasks(*tasks: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancel tasks until they have ended; how they did is nobody's business.

    Once is not enough: `asyncio.wait_for` of Python 3.10 loses a cancellation that comes when what
    it waits for has just come about, and gRPC's calls lose one that comes when they fail. Whoever
    is cancelled meanwhile is so when they have ended.
    """
    left = set(tasks)
    cancelled: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            _, left = await asyncio.wait(left, timeout=again_s)
        except asyncio.CancelledError as error:
            cancelled = error
            left = {task for task in left if not task.done()}
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled is not None:
        raise cancelled
