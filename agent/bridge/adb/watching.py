"""Which phones hang here and in which state, followed as they come and go."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from agent.bridge.adb.server import READY, AdbServer, Hanging, NoAdbServer
from agent.bridge.adb.states import GONE, SILENT
from protos.log_lines import event_log

log = event_log(__name__)

_AGAIN_S: Final = 1.0


class Watch:
    """What the adb server tells of phones, and which of them were found to hang."""

    def __init__(self, server: AdbServer, hanging: Iterable[Hanging]) -> None:
        """`hanging` is what the server listed just now."""
        self._server = server
        self._states: Mapping[str, str] = {each.serial: each.state for each in hanging}
        self._silent: set[str] = set()
        self._changed = asyncio.Condition()

    @property
    def serials(self) -> tuple[str, ...]:
        """Of those that hang here in whatever state."""
        return tuple(self._states)

    def state_of(self, serial: str) -> str:
        """As adb names it, or one of our own."""
        state = self._states.get(serial, GONE)
        return SILENT if state == READY and serial in self._silent else state

    async def follow(self) -> None:
        """Follow for good; while no server answers, nothing hangs here."""
        is_told = False
        while True:
            try:
                async for states in self._server.follow():
                    is_told = False
                    await self._tell(states)
            except NoAdbServer as error:
                if not is_told:
                    log.warning("no phone is reached", why=error)
                is_told = True
            await self._tell({})
            await asyncio.sleep(_AGAIN_S)

    async def mark(self, serial: str, *, is_silent: bool) -> None:
        """Say of a phone whether it hangs."""
        (self._silent.add if is_silent else self._silent.discard)(serial)
        await self._tell(self._states)

    async def until(self, test: Callable[[], bool]) -> None:
        """Wait until something holds of what is told here."""
        async with self._changed:
            await self._changed.wait_for(test)

    async def _tell(self, states: Mapping[str, str]) -> None:
        async with self._changed:
            # One that was away in between does not hang any more.
            self._silent &= {serial for serial, state in states.items() if state == READY}
            self._states = states
            self._changed.notify_all()
