"""What one caller's conversions share while any of them is made: the gate, and fork servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from controller.fleet.host_gate import HostGate
from models.conversion.pipeline import ForkServers


class Making:
    """Holds the gate of this machine while anything is made, and not while weights are fetched."""

    def __init__(self, gate: HostGate, servers: ForkServers) -> None:
        self._gate = gate
        self._servers = servers
        self._count = 0
        self._held = AsyncExitStack()
        # Servers that are ended must not be those that the next one begins with.
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Around one conversion, from when it waits for room until it has ended."""
        async with self._changing:
            self._count += 1
            if self._count == 1:
                await self._held.enter_async_context(self._gate.converting(self._rest))
        try:
            yield
        finally:
            async with self._changing:
                self._count -= 1
                if not self._count:
                    # Nothing is left that would share its libraries' memory with a measurement.
                    try:
                        await self._rest()
                    finally:
                        await self._held.aclose()

    async def _rest(self) -> None:
        await asyncio.to_thread(self._servers.rest)
