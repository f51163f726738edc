"""What agents say of failures and starts: the reasons, each with all that its sentence needs."""

import math
from collections.abc import Sequence

from protos.reasons import Reason, ReasonCode

MAX_REASONS = 4
# A tool's last words are cut far below it.
MAX_DETAIL_LENGTH = 10_000
_DETAIL_ALONE = (frozenset[str](), frozenset({"detail"}))


def _figures_alone(*names: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(names), frozenset()


# What a start gate waits for.
_IN_THE_WAY = {
    ReasonCode.BATTERY_LOW: _figures_alone("charge_percent", "least_percent"),
    ReasonCode.PROCESSOR_WARM: _figures_alone("celsius", "limit_celsius"),
    ReasonCode.PROCESSOR_ABOVE_REST: _figures_alone("celsius", "limit_celsius"),
    ReasonCode.CORES_TAKEN: _figures_alone("load_by_others", "most"),
}

# With the names of its figures, and of its words.
_SAID_BY_AGENTS = {
    ReasonCode.ARTIFACT_BROKEN: _DETAIL_ALONE,
    ReasonCode.ARTIFACT_DAMAGED: _DETAIL_ALONE,
    ReasonCode.NO_RUNTIME: _DETAIL_ALONE,
    ReasonCode.RUNTIME_ERROR: _DETAIL_ALONE,
    ReasonCode.CRASHED: _DETAIL_ALONE,
    ReasonCode.TIMED_OUT: _DETAIL_ALONE,
    ReasonCode.DEVICE_HUNG: _DETAIL_ALONE,
    ReasonCode.RUBBISH: _DETAIL_ALONE,
    ReasonCode.OUT_OF_MEMORY: _DETAIL_ALONE,
    ReasonCode.ATTEMPT_CANCELLED: _DETAIL_ALONE,
    ReasonCode.NOT_READY: _figures_alone("deadline_ms"),
    **_IN_THE_WAY,
}


def are_of_agents(reasons: Sequence[Reason]) -> bool:
    """Whether an agent may say so: at least one reason, each with all that its sentence needs."""
    return 1 <= len(reasons) <= MAX_REASONS and all(map(_is_of_agents, reasons))


def _is_of_agents(told: Reason) -> bool:
    wanted = _SAID_BY_AGENTS.get(told.code)
    return (
        wanted == (frozenset(told.figures), frozenset(told.words))
        and all(map(math.isfinite, told.figures.values()))
        and all(len(word) <= MAX_DETAIL_LENGTH for word in told.words.values())
    )


def doubt_of_start(unready: Reason | None) -> str:
    """What cannot be of what was in the way of a start; empty for what can."""
    if unready is None or (unready.code in _IN_THE_WAY and are_of_agents((unready,))):
        return ""
    return "a start before the device was ready for a reason that makes no sense"
