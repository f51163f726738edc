"""Who may say a request now: gRPC keeps what came of each, as long as the rest does not come."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from controller.access.callers import STRANGER
from controller.access.connections import place_of
from controller.api.limits import Limits, Room
from controller.domain.access import Caller
from controller.domain.errors import EdgerankError, ErrorCode


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How a request is heard.

    Attributes:
        within_s: how long it may take to come.
        most_bytes: how long it may be.
    """

    within_s: float
    most_bytes: int


class Turns:
    """So many of one caller and of all at once; the others wait in line, each for a while."""

    def __init__(self, room: Room, wait_s: float) -> None:
        self._room = room
        self._wait_s = wait_s
        self._of_caller: Counter[str] = Counter()
        self._in_all = 0
        self._line: deque[tuple[str, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """Holds a turn, once it has come.

        Raises:
            EdgerankError: LIMIT when it does not come in time.
        """
        await self._begun(who)
        try:
            yield
        finally:
            self._end(who)

    async def _begun(self, who: str) -> None:
        if self._has_room(who):
            self._take(who)
            return
        coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (who, coming)
        self._line.append(place)
        timer = coming.get_loop().call_later(self._wait_s, coming.cancel)
        try:
            await asyncio.shield(coming)
        except asyncio.CancelledError:
            if not coming.done() or coming.cancelled():
                self._line.remove(place)
                if coming.cancelled():
                    raise _too_many() from None
            else:
                # Who hung up as its turn came.
                self._end(who)
            raise
        finally:
            timer.cancel()

    def _has_room(self, who: str) -> bool:
        return self._in_all < self._room.in_all and self._of_caller[who] < self._room.a_caller

    def _take(self, who: str) -> None:
        self._in_all += 1
        self._of_caller[who] += 1

    def _end(self, who: str) -> None:
        self._in_all -= 1
        self._of_caller[who] -= 1
        if not self._of_caller[who]:
            del self._of_caller[who]
        ready = (each for each in self._line if not each[1].done() and self._has_room(each[0]))
        # Of those who have fewest turns the one who waits longest: nobody is kept out by a crowd.
        place = min(ready, key=lambda each: self._of_caller[each[0]], default=None)
        if place is not None:
            next_one, coming = place
            self._line.remove(place)
            self._take(next_one)
            coming.set_result(None)


def _too_many() -> EdgerankError:
    return EdgerankError(
        ErrorCode.LIMIT,
        "others say their requests as slowly as they may, and this one's turn did not come; ask "
        "again in a minute",
    )


class Hearing:
    """Gives every caller a turn to say a request in, by what may be kept of theirs."""

    def __init__(self, limits: Limits) -> None:
        self._strangers = Turns(limits.strangers_heard, limits.request_s)
        a_caller = limits.requests_heard
        self._known = Turns(Room(a_caller, in_all=limits.calls), limits.request_s)
        self._of_stranger: Final = Heard(
            within_s=limits.stranger_request_s, most_bytes=limits.stranger_request_bytes
        )
        self._of_known: Final = Heard(within_s=limits.request_s, most_bytes=limits.request_bytes)

    @asynccontextmanager
    async def turn(self, caller: Caller, peer: str) -> AsyncIterator[Heard]:
        """Holds the turn of a call, and tells how long it may be.

        Args:
            caller: who makes it.
            peer: where from, as gRPC says.

        Raises:
            EdgerankError: LIMIT when it does not come in time.
        """
        if caller.may_speak_for_devices:
            yield self._of_known
        elif caller == STRANGER:
            async with self._strangers.turn(place_of(peer)):
                yield self._of_stranger
        else:
            async with self._known.turn(f"{caller.caller.value} {caller.caller_name}"):
                yield self._of_known
