"""What may be long is worked on while there is room for its bytes: of one, and of all together."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from controller.api.limits import Room
from controller.domain.errors import EdgerankError, ErrorCode

# Of all calls together, a hundred megabytes.
_UNWEIGHED_BYTES: Final = 4_096


@dataclass(frozen=True, eq=False)
class Portion:
    """The bytes that a message is counted as for as long as it is worked on.

    Attributes:
        who: whose it is.
        size_bytes: as many.
    """

    who: Hashable
    size_bytes: int


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a message waits for its room."""

    portion: Portion
    waits_as_bytes: int
    coming: asyncio.Future[None]


class Scales:
    """Gives messages room by their bytes; those for which there is none wait, and are bounded, too.

    Who waits is not read any more, so that the transport makes its peer wait. Room goes to whoever
    holds least, of those to who waits longest, and nothing passes by what does not fit yet. Where
    too many bytes wait, who waits with most of them is refused: a crowd of large ones ends itself,
    and who brings little is heard.
    """

    def __init__(self, room: Room, most_waiting_bytes: int, what: str) -> None:
        """Room in bytes; `what` is weighed, in the words of a refusal."""
        self._room = room
        self._most_waiting_bytes = most_waiting_bytes
        self._what = what
        self._of_caller: Counter[Hashable] = Counter()
        self._in_all = 0
        self._waiting: deque[_Place] = deque()
        self._waits_of: Counter[Hashable] = Counter()

    async def take(self, who: Hashable, size_bytes: int, *, waits_as_bytes: int) -> Portion:
        """Waits until there is room; it is held until it is given back.

        Args:
            who: whose the message is.
            size_bytes: as how many it is counted; what is more than one may hold counts as that.
            waits_as_bytes: as how many while it waits.

        Raises:
            EdgerankError: LIMIT where too much waits already.
        """
        portion = Portion(who, min(size_bytes, self._room.a_caller))
        if not self._waiting and self._fits(portion):
            self._hold(portion)
            return portion
        place = _Place(portion, waits_as_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        self._waits_of[who] += waits_as_bytes
        self._give_out()
        self._refuse_most()
        try:
            await place.coming
        except asyncio.CancelledError:
            if place in self._waiting:
                self._leave(place)
                self._give_out()
            elif place.coming.done() and not place.coming.exception():
                # Who hung up as its room came.
                self.give_back(portion)
            raise
        return portion

    async def keep(self, who: Hashable, size_bytes: int, held: ExitStack) -> None:
        """Counts what is longer than a little, once there is room for it, until `held` ends.

        Raises:
            EdgerankError: LIMIT where too much waits already.
        """
        if size_bytes > _UNWEIGHED_BYTES:
            portion = await self.take(who, size_bytes, waits_as_bytes=size_bytes)
            held.callback(self.give_back, portion)

    def give_back(self, portion: Portion) -> None:
        """What was counted as this is gone."""
        _take_off(self._of_caller, portion.who, portion.size_bytes)
        self._in_all -= portion.size_bytes
        self._give_out()

    def _fits(self, portion: Portion) -> bool:
        return self._may_hold(portion) and self._in_all + portion.size_bytes <= self._room.in_all

    def _may_hold(self, portion: Portion) -> bool:
        return self._of_caller[portion.who] + portion.size_bytes <= self._room.a_caller

    def _hold(self, portion: Portion) -> None:
        self._of_caller[portion.who] += portion.size_bytes
        self._in_all += portion.size_bytes

    def _give_out(self) -> None:
        while (place := self._next_one()) is not None and self._fits(place.portion):
            self._leave(place)
            self._hold(place.portion)
            place.coming.set_result(None)

    def _next_one(self) -> _Place | None:
        found: _Place | None = None
        least = self._room.a_caller
        for place in self._waiting:
            held = self._of_caller[place.portion.who]
            # Who hung up leaves by itself.
            is_heard_of = not place.coming.done()
            if held < least and is_heard_of and self._may_hold(place.portion):
                found, least = place, held
            if not least:
                break
        return found

    def _refuse_most(self) -> None:
        while self._waits_of.total() > self._most_waiting_bytes:
            ((who, _most),) = self._waits_of.most_common(1)
            last = next((each for each in reversed(self._waiting) if _is_of(each, who)), None)
            if last is None:
                return
            self._leave(last)
            last.coming.set_exception(self._too_much())

    def _leave(self, place: _Place) -> None:
        self._waiting.remove(place)
        _take_off(self._waits_of, place.portion.who, place.waits_as_bytes)

    def _too_much(self) -> EdgerankError:
        if not self._most_waiting_bytes:
            return EdgerankError(
                ErrorCode.LIMIT,
                f"{self._in_all} bytes of {self._what} are held already, and there is no room for "
                "this one; come again in a minute",
            )
        return EdgerankError(
            ErrorCode.LIMIT,
            f"{self._most_waiting_bytes} bytes of {self._what} wait already, and nobody has more "
            "of them there than this one; come again in a minute",
        )


def _take_off(counted: Counter[Hashable], who: Hashable, size_bytes: int) -> None:
    counted[who] -= size_bytes
    if not counted[who]:
        del counted[who]


def _is_of(place: _Place, who: Hashable) -> bool:
    return place.portion.who == who and not place.coming.done()
