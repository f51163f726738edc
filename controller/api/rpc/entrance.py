"""Where calls come in: the guard, the limits that it holds them to, and who looks after them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NoReturn

import grpc

from controller.access.callers import Callers
from controller.access.connections import make_room_for_descriptors
from controller.access.memory import give_back_memory
from controller.api.limits import Limits, channel_options
from controller.api.meters import Meters
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.api.rpc.guard import Guard
from controller.api.rpc.peers import Peers
from controller.api.rpc.refusals import Refusals
from controller.fleet.clock import Clock
from controller.state.committing import Commits
from controller.state.database import Database
from protos.log_lines import event_log

log = event_log(__name__)

_GIVE_BACK_EVERY_MS: Final = 30_000

_OPTIONS: Final = (
    # Without this a second controller would share the port instead of being refused.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)


class Entrance:
    """Holds those who call to the limits of one controller."""

    def __init__(
        self,
        callers: Callers,
        database: Database,
        commits: Commits,
        clock: Clock,
        *,
        limits: Limits,
        meters: Meters,
        ports: int,
    ) -> None:
        """From here on this process may have as many descriptors as its `ports` want."""
        descriptors = make_room_for_descriptors(limits.descriptors(ports))
        self._connections = limits.connections_of_ports(descriptors, ports)
        if self._connections[-1] < limits.connections:
            log.warning(
                "few connections may be open at a port; a larger fleet wants a higher hard limit "
                "of open files",
                connections=self._connections[-1],
                descriptors=descriptors,
            )
        self._limits = limits
        self._clock = clock
        self._peers = Peers(limits, clock, self._connections)
        self._refusals = Refusals(database, clock)
        self.guard = Guard(
            *(callers, commits, clock),
            limits=limits,
            peers=self._peers,
            refusals=self._refusals,
            meters=meters,
        )

    def servers(self) -> tuple[grpc.aio.Server, ...]:
        """A server for each port, without services, with the guard before those that it gets.

        gRPC counts connections by server.
        """
        return tuple(
            grpc.aio.server(
                options=[*_OPTIONS, *channel_options(self._limits, connections)],
                interceptors=[self.guard],
                maximum_concurrent_rpcs=self._limits.calls,
            )
            for connections in self._connections
        )

    async def look_after(self, ports: Sequence[int]) -> NoReturn:
        """Now and then ends connections that hold others up, tells of what was refused, and tidies.

        What peers held and let go of is given back to the machine.
        """
        given_back_ms = self._clock.monotonic_ms()
        try:
            while True:
                await asyncio.sleep(self._limits.look_s)
                await self._peers.look(ports)
                self._refusals.look()
                if self._clock.monotonic_ms() - given_back_ms >= _GIVE_BACK_EVERY_MS:
                    await asyncio.to_thread(give_back_memory)
                    given_back_ms = self._clock.monotonic_ms()
        finally:
            self._refusals.close()
