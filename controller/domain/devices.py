"""Whether a device takes jobs, and by whose word."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.access import CallerKind


class DeviceCondition(Enum):
    """Whether a device takes jobs."""

    ACTIVE = "active"
    """It takes them."""
    DRAINING = "draining"
    """It finishes what it measures, and rests then."""
    RESTING = "resting"
    """It takes none, since somebody said so."""


@dataclass(frozen=True, kw_only=True)
class DeviceStanding:
    """Whether a device takes jobs, since when, and by whose word.

    Attributes:
        condition: whether it does.
        since_unix_ms: since when it does not, ms since 1970 UTC; None of one that does.
        caller: who said so; None where nobody did.
        caller_name: of the token; empty for others.
    """

    condition: DeviceCondition = DeviceCondition.ACTIVE
    since_unix_ms: int | None = None
    caller: CallerKind | None = None
    caller_name: str = ""

    @property
    def takes_jobs(self) -> bool:
        """Whether it may be given one."""
        return self.condition is DeviceCondition.ACTIVE


ACTIVE: Final = DeviceStanding()
"""Nobody said anything of it."""


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """A device on which jobs of a sweep wait, since it takes none.

    Attributes:
        device: its name.
        standing: why it takes none.
    """

    device: str
    standing: DeviceStanding
