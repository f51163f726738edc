"""What a deployment does, a line each on standard error, and now and then that it still does it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import click

_SILENT_S: Final = 30.0


class Steps:
    """Tells each step, with or without a terminal."""

    def __init__(self) -> None:
        self._last = ""
        self._spoke_at_s = time.monotonic()

    def tell(self, line: str) -> None:
        """A step that begins, or a note."""
        self._last = line
        self._say(line)

    @asynccontextmanager
    async def told(self) -> AsyncIterator["Steps"]:
        """While steps may take long."""
        reminder = asyncio.create_task(self._remind())
        try:
            yield self
        finally:
            reminder.cancel()

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._last and time.monotonic() - self._spoke_at_s >= _SILENT_S:
                self._say(f"still {self._last}")

    def _say(self, line: str) -> None:
        self._spoke_at_s = time.monotonic()
        click.echo(line, err=True)
