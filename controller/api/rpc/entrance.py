"""Where calls come in: the guard, the limits that it holds them to, and who looks after them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import grpc

from controller.access.callers import Callers
from controller.access.connections import make_room_for_descriptors
from controller.access.memory import give_back_memory, keep_few_arenas, keep_what_is_there
from controller.api.limits import Limits, channel_options
from controller.api.meters import Meters
from controller.api.rpc.calls import Counting, GuardedHandler, Handler
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.api.rpc.guard import Guard
from controller.api.rpc.held.begun import uncounted
from controller.api.rpc.needs import NEEDS, UNLISTED
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
)
# Files come in blocks of a mebibyte; and what is a little too long is told by us.
_SPARE: Final = 2


@dataclass(frozen=True)
class Servers:
    """One for each port, since gRPC counts connections, and how long messages may be, by server.

    Attributes:
        of_people: where anybody comes: for people, programs and joining.
        of_members: where agents come; the same one where there is one port.
    """

    of_people: grpc.aio.Server
    of_members: grpc.aio.Server

    @property
    def each(self) -> Collection[grpc.aio.Server]:
        """All of them: each has every service."""
        return {self.of_people, self.of_members}

    async def start(self) -> None:
        """Take calls."""
        for server in self.each:
            await server.start()

    async def stop(self, grace_s: float) -> None:
        """Take no calls, and end those that go on after a grace."""
        await asyncio.gather(*(server.stop(grace_s) for server in self.each))


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
        keep_few_arenas()
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

    def servers(self) -> Servers:
        """Servers without services, with the guard before those that they get."""
        # Where messages may be long, and a stream of them open for years.
        counted = self._peers.beginnings.incoming
        of_members = self._server(MAX_MESSAGE_BYTES, self._connections[-1], counted)
        if len(self._connections) == 1:
            return Servers(of_members, of_members)
        # gRPC has a message whole before anybody knows whose it is.
        longest = _SPARE * self._limits.request_bytes
        return Servers(self._server(longest, self._connections[0], uncounted), of_members)

    def _server(self, message_bytes: int, connections: int, incoming: Counting) -> grpc.aio.Server:
        longest = ("grpc.max_receive_message_length", message_bytes)
        return grpc.aio.server(
            options=[*_OPTIONS, longest, *channel_options(self._limits, connections)],
            interceptors=[_Gate(self.guard, incoming)],
            maximum_concurrent_rpcs=self._limits.calls,
        )

    def watches(self, ports: Sequence[int]) -> tuple[Coroutine[Any, Any, NoReturn], ...]:
        """Who looks after those who call, as long as they may; members' port is the last."""
        return self._look_after(ports), self._weigh(ports[-1])

    async def _weigh(self, port: int) -> NoReturn:
        while True:
            await asyncio.sleep(self._limits.weigh_s)
            await self._peers.weigh(port)

    async def _look_after(self, ports: Sequence[int]) -> NoReturn:
        """Now and then ends connections that hold others up, tells of what was refused, and tidies.

        What peers held and let go of is given back to the machine.
        """
        given_back_ms = self._clock.monotonic_ms()
        keep_what_is_there()
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


class _Gate(grpc.aio.ServerInterceptor):
    """Puts the guard before every call of a server."""

    def __init__(self, guard: Guard, incoming: Counting) -> None:
        self._guard = guard
        self._incoming = incoming

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of a call, with the guard before it."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        need = NEEDS.get(method, UNLISTED)
        # Of a method that there is not, none; gRPC says so.
        return handler and GuardedHandler(self._guard, handler, method, need, self._incoming)
