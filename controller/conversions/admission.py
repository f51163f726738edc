"""How many conversions run at once: as many as there are cores, and as fit into memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Admission:
    """Admits in the order of asking; one that is larger than everything runs alone.

    A smaller one that comes later does not pass one that waits, which would wait forever otherwise.
    """

    def __init__(self, slots: int, room_bytes: Callable[[], int]) -> None:
        """Admits at most `slots` at once; asks for the room whenever nothing runs."""
        self._slots = slots
        self._ask_for_room = room_bytes
        self._room_bytes = 0
        self._running: list[int] = []
        self.queued = 0
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()

    @property
    def running(self) -> int:
        """How many are admitted now; `queued` is how many wait for that."""
        return len(self._running)

    @asynccontextmanager
    async def admitted(self, expected_bytes: int) -> AsyncIterator[int]:
        """Waits for a core and memory, held until the block ends; gives the whole room, bytes."""
        self.queued += 1
        try:
            async with self._turn:
                while not self._fits(expected_bytes):
                    self._ended.clear()
                    await self._ended.wait()
                self._running.append(expected_bytes)
        finally:
            self.queued -= 1
        try:
            yield self._room_bytes
        finally:
            self._running.remove(expected_bytes)
            self._ended.set()

    def _fits(self, expected_bytes: int) -> bool:
        if not self._running:
            self._room_bytes = self._ask_for_room()
            return True
        return (
            len(self._running) < self._slots
            and sum(self._running) + expected_bytes <= self._room_bytes
        )
