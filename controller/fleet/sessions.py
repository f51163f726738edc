"""One agent's open stream, and what is known of the agent while it lasts."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.domain.errors import EdgerankError
from controller.fleet.leasing.leases import USUAL, Pace
from protos.fleet import (
    CONTROLLER_FEATURES,
    LEASE_BESIDES,
    PROTOCOL,
    REPORT_REFUSED,
    Cancel,
    CertificateDue,
    Hello,
    Lease,
    Progress,
    ReportCommitted,
    ReportRefused,
    SlowDown,
    ToAgent,
    Welcome,
)

Said: TypeAlias = ToAgent | EdgerankError | None


class Outbox:
    """What is still to be said to one agent, in order, and heard by one reader.

    Who says something never waits, and nothing is dropped; a demand that is there already is there
    once. It does not grow with what the agent says, since who hears the agent waits for `room`.
    There are thousands: a queue of asyncio takes 3 KB while nothing is in it.
    """

    __slots__ = ("_hearer", "_reader", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[Said] = []
        self._reader: asyncio.Future[None] | None = None
        self._hearer: asyncio.Future[None] | None = None

    def put_nowait(self, said: Said) -> None:
        """Adds what is to be said."""
        if isinstance(said, Cancel | CertificateDue) and said in self._waiting:
            return
        self._waiting.append(said)
        _wake(self._reader)

    def get_nowait(self) -> Said:
        """The next that is to be said; there has to be one."""
        _wake(self._hearer)
        return self._waiting.pop(0)

    def lease_besides(self) -> Lease | None:
        """The next that is to be said, if it is a lease."""
        if self._waiting and isinstance(lease := self._waiting[0], Lease):
            self.get_nowait()
            return lease
        return None

    async def get(self) -> Said:
        """The next that is to be said, once there is one."""
        while not self._waiting:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self.get_nowait()

    def qsize(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def empty(self) -> bool:
        """Whether none does."""
        return not self._waiting

    async def room(self, most: int) -> None:
        """Returns once fewer than `most` messages wait."""
        while len(self._waiting) >= most:
            self._hearer = asyncio.get_running_loop().create_future()
            await self._hearer


def _wake(waits: "asyncio.Future[None] | None") -> None:
    if waits is not None and not waits.done():
        waits.set_result(None)


@dataclass(eq=False, slots=True)
class AgentSession:
    """One agent's open stream. None in the outbox ends it, and an error does with its sentence."""

    hello: Hello
    leases: dict[str, Lease]
    outbox: Outbox = field(default_factory=Outbox)
    pace: Pace = USUAL
    """That the agent was told last."""
    ready: bool = False
    progress: dict[str, Progress] = field(default_factory=dict)
    repeats: bool = False
    """Whether it sent a report that was known, or that is no one's; it is told once."""
    reporting: str = ""
    """The attempt whose report is being committed; empty where none is."""
    is_broken: bool = False
    """Whether a report of it could not be committed: its stream ends, and it is leased nothing."""
    is_held_up: bool = False
    """Whether its next words wait for us: that it gives no sign of life is no fault of its."""
    # Held while it is given a lease, so that it never has two.
    dispatching: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def device_id(self) -> str:
        """The device at the other end."""
        return self.hello.device_id

    @property
    def is_free(self) -> bool:
        """Whether it works on nothing, once what it reported is committed."""
        return not self.leases.keys() - {self.reporting}

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """The block in which the agent is not heard, since what it said is still worked on."""
        self.is_held_up = True
        try:
            yield
        finally:
            self.is_held_up = False

    def lease_besides(self) -> Lease | None:
        """The lease that the agent is told beside what it is told now, if it hears it there."""
        return self.outbox.lease_besides() if LEASE_BESIDES in self.hello.features else None

    def welcome(self, pace: Pace) -> None:
        """Tells the agent that it is heard from now on, and at which pace it is to speak."""
        self.pace = pace
        self.outbox.put_nowait(
            Welcome(
                heartbeat_interval_ms=pace.heartbeat_interval_ms,
                protocol=PROTOCOL,
                redial_spread_ms=pace.redial_spread_ms,
                features=CONTROLLER_FEATURES,
            )
        )

    def slow_down(self, pace: Pace) -> None:
        """Tells the agent the fleet's pace, where that is much slower than what it was told."""
        if not pace.is_slower(self.pace):
            return
        self.pace = pace
        self.outbox.put_nowait(
            SlowDown(
                heartbeat_interval_ms=pace.heartbeat_interval_ms,
                redial_spread_ms=pace.redial_spread_ms,
            )
        )

    def renew(self) -> None:
        """Tells the agent to renew its certificate."""
        self.outbox.put_nowait(CertificateDue())

    def forget(self, attempt_id: str) -> None:
        """The attempt is not this agent's any more."""
        self.leases.pop(attempt_id, None)
        self.progress.pop(attempt_id, None)
        if self.reporting == attempt_id:
            self.reporting = ""

    def answer_report(self, attempt_id: str, refusal: str) -> None:
        """Tells the agent that it need not send a report again, and why not if it is refused.

        An agent that knows no refusal forgets the report instead of setting it aside.
        """
        if refusal and REPORT_REFUSED in self.hello.features:
            self.outbox.put_nowait(ReportRefused(attempt_id=attempt_id, why=refusal))
        else:
            self.outbox.put_nowait(ReportCommitted(attempt_id=attempt_id))


def held_up_attempts(sessions: Iterable[AgentSession]) -> tuple[str, ...]:
    """The attempts of agents that could give no sign of life, since they are not heard."""
    return tuple(held for each in sessions if each.is_held_up for held in each.leases)
