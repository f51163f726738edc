"""What has begun to come in connections, and is no whole message yet.

gRPC keeps it and tells nobody how much it is. But the kernel counts what came in a connection, and
here is counted what came whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from controller.access.local_peers import Endpoint, parse_peer

# What is around a message: frames, a record of TLS, and of a call's first one its header.
_AROUND_BYTES: Final = 100
# What is said besides: pings, and that parts of artifacts were read.
_BESIDE_BYTES_PER_S: Final = 300
# Less counts in no sum: it is what comes of a few calls before they are read.
_LITTLE_BYTES: Final = 256 << 10


class Begun(NamedTuple):
    """What has begun to come in a connection."""

    peer: Endpoint
    size_bytes: int


@dataclass
class _Course:
    """What came in a connection.

    Attributes:
        peer: its other end; None where that is no address.
        heard_bytes: in whole messages, with what is around them.
        others_bytes: besides, when the kernel was asked last.
        begun_bytes: what of that may be there still.
        awaited: calls that wait for a message, the longest first, by what was heard before.
        is_missed: whether the kernel knew nothing of it then.
    """

    peer: Endpoint | None
    heard_bytes: int = 0
    others_bytes: int = 0
    begun_bytes: float = 0
    awaited: dict[Incoming, int] = field(default_factory=dict)
    is_missed: bool = False

    @property
    def kept_bytes(self) -> int:
        """What gRPC may keep of all that came in it.

        Of a message in small pieces it keeps what came between them in the same buffers, whole
        messages of other calls as well.
        """
        between = self.heard_bytes - next(iter(self.awaited.values()), self.heard_bytes)
        return round(self.begun_bytes) + between


class Incoming:
    """The messages of one call, as they are waited for and come."""

    def __init__(self, course: _Course | None = None) -> None:
        """Without a course nothing of them is counted."""
        self._course = course
        self._count(0)

    def begins(self) -> None:
        """One is waited for."""
        if self._course is not None:
            self._course.awaited[self] = self._course.heard_bytes

    def ends(self, size_bytes: int | None) -> None:
        """It came whole, of so many bytes; or None will come any more."""
        if self._course is not None:
            self._course.awaited.pop(self, None)
        if size_bytes is not None:
            self._count(size_bytes)

    def _count(self, size_bytes: int) -> None:
        if self._course is not None:
            self._course.heard_bytes += size_bytes + _AROUND_BYTES


def uncounted(_peer: str) -> Incoming:
    """A call of which nothing is counted."""
    return Incoming()


class Beginnings:
    """Weighs what has begun to come in all connections together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._courses: dict[str, _Course] = {}

    @property
    def connections(self) -> int:
        """Of how many connections something is remembered, some of which may have ended."""
        return len(self._courses)

    def incoming(self, peer: str) -> Incoming:
        """A call that begins in a connection with this peer, as gRPC says."""
        course = self._courses.get(peer)
        if course is None:
            course = self._courses[peer] = _Course(parse_peer(peer))
        return Incoming(course)

    def weigh(self, received: Mapping[Endpoint, int], passed_s: float) -> list[Begun]:
        """Those with most, without whom there is no more in all than may be.

        A message that began long ago has ended by its silence, whole or with its call, so that what
        is said besides is taken off by the time.

        Args:
            received: how many bytes came in each connection so far.
            passed_s: since this was asked last.
        """
        for name, course in tuple(self._courses.items()):
            came_bytes = None if course.peer is None else received.get(course.peer)
            if came_bytes is not None:
                _go_on(course, came_bytes, passed_s)
            elif (course.is_missed or course.peer is None) and not course.awaited:
                del self._courses[name]
            else:
                # It may have come after the kernel was asked.
                course.is_missed = True
        begun = sorted(
            (
                Begun(course.peer, course.kept_bytes)
                for course in self._courses.values()
                if course.peer is not None
                and not course.is_missed
                and course.kept_bytes >= _LITTLE_BYTES
            ),
            key=lambda each: each.size_bytes,
        )
        in_all = sum(each.size_bytes for each in begun)
        surplus: list[Begun] = []
        while in_all > self._most_bytes:
            surplus.append(begun.pop())
            in_all -= surplus[-1].size_bytes
        return surplus


def _go_on(course: _Course, received_bytes: int, passed_s: float) -> None:
    others_bytes = received_bytes - course.heard_bytes
    more_bytes = others_bytes - course.others_bytes - _BESIDE_BYTES_PER_S * passed_s
    course.begun_bytes = max(0.0, course.begun_bytes + more_bytes)
    course.others_bytes = others_bytes
    course.is_missed = False
