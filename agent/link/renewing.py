"""The agent's certificate is renewed: in time, and whenever its controller asks for it."""

import asyncio
from contextlib import suppress
from typing import Final

import grpc

from agent.link.line import Line
from agent.link.rhythm import Rhythm
from agent.state_folder import StateUnusable
from protos.codec import MessageInvalid
from protos.log_lines import event_log

log = event_log(__name__)

# A renewal that failed is tried again after this.
_REST_S: Final = 60.0


class Renewing:
    """Renews the certificate of a line, if it has one."""

    def __init__(self, line: Line, rhythm: Rhythm) -> None:
        self._line = line
        self._rhythm = rhythm
        self._is_due = asyncio.Event()

    def ask(self) -> None:
        """It is due, however old it is."""
        self._is_due.set()

    async def until_renewed(self) -> None:
        """Return once there is a new certificate, with which to dial again."""
        wait_s = self._line.renew_after_s
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_due.wait(), wait_s)
            self._is_due.clear()
            await asyncio.sleep(self._rhythm.moment_s())
            if await self.try_now():
                return
            wait_s = min(wait_s or _REST_S, _REST_S)

    async def try_now(self) -> bool:
        """Whether there is a new certificate; why not is in the log."""
        if self._line.renew_after_s is None:
            return False
        try:
            await self._line.renew()
        except grpc.aio.AioRpcError as error:
            log.warning("the certificate was not renewed", error=error.details())
            return False
        except (StateUnusable, MessageInvalid) as error:
            log.warning("the certificate was not renewed", error=error)
            return False
        return True
