"""Lets watchers wait for the next change of anything that people follow."""

import asyncio


class Changes:
    """A counter of changes that many can wait on; a change while nobody waits is not missed."""

    def __init__(self) -> None:
        self.version = 0
        self._changed = asyncio.Event()

    def notify(self) -> None:
        """Something changed: everyone who waits goes on."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, version: int) -> int:
        """The newest version, once it is newer than `version`."""
        while self.version <= version:
            await self._changed.wait()
        return self.version
