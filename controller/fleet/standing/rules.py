"""Whether a device takes jobs: rules without a clock or a database."""

from controller.domain.access import Caller
from controller.domain.devices import DeviceCondition, DeviceStanding


def told_to(condition: DeviceCondition, by: Caller, now_unix_ms: int) -> DeviceStanding:
    """How a device stands that somebody told so."""
    return DeviceStanding(
        condition=condition,
        since_unix_ms=now_unix_ms,
        caller=by.caller,
        caller_name=by.caller_name,
    )


def drained(
    before: DeviceStanding, by: Caller, now_unix_ms: int, *, is_busy: bool
) -> DeviceStanding:
    """How a device stands that somebody drains; one that measures nothing rests at once."""
    if not before.takes_jobs:
        return before
    condition = DeviceCondition.DRAINING if is_busy else DeviceCondition.RESTING
    return told_to(condition, by, now_unix_ms)


def rested(before: DeviceStanding, by: Caller, now_unix_ms: int) -> DeviceStanding:
    """How a device stands that somebody lets rest."""
    if before.condition is DeviceCondition.RESTING:
        return before
    return told_to(DeviceCondition.RESTING, by, now_unix_ms)
