"""One agent's open stream, and what is known of the agent while it lasts."""

import asyncio
from dataclasses import dataclass, field

from controller.domain.errors import EdgerankError
from protos.fleet import (
    REPORT_REFUSED,
    Hello,
    Lease,
    Progress,
    ReportCommitted,
    ReportRefused,
    ToAgent,
)


@dataclass(eq=False)
class AgentSession:
    """One agent's open stream. None in the outbox ends it, and an error does with its sentence."""

    hello: Hello
    leases: dict[str, Lease]
    outbox: asyncio.Queue[ToAgent | EdgerankError | None] = field(default_factory=asyncio.Queue)
    ready: bool = False
    progress: dict[str, Progress] = field(default_factory=dict)
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
