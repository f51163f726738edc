"""Lets watchers wait for the next change of anything that people follow, and counts some."""

import asyncio
from collections import Counter
from enum import Enum
from typing import Final

# Nobody looks more often, however much changes.
LOOK_INTERVAL_S: Final = 0.25
# To all who follow sweeps, and to all who follow devices; telling one takes 0.2 to 0.7 ms.
TOLD_PER_S: Final = 100


class Happening(Enum):
    """What is counted since the controller started."""

    REPORT_COMMITTED = "report_committed"
    """A report that was new."""
    ATTEMPT_LOST = "attempt_lost"
    """An attempt was given up whose agent is gone, or never reported it."""


class Changes:
    """A counter of changes that many can wait on; a change while nobody waits is not missed."""

    def __init__(self) -> None:
        self.version = 0
        self._changed = asyncio.Event()
        self._counts: Counter[Happening] = Counter()

    def happened(self, what: Happening) -> None:
        """Counts it once more."""
        self._counts[what] += 1

    def count_of(self, what: Happening) -> int:
        """How often it happened."""
        return self._counts[what]

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

    async def next_look(self, version: int) -> None:
        """Returns when whoever looks after changes is to look again, having seen `version`.

        What changes shortly after one another is seen together.
        """
        await asyncio.gather(self.after(version), asyncio.sleep(LOOK_INTERVAL_S))
