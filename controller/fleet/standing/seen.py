"""When devices were last heard of, remembered all together and now and then."""

from typing import Final

from controller.fleet.clock import Clock
from controller.state.committing import Commits
from controller.state.devices.seen import touch

# Those that beat are connected: when they were last heard of matters once the controller is gone.
SEEN_EVERY_MS: Final = 30_000


class Seen:
    """The devices that were heard of since that was last written down."""

    def __init__(self, commits: Commits, clock: Clock) -> None:
        self._commits = commits
        self._clock = clock
        self._at_unix_ms: dict[str, int] = {}
        self._next_ms = 0

    def heard(self, device_id: str) -> None:
        """A device gave a sign of life."""
        self._at_unix_ms[device_id] = self._clock.unix_ms()

    def gone(self, device_id: str) -> None:
        """It has gone, and when is written down by itself."""
        self._at_unix_ms.pop(device_id, None)

    async def look(self) -> None:
        """Writes it down if that was not done lately."""
        if self._clock.monotonic_ms() >= self._next_ms:
            await self.remember()

    async def remember(self) -> None:
        """Commits when devices were last heard of, all of them at once."""
        self._next_ms = self._clock.monotonic_ms() + SEEN_EVERY_MS
        seen, self._at_unix_ms = self._at_unix_ms, {}
        if seen:
            await self._commits.write(touch, seen)
