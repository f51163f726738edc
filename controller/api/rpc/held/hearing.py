"""Who may say a request now: gRPC keeps what came of each, as long as the rest does not come."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from controller.access.callers import STRANGER
from controller.access.connections import place_of
from controller.api.limits import Limits, Load, Room
from controller.domain.access import Caller, CallerKind
from controller.domain.errors import EdgerankError, ErrorCode

# Who waits for a turn, and is told whether it came.
_Place: TypeAlias = "tuple[str, asyncio.Future[bool]]"
_BY_SLOW: Final = "others say their requests as slowly as they may"
_BY_MANY: Final = "others ask for more than can be answered at once"
_AGAIN: Final = "ask again in a minute"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How a request is heard.

    Attributes:
        within_s: how long it may take to come.
        most_bytes: how long it may be.
    """

    within_s: float
    most_bytes: int


class Floor:
    """Who may speak: so many of one caller, and of all, at once; the others wait for a while."""

    def __init__(self, room: Room, wait_s: float, held_up: str = _BY_SLOW) -> None:
        """`held_up` says why a turn did not come, as the beginning of a sentence."""
        self._held_up = held_up
        self._room = room
        self._wait_s = wait_s
        self._of_caller: Counter[str] = Counter()
        self._in_all = 0
        self._waiting: deque[_Place] = deque()

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
        coming: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        place = (who, coming)
        self._waiting.append(place)
        timer = coming.get_loop().call_later(self._wait_s, self._give_up, place)
        try:
            has_come = await coming
        except asyncio.CancelledError:
            if coming.cancelled():
                self._waiting.remove(place)
            elif coming.result():
                # Who hung up as its turn came.
                self._end(who)
            raise
        finally:
            timer.cancel()
        if not has_come:
            raise EdgerankError(
                ErrorCode.LIMIT, f"{self._held_up}, and this one's turn did not come; {_AGAIN}"
            )

    def _give_up(self, place: _Place) -> None:
        if not place[1].done():
            self._waiting.remove(place)
            place[1].set_result(False)

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
        place = self._next_one()
        if place is not None:
            next_one, coming = place
            self._waiting.remove(place)
            self._take(next_one)
            coming.set_result(True)

    def _next_one(self) -> _Place | None:
        """Of those who have fewest turns who waits longest: nobody is kept out by a crowd."""
        found: _Place | None = None
        fewest = self._room.a_caller
        for place in self._waiting:
            who, coming = place
            count = self._of_caller[who]
            if count < fewest and not coming.done() and self._has_room(who):
                found, fewest = place, count
            if not fewest:
                break
        return found


class Hearing:
    """Gives every caller a turn to say a request in, by what may be kept of theirs."""

    def __init__(self, limits: Limits) -> None:
        self._strangers = Floor(limits.strangers_heard, limits.request_s)
        self._devices = Floor(limits.devices_heard, limits.request_s)
        self._people = Floor(limits.people_heard, limits.request_s)
        self._answers = Floor(limits.answers_made, limits.request_s, _BY_MANY)
        self._of_stranger: Final = Heard(
            within_s=limits.stranger_request_s, most_bytes=limits.stranger_request_bytes
        )
        self._of_device: Final = Heard(
            within_s=limits.device_request_s, most_bytes=limits.request_bytes
        )
        self._of_person: Final = Heard(within_s=limits.request_s, most_bytes=limits.request_bytes)

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
            yield self._of_person
            return
        floor, who, heard = self._whose(caller, peer)
        async with floor.turn(who):
            yield heard

    @asynccontextmanager
    async def answering(self, caller: Caller, load: Load) -> AsyncIterator[None]:
        """Holds the turn of a short call of a token while its answer is made.

        Raises:
            EdgerankError: LIMIT when it does not come in time.
        """
        if caller.caller is CallerKind.TOKEN and load is Load.MOMENT:
            async with self._answers.turn(caller.caller_name):
                yield
        else:
            yield

    def _whose(self, caller: Caller, peer: str) -> tuple[Floor, str, Heard]:
        if caller == STRANGER:
            return self._strangers, place_of(peer), self._of_stranger
        if caller.device_id is not None:
            return self._devices, caller.device_id, self._of_device
        return self._people, f"{caller.caller.value} {caller.caller_name}", self._of_person
