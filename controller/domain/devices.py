"""Whether a device takes jobs, by whose word, and what befell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.access import CallerKind
from protos.device import DeviceProfile
from protos.reasons import Reason


class DeviceCondition(Enum):
    """Whether a device takes jobs."""

    ACTIVE = "active"
    """It takes them."""
    DRAINING = "draining"
    """It finishes what it measures, and rests then."""
    RESTING = "resting"
    """It takes none, since somebody said so."""
    QUARANTINED = "quarantined"
    """It takes none, since too much failed there."""


@dataclass(frozen=True, kw_only=True)
class DeviceStanding:
    """Whether a device takes jobs, since when, and by whose word.

    Attributes:
        condition: whether it does.
        since_unix_ms: since when it does not, ms since 1970 UTC; None of one that does.
        caller: who said so; None where nobody did.
        caller_name: of the token; empty for others.
        reasons: why, of one in quarantine.
        unreported: attempts one after another that it never reported, although it was alive.
        failing_backbones: those that failed there, none between that did not.
    """

    condition: DeviceCondition = DeviceCondition.ACTIVE
    since_unix_ms: int | None = None
    caller: CallerKind | None = None
    caller_name: str = ""
    reasons: tuple[Reason, ...] = ()
    unreported: int = 0
    failing_backbones: tuple[str, ...] = ()

    @property
    def takes_jobs(self) -> bool:
        """Whether it may be given one."""
        return self.condition is DeviceCondition.ACTIVE


ACTIVE: Final = DeviceStanding()
"""Nobody said anything of it."""


class DeviceEventKind(Enum):
    """What befell a device."""

    JOINED = "joined"
    """It was not in the fleet before."""
    CONNECTED = "connected"
    """Its agent came."""
    LEFT = "left"
    """Its agent ended, and said so."""
    LOST = "lost"
    """Its agent's stream broke."""
    DRAINING = "draining"
    """It was told to finish what it measured, and to rest then."""
    DRAINED = "drained"
    """It had finished, and rests."""
    RESTING = "resting"
    """It was told to rest."""
    WOKEN = "woken"
    """It was told to take jobs again."""
    RENAMED = "renamed"
    """It got another name."""
    REPLACED = "replaced"
    """Another agent took it over."""
    REMOVED = "removed"
    """It was taken out of the fleet."""
    REVOKED = "revoked"
    """Its certificates became worth nothing."""
    QUARANTINED = "quarantined"
    """Too much failed there, so that it takes no more jobs."""
    SILENT = "silent"
    """It took a job, was alive, and did not report it in time."""


MOST_EVENTS: Final = 100
"""How many are kept of a device: some 15 kB. Of a network that drops twice an hour, a day."""


@dataclass(frozen=True, kw_only=True)
class DeviceEvent:
    """What befell a device.

    Attributes:
        at_unix_ms: when, by the controller's clock, ms since 1970 UTC.
        kind: what.
        caller: who wanted it; None where nobody did.
        caller_name: of the token; empty for others.
        name: of one that was renamed, its name from then on; empty for others.
        former_name: its name before; empty for others.
        reasons: why, of one in quarantine.
    """

    at_unix_ms: int
    kind: DeviceEventKind
    caller: CallerKind | None = None
    caller_name: str = ""
    name: str = ""
    former_name: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """A device on which jobs of a sweep wait, since it takes none.

    Attributes:
        device: its name.
        standing: why it takes none.
    """

    device: str
    standing: DeviceStanding


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device that enrolled at some time.

    Attributes:
        device_id: UUID that its certificate names, or that the agent made at its first start.
        name: unique name.
        labels: what the agent was started with.
        profile: what it says of itself.
        connected: whether its agent is connected now.
        enrolled_at_unix_ms: when it first connected, ms since 1970 UTC.
        last_seen_at_unix_ms: when it was last heard of, ms since 1970 UTC.
        standing: whether it takes jobs, since when, and by whose word.
        origin: of a device of another controller, whose measurements were imported: that one's
            name; it never connects, and takes no jobs. None of our own.
    """

    device_id: str
    name: str
    labels: Mapping[str, str]
    profile: DeviceProfile
    connected: bool
    enrolled_at_unix_ms: int
    last_seen_at_unix_ms: int
    standing: DeviceStanding = ACTIVE
    origin: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceChanges:
    """What those who watch devices are told: all at first, then those that something befell.

    Attributes:
        devices: as they are now.
        gone_ids: ids of those that are in the fleet no more.
    """

    devices: tuple[Device, ...] = ()
    gone_ids: tuple[str, ...] = ()
