"""What has begun to come in connections, and is no whole message yet.

gRPC keeps it and tells nobody how much it is. But the kernel counts what came in a connection, and
here is counted what came whole.

gRPC knows a connection by its peer alone, who may come back by the same port; the kernel tells one
from the next. What was heard in one is not taken off what came in another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from controller.access.connections import Held
from controller.access.local_peers import Endpoint, parse_peer

# What is around a message: frames, a record of TLS, and of a call's first one its header.
_AROUND_BYTES: Final = 100
# What is said besides: pings, and that parts of artifacts were read.
_BESIDE_BYTES_PER_S: Final = 300
# Less counts in no sum: it is what comes of a few calls before they are read.
_LITTLE_BYTES: Final = 256 << 10


class Begun(NamedTuple):
    """What has begun to come from a peer."""

    peer: Endpoint
    size_bytes: int


@dataclass
class _Course:
    """What came from one peer: in a connection, in those after it, or at two addresses of ours.

    Attributes:
        peer: the other end; None where that is no address.
        heard_bytes: in whole messages, with what is around them.
        weighed_bytes: of those, when the kernel was asked last.
        rested_bytes: of those, when no call went on last; None where one did since the kernel was
            asked.
        came_bytes: in each connection, by its socket's inode, when the kernel was asked last.
        begun_bytes: what of that may be there still, and is no whole message.
        calls: how many go on.
        awaited: calls that wait for a message, the longest first, by what was heard before.
        is_missed: whether the kernel knew nothing of it then.
    """

    peer: Endpoint | None
    heard_bytes: int = 0
    weighed_bytes: int = 0
    rested_bytes: int | None = None
    came_bytes: Mapping[int, int] = field(default_factory=dict)
    begun_bytes: float = 0
    calls: int = 0
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
        if course is not None:
            course.calls += 1
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

    def close(self) -> None:
        """The call has ended."""
        if self._course is not None:
            self._course.awaited.pop(self, None)
            self._course.calls -= 1
            if not self._course.calls:
                self._course.rested_bytes = self._course.heard_bytes

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

    def weigh(self, received: Mapping[Held, int], passed_s: float) -> list[Begun]:
        """Those with most, without whom there is no more in all than may be.

        A message that began long ago has ended by its silence, whole or with its call, so that what
        is said besides is taken off by the time.

        Args:
            received: how many bytes came in each connection so far.
            passed_s: since this was asked last.
        """
        by_peer: defaultdict[Endpoint | None, dict[int, int]] = defaultdict(dict)
        for held, size_bytes in received.items():
            by_peer[held.peer][held.inode] = size_bytes
        for name, course in tuple(self._courses.items()):
            came_bytes = by_peer.get(course.peer)
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


def _go_on(course: _Course, came_bytes: Mapping[int, int], passed_s: float) -> None:
    more_bytes = sum(came - course.came_bytes.get(inode, 0) for inode, came in came_bytes.items())
    more_bytes -= course.heard_bytes - _heard_elsewhere_bytes(course, came_bytes)
    if came_bytes.keys().isdisjoint(course.came_bytes):
        course.begun_bytes = 0
    begun_bytes = course.begun_bytes + more_bytes - _BESIDE_BYTES_PER_S * passed_s
    # Where no call goes on, nothing is kept.
    course.begun_bytes = max(0.0, begun_bytes) if course.calls else 0
    course.came_bytes = came_bytes
    course.weighed_bytes = course.heard_bytes
    course.rested_bytes = None if course.calls else course.heard_bytes
    course.is_missed = False


def _heard_elsewhere_bytes(course: _Course, came_bytes: Mapping[int, int]) -> int:
    """What was heard that counts for nothing in these connections: before, or in one that ended."""
    if came_bytes.keys() <= course.came_bytes.keys():
        return course.weighed_bytes
    if course.rested_bytes is not None:
        # No call outlives its connection: what came before may be another's.
        return course.rested_bytes
    # Of the first one all; else calls of the one before go on, and nobody knows whose is what.
    return course.heard_bytes if course.came_bytes else 0
