"""What is around a simulated device, and what is wrong with it."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from protos.fleet import Hello
from protos.reasons import ReasonCode
from tests.simulation.machine.loop import SimulatedLoop
from tests.simulation.machine.streams import Response, Stream


class Hears(Protocol):
    """Whoever dials."""

    def hear(self, stream: Stream, said: Response) -> None:
        """Hear what the controller says on a stream; None is its end."""


class Ether(Protocol):
    """What is around a device."""

    rng: random.Random
    loop: SimulatedLoop

    def dial(self, device: Hears, hello: Hello) -> Stream | None:
        """A stream on which the agent said Hello; None where nobody answers."""

    def unix_ms(self) -> int:
        """The true time."""

    def note(self, what: str, *facts: object) -> None:
        """Write it into the log of events."""

    def stray(self, what: str) -> None:
        """Something happened that nothing explains."""


@dataclass
class Ills:
    """What is wrong with a device now.

    Attributes:
        next_fails_for: what its next reports fail for, in turn.
        fails_until_s: until when all of them do.
        hangs_s: by how much the next job takes longer.
        is_deadly: whether the job that runs, or else the next one, kills its agent each time.
        deadly_job: which one that is.
        next_absurd: whether its next report tells what cannot be.
        remembers: whether it keeps the next report that was committed.
        cut_until_s: until when nobody can be dialled.
    """

    next_fails_for: deque[ReasonCode] = field(default_factory=deque)
    fails_until_s: float = 0.0
    hangs_s: float = 0.0
    is_deadly: bool = False
    deadly_job: str = ""
    next_absurd: bool = False
    remembers: bool = False
    cut_until_s: float = 0.0
