"""One agent's open stream, and what is known of the agent while it lasts."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.domain.errors import EdgerankError
from protos.fleet import (
    REPORT_REFUSED,
    Cancel,
    CertificateDue,
    Hello,
    Lease,
    Progress,
    ReportCommitted,
    ReportRefused,
    ToAgent,
)

Said: TypeAlias = ToAgent | EdgerankError | None


class Outbox(asyncio.Queue[Said]):
    """What is still to be said to one agent, in order.

    Who says something never waits, and nothing is dropped; a demand that is there already is there
    once. It does not grow with what the agent says, since who hears the agent waits for `room`.
    """

    def _init(self, maxsize: int) -> None:  # noqa: ARG002 - the queue's signature
        self._waiting: deque[Said] = deque()
        self._taken = asyncio.Event()

    def _put(self, item: Said) -> None:
        if not (isinstance(item, Cancel | CertificateDue) and item in self._waiting):
            self._waiting.append(item)

    def _get(self) -> Said:
        self._taken.set()
        return self._waiting.popleft()

    def qsize(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def empty(self) -> bool:
        """Whether none does."""
        return not self._waiting

    async def room(self, most: int) -> None:
        """Returns once fewer than `most` messages wait."""
        while self.qsize() >= most:
            self._taken.clear()
            await self._taken.wait()


@dataclass(eq=False)
class AgentSession:
    """One agent's open stream. None in the outbox ends it, and an error does with its sentence."""

    hello: Hello
    leases: dict[str, Lease]
    outbox: Outbox = field(default_factory=Outbox)
    ready: bool = False
    progress: dict[str, Progress] = field(default_factory=dict)
    repeats: bool = False
    """Whether it sent a report that was known, or that is no one's; it is told once."""
    # Held while it is given a lease, so that it never has two.
    dispatching: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def device_id(self) -> str:
        """The device at the other end."""
        return self.hello.device_id

    def forget(self, attempt_id: str) -> None:
        """The attempt is not this agent's any more."""
        self.leases.pop(attempt_id, None)
        self.progress.pop(attempt_id, None)

    def answer_report(self, attempt_id: str, refusal: str) -> None:
        """Tells the agent that it need not send a report again, and why not if it is refused.

        An agent that knows no refusal forgets the report instead of setting it aside.
        """
        if refusal and REPORT_REFUSED in self.hello.features:
            self.outbox.put_nowait(ReportRefused(attempt_id=attempt_id, why=refusal))
        else:
            self.outbox.put_nowait(ReportCommitted(attempt_id=attempt_id))
