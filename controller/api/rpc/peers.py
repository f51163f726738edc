"""In which connections calls go on, and which are ended.

Those of who does not read, idle masses, and where far too much begins and never comes whole.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from controller.access.connections import (
    Held,
    count_descriptors,
    end_connection,
    held_connections,
    place_of_end,
    received_in,
)
from controller.access.local_peers import Endpoint, parse_peer
from controller.access.memory import resident_bytes
from controller.api.limits import Limits
from controller.api.rpc.held.begun import Beginnings
from controller.fleet.clock import Clock
from protos.log_lines import event_log

log = event_log(__name__)

# A process without any connection has so many descriptors at most.
_OWN_DESCRIPTORS: Final = 64
# Which connections are whose is asked where memory grew by this part of what may begin to come.
_GROWN_SHARE: Final = 4
# And then: what is said besides is known by the time that passed.
_ASKED_EVERY_MS: Final = 3_600_000


class Peers:
    """Knows in which connections calls go on, and looks after them and the others.

    Attributes:
        beginnings: what began to come in them.
    """

    def __init__(self, limits: Limits, clock: Clock, connections: Sequence[int]) -> None:
        """So many `connections` may be open at each port."""
        self._clock = clock
        self._unread_ms = round(1_000 * limits.unread_s)
        self._idle_at_most = tuple(max(1, count // limits.idle_share) for count in connections)
        self._speaking: Counter[str] = Counter()
        self._writes: dict[object, tuple[int, str]] = {}
        self._idle: frozenset[Endpoint] = frozenset()
        self.beginnings = Beginnings(limits.begun_bytes)
        # However many wait in the threads that the database has, too.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="weighing")
        self._grown_bytes = limits.begun_bytes // _GROWN_SHARE
        # Of more of them most have ended.
        self._many = 2 * sum(connections)
        self._resident_bytes = resident_bytes()
        self._weighed_ms = clock.monotonic_ms()

    @contextmanager
    def speaking(self, peer: str) -> Iterator[None]:
        """A call of somebody who is known goes on."""
        self._speaking[peer] += 1
        try:
            yield
        finally:
            self._speaking[peer] -= 1
            if not self._speaking[peer]:
                del self._speaking[peer]

    @contextmanager
    def told(self, peer: str) -> Iterator[None]:
        """A message is written to a peer, which may take as long as a peer may not read."""
        write = object()
        self._writes[write] = self._clock.monotonic_ms(), peer
        try:
            yield
        finally:
            del self._writes[write]

    async def look(self, ports: Sequence[int]) -> None:
        """Ends connections of who does not read, and idle ones where an address has too many."""
        deaf = self._deaf()
        descriptors = await asyncio.to_thread(count_descriptors)
        idle = descriptors - _OWN_DESCRIPTORS - len(self._speaking)
        if not deaf and idle <= min(self._idle_at_most):
            # Which of them are whose is asked only where it can matter.
            self._idle = frozenset()
            return
        held = await asyncio.to_thread(held_connections, ports)
        for each in held:
            if each.peer in deaf and end_connection(each):
                log.warning(
                    "a peer did not read what it was told; its connection was ended",
                    peer=place_of_end(each.peer),
                    unread_s=self._unread_ms // 1_000,
                )
        may_be = dict(zip(ports, self._idle_at_most, strict=True))
        surplus = self._surplus(held, may_be)
        for (place, port), count in Counter(
            (place_of_end(each.peer), each.port) for each in surplus if end_connection(each)
        ).items():
            log.warning(
                "too many connections without a call; some were ended",
                peer=place,
                port=port,
                may_be=may_be[port],
                ended=count,
            )

    async def weigh(self, port: int) -> None:
        """Ends connections to a port in which most begins to come, where it is too much in all."""
        resident, now_ms = resident_bytes(), self._clock.monotonic_ms()
        self._resident_bytes = min(self._resident_bytes, resident)
        passed_ms = now_ms - self._weighed_ms
        if (
            resident - self._resident_bytes < self._grown_bytes
            and passed_ms < _ASKED_EVERY_MS
            and self.beginnings.connections <= self._many
        ):
            return
        self._resident_bytes, self._weighed_ms = resident, now_ms
        loop = asyncio.get_running_loop()
        received = await loop.run_in_executor(self._thread, received_in, (port,))
        surplus = {each.peer for each in self.beginnings.weigh(received, passed_ms / 1_000)}
        for place, count in Counter(
            place_of_end(held.peer)
            for held in received
            if held.peer in surplus and end_connection(held)
        ).items():
            log.warning(
                "too much was begun to be said and never came whole; where most was, connections "
                "were ended",
                peer=place,
                ended=count,
            )

    def _deaf(self) -> frozenset[Endpoint]:
        since_ms = self._clock.monotonic_ms() - self._unread_ms
        return _ends(peer for started_ms, peer in self._writes.values() if started_ms <= since_ms)

    def _surplus(self, held: Collection[Held], may_be: Mapping[int, int]) -> list[Held]:
        """Idle connections of an address beyond those that it may have at a port.

        Only those that were idle at the last look, too: a fleet that comes back at once greets one
        by one.
        """
        speaking = _ends(self._speaking)
        by_place: defaultdict[tuple[str, int], list[Held]] = defaultdict(list)
        for each in held:
            if each.peer not in speaking:
                by_place[place_of_end(each.peer), each.port].append(each)
        surplus: list[Held] = []
        for (_place, port), idle in by_place.items():
            lasting = [each for each in idle if each.peer in self._idle]
            surplus += lasting[: max(0, len(idle) - may_be[port])]
        self._idle = frozenset(each.peer for idle in by_place.values() for each in idle)
        return surplus


def _ends(peers: Iterable[str]) -> frozenset[Endpoint]:
    return frozenset(end for end in map(parse_peer, peers) if end is not None)
