"""Who greets waits in line: few are let in at once, and each is told how long it will be.

A fleet that comes back at once is let in as fast as this machine can, while everybody else is
answered as before. Who is told that its turn comes has no reason to hang up and greet again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from controller.api.pacing import Moving
from controller.fleet.clock import Clock

_SHORTEST_WAIT_S: Final = 1.0


class Arrivals:
    """A line, and how many of it are let in at once."""

    def __init__(self, at_once: int, clock: Clock) -> None:
        self._free = at_once
        self._clock = clock
        self._line: deque[asyncio.Future[None]] = deque()
        self._moving = Moving()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """A place at the end of the line, and among those who are let in once its turn came."""
        turn = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            turn.set_result(None)
        else:
            self._line.append(turn)
        try:
            yield Place(turn, self._moving, len(self._line))
        finally:
            if turn.done():
                self._next()
            else:
                self._line.remove(turn)

    def _next(self) -> None:
        self._moving.moved(self._clock.monotonic_ms(), is_waited_for=bool(self._line))
        if self._line:
            self._line.popleft().set_result(None)
        else:
            self._free += 1


class Place:
    """One's place in a line."""

    def __init__(self, turn: asyncio.Future[None], moving: Moving, number: int) -> None:
        """`number` counts those that come before it, and itself."""
        self._turn = turn
        self._moving = moving
        self._comes_at = moving.count + number
        self._told_s = 0.0

    async def look(self) -> float | None:
        """How long it will be, s, once what was told before is over; None when its turn came."""
        if self._told_s:
            await asyncio.wait({self._turn}, timeout=self._told_s)
        if self._turn.done():
            return None
        ahead = self._comes_at - self._moving.count
        self._told_s = max(_SHORTEST_WAIT_S, self._moving.wait_s(ahead))
        return self._told_s
