"""Keeps converting and measuring apart where both would run on the controller's own machine.

A conversion loads every core; a latency measured beside it would be a figure of the conversion.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class HostGate:
    """Either conversions or attempts run on this machine, never both."""

    def __init__(self, on_quiet: Callable[[], None]) -> None:
        """Calls `on_quiet` when the last conversion ended and attempts may start."""
        self._on_quiet = on_quiet
        self._attempts: set[str] = set()
        self._conversions = 0
        self._changed = asyncio.Condition()

    def may_measure(self) -> bool:
        """Whether an attempt may start on this machine now."""
        return self._conversions == 0

    def attempt_started(self, attempt_id: str) -> None:
        """An attempt was leased to an agent on this machine."""
        self._attempts.add(attempt_id)

    async def attempt_ended(self, attempt_id: str) -> None:
        """An attempt ended, wherever it ran."""
        self._attempts.discard(attempt_id)
        async with self._changed:
            self._changed.notify_all()

    @asynccontextmanager
    async def converting(self) -> AsyncIterator[None]:
        """Waits until no attempt runs here, and lets none start until the block ends."""
        self._conversions += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._attempts)
            yield
        finally:
            self._conversions -= 1
            if self._conversions == 0:
                self._on_quiet()
