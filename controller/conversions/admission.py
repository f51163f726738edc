"""How many conversions run at once: as many as there are cores, and as fit into memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from controller.conversions.demand import Demand


@dataclass(eq=False)
class _Asking:
    """One that waits to be admitted; its turn gives the room."""

    name: str
    expected_bytes: int
    turn: asyncio.Future[int]


class Admission:
    """Admits what is needed first; one that is larger than everything runs alone.

    A smaller one that is needed less does not pass one that waits, which would wait forever else.
    """

    def __init__(self, slots: int, room_bytes: Callable[[], int], demand: Demand) -> None:
        """Admits at most `slots` at once; asks for the room whenever nothing runs."""
        self._slots = slots
        self._ask_for_room = room_bytes
        self._demand = demand
        self._room_bytes = 0
        self._running: list[int] = []
        self._asking: list[_Asking] = []

    @property
    def running(self) -> int:
        """How many are admitted now."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """How many wait for that."""
        return len(self._asking)

    @asynccontextmanager
    async def admitted(self, backbone: str, expected_bytes: int) -> AsyncIterator[int]:
        """Waits for a core and memory, held until the block ends; gives the whole room, bytes."""
        loop = asyncio.get_running_loop()
        asking = _Asking(backbone, expected_bytes, loop.create_future())
        self._asking.append(asking)
        # Later: those that ask at the same moment are chosen among.
        loop.call_soon(self._admit)
        try:
            room_bytes = await asking.turn
        except asyncio.CancelledError:
            if asking in self._asking:
                self._asking.remove(asking)
            else:
                self._running.remove(expected_bytes)
            self._admit()
            raise
        try:
            yield room_bytes
        finally:
            self._running.remove(expected_bytes)
            self._admit()

    def _admit(self) -> None:
        while chosen := self._next():
            if not self._fits(chosen.expected_bytes):
                return
            self._asking.remove(chosen)
            self._running.append(chosen.expected_bytes)
            chosen.turn.set_result(self._room_bytes)

    def _next(self) -> _Asking | None:
        """The one that is needed first; who is about to go away is none."""
        there: Sequence[_Asking] = [each for each in self._asking if not each.turn.done()]
        if not there:
            return None
        first = self._demand.first([each.name for each in there])
        return next(each for each in there if each.name == first)

    def _fits(self, expected_bytes: int) -> bool:
        if not self._running:
            self._room_bytes = self._ask_for_room()
            return True
        return (
            len(self._running) < self._slots
            and sum(self._running) + expected_bytes <= self._room_bytes
        )
