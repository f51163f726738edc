"""What can befall a fleet in simulated time, and what of a job's end each may have caused."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from controller.domain.jobs import MAX_ATTEMPTS
from protos.reasons import ReasonCode
from tests.faults.judging.causes import May


class Kind(Enum):
    """What can befall it; what people do is among it."""

    AGENT_DIES = "agent: dies, and is started again"
    AGENT_ENDS = "agent: ends, and is started again"
    AGENT_HANGS = "agent: stands still for a while"
    AGENT_CLOCK_SET = "agent: clock set by years"
    AGENT_REMEMBERS = "agent: keeps a report that was committed"
    JOB_HANGS = "job: goes on for far too long, while its agent beats"
    JOB_CRASHES = "job: its child crashes"
    JOB_IS_ABSURD = "job: what it measured cannot be"
    JOB_KILLS_AGENT = "job: kills its agent each time"
    JOB_NOT_READY = "job: the device is not ready for it"
    FILE_DAMAGED = "job: its file does not come whole"
    DEVICE_BROKEN = "device: everything fails for a while"
    LINK_CUT = "link: cut, and both sides see it"
    LINK_CUT_UNSEEN = "link: cut, and the controller sees it late"
    LINK_STALLS = "link: nothing comes through for a while, then all of it"
    REPORTS_REPEATED = "reports: sent again, twice and in reversed order"
    CONTROLLER_KILLED = "controller: killed between two statements, started again"
    CONTROLLER_STANDS_STILL = "controller: stands still for longer than a lease"
    CONTROLLER_DISK_FULL = "controller: no write succeeds for a while"
    CONTROLLER_CLOCK_SET = "controller: clock set by hours or years"
    CONVERSION_REFUSED = "conversions: one is refused"
    SWEEP_PAUSED = "people: pause a sweep, and resume it"
    SWEEP_CANCELLED = "people: cancel a sweep"
    SWEEP_EDITED = "people: make a sweep more or less urgent"
    DEVICE_RESTS = "people: let a device rest, and wake it"
    DEVICE_DRAINS = "people: drain a device, and wake it"


_LOSES: Final = (May(loses=True),)
_OF_ALL: Final = (May(is_of_all=True),)
_LOSES_ALL: Final = (May(loses=True, is_of_all=True),)
_NOTHING: Final = (May(),)


def _fails_for(code: ReasonCode, *, of_all: bool = False) -> tuple[May, ...]:
    return (May(reasons=frozenset({code}), is_of_all=of_all),)


# As in the table of fault schedules: what is lost is one attempt a device, if not said otherwise.
MAY_CAUSE: Final[Mapping[Kind, tuple[May, ...]]] = {
    Kind.AGENT_DIES: _LOSES,
    Kind.AGENT_ENDS: _LOSES,
    Kind.AGENT_HANGS: _LOSES,
    Kind.AGENT_CLOCK_SET: _NOTHING,
    # It is started anew to forget.
    Kind.AGENT_REMEMBERS: _LOSES,
    Kind.JOB_HANGS: (May(loses=True, reasons=frozenset({ReasonCode.NEVER_REPORTED})),),
    Kind.JOB_CRASHES: _fails_for(ReasonCode.CRASHED),
    Kind.JOB_IS_ABSURD: _fails_for(ReasonCode.RUBBISH),
    Kind.JOB_KILLS_AGENT: _LOSES * MAX_ATTEMPTS,
    Kind.JOB_NOT_READY: _fails_for(ReasonCode.NOT_READY),
    Kind.FILE_DAMAGED: _fails_for(ReasonCode.ARTIFACT_DAMAGED),
    Kind.DEVICE_BROKEN: _fails_for(ReasonCode.RUNTIME_ERROR),
    Kind.LINK_CUT: _LOSES,
    Kind.LINK_CUT_UNSEEN: _LOSES,
    Kind.LINK_STALLS: _LOSES,
    Kind.REPORTS_REPEATED: _NOTHING,
    Kind.CONTROLLER_KILLED: _LOSES_ALL,
    Kind.CONTROLLER_STANDS_STILL: _OF_ALL,
    Kind.CONTROLLER_DISK_FULL: _LOSES_ALL,
    Kind.CONTROLLER_CLOCK_SET: _OF_ALL,
    Kind.CONVERSION_REFUSED: _fails_for(ReasonCode.NO_ARTIFACT, of_all=True),
    Kind.SWEEP_PAUSED: _NOTHING,
    Kind.SWEEP_CANCELLED: _NOTHING,
    Kind.SWEEP_EDITED: _NOTHING,
    Kind.DEVICE_RESTS: _NOTHING,
    Kind.DEVICE_DRAINS: _NOTHING,
}
OF_CONTROLLER: Final = frozenset(
    {
        Kind.CONTROLLER_KILLED,
        Kind.CONTROLLER_STANDS_STILL,
        Kind.CONTROLLER_DISK_FULL,
        Kind.CONTROLLER_CLOCK_SET,
    }
)
OF_SWEEPS: Final = frozenset({Kind.SWEEP_PAUSED, Kind.SWEEP_CANCELLED, Kind.SWEEP_EDITED})
"""With `CONVERSION_REFUSED` those that befall no device; the others befall one."""


def befalls_all(kind: Kind) -> bool:
    """Whether it befalls every device."""
    return any(may.is_of_all for may in MAY_CAUSE[kind])
