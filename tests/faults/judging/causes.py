"""Which fault may cause what: the one table that the checker judges by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from controller.domain.jobs import MAX_ATTEMPTS
from protos.reasons import ReasonCode
from tests.faults.schedules import Fault, Kind


@dataclass(frozen=True, kw_only=True)
class May:
    """What a fault may cause.

    Attributes:
        reasons: what a job may fail for.
        loses: whether an attempt that is out may be lost by it, one of each device that it befalls.
        is_of_all: whether it befalls every device.
        refuses: whether a member may be refused from then on, until it joins anew.
    """

    reasons: frozenset[ReasonCode] = frozenset()
    loses: bool = False
    is_of_all: bool = False
    refuses: bool = False


_LOSES: Final = May(loses=True)
_OF_CONTROLLER: Final = May(loses=True, is_of_all=True)

MAY_CAUSE: Final[Mapping[Kind, May]] = {
    # Its agents are away until they dial again, some for longer than a lease.
    Kind.CONTROLLER_KILLED: _OF_CONTROLLER,
    Kind.CONTROLLER_KILLED_TWICE: _OF_CONTROLLER,
    Kind.CONTROLLER_TERMINATED: _OF_CONTROLLER,
    # What was said meanwhile is heard before leases are judged.
    Kind.CONTROLLER_STOPPED: May(is_of_all=True),
    Kind.CONTROLLER_STOPPED_LONG: May(is_of_all=True),
    # Streams end where nothing can be written, and agents that give back are not heard.
    Kind.CONTROLLER_DISK_FULL: _OF_CONTROLLER,
    Kind.CONTROLLER_CLOCK_SET: May(loses=True, is_of_all=True, refuses=True),
    Kind.AGENT_KILLED: _LOSES,
    # Where the stream is broken, nobody hears that it gives back.
    Kind.AGENT_TERMINATED: _LOSES,
    Kind.AGENT_STOPPED: _LOSES,
    Kind.AGENT_STOPPED_LONG: May(loses=True, refuses=True),
    Kind.AGENT_DISK_FULL: May(reasons=frozenset({ReasonCode.ARTIFACT_BROKEN})),
    Kind.AGENT_CLOCK_SET: May(),
    Kind.CHILD_CRASHED: May(reasons=frozenset({ReasonCode.CRASHED})),
    Kind.LINK_CUT: _LOSES,
    Kind.LINK_CUT_IN_TRANSFER: _LOSES,
    Kind.LINK_SLOWED: _LOSES,
    Kind.LINK_HALVED_UP: _LOSES,
    Kind.LINK_HALVED_DOWN: _LOSES,
    # For a moment another stream has the device's place.
    Kind.REPORT_REPEATED: _LOSES,
    Kind.REPORT_NOT_FORGOTTEN: May(),
    Kind.OTHER_PROTOCOL: May(),
    Kind.NEWER_STRANGER: May(),
    Kind.CERTIFICATE_EXPIRED: May(loses=True, refuses=True),
}


def causes_on(agent: int, struck: Iterable[Fault]) -> tuple[May, ...]:
    """What the faults that befell an agent's device may have caused, one for each."""
    return tuple(
        MAY_CAUSE[fault.kind]
        for fault in struck
        if MAY_CAUSE[fault.kind].is_of_all or fault.agent == agent
    )


def reasons_for(causes: Iterable[May], stalls: int) -> frozenset[ReasonCode]:
    """What a job may fail for by these causes; the machine itself stood still so often."""
    causes = tuple(causes)
    reasons = frozenset(code for may in causes for code in may.reasons)
    if losses_by(causes, stalls) >= MAX_ATTEMPTS:
        reasons |= {ReasonCode.AGENT_VANISHED}
    return reasons


def losses_by(causes: Iterable[May], stalls: int) -> int:
    """How many attempts on a device may have been lost by these causes."""
    return stalls + sum(may.loses for may in causes)
