"""Whether a device takes jobs: rules without a clock or a database.

A device on which everything fails would fail the jobs of a whole fleet's sweeps one after another,
since it is free again sooner than any that works. So it takes no more when backbones fail there one
after another without any that does not. A backbone that the device cannot run fails as well; but
these are some among others. Of a catalog of which a device cannot run a third, `MOST_FAILING`
different ones follow on one another once in 243 times; a device whose runtime, disk or power is
broken comes there within as many jobs. What tells of the job alone does not count: that it was
cancelled or not ready to start, that its file is broken, that it needs more memory; that a runtime
refused it that was told more than threads; and what the same file failed for on another device.

An agent that is alive and has not reported an attempt in twice its longest time is broken, whatever
the backbone. As often as a job is tried, `MOST_UNREPORTED`, is enough of that.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from controller.domain.access import Caller
from controller.domain.devices import ACTIVE, DeviceCondition, DeviceStanding
from controller.domain.jobs import MAX_ATTEMPTS
from controller.domain.measurements import ORDINARY_ONNXRUNTIME
from protos.measuring import MeasureSettings
from protos.reasons import Reason, ReasonCode, reason

MOST_FAILING: Final = 5
MOST_UNREPORTED: Final = MAX_ATTEMPTS

_OF_THE_JOB: Final = frozenset(
    {
        ReasonCode.ARTIFACT_BROKEN,
        ReasonCode.ARTIFACT_DAMAGED,
        ReasonCode.ATTEMPT_CANCELLED,
        ReasonCode.NOT_READY,
        ReasonCode.OUT_OF_MEMORY,
    }
)
# A job or a device may be at fault. That a runtime does not even load tells of the device.
_OF_EITHER: Final = frozenset(
    {
        ReasonCode.AGENT_VANISHED,
        ReasonCode.CRASHED,
        ReasonCode.DEVICE_HUNG,
        ReasonCode.RUNTIME_ERROR,
        ReasonCode.TIMED_OUT,
        ReasonCode.WRONG_OUTPUT,
    }
)


def is_of_the_job(
    code: ReasonCode, settings: MeasureSettings | None, fails_elsewhere: Callable[[], bool]
) -> bool:
    """Whether a failure tells of its job, and nothing of the device.

    Args:
        code: what it failed for.
        settings: what it was told; None where that cannot be read.
        fails_elsewhere: whether its file failed so on another device; asked where it matters.
    """
    if code in _OF_THE_JOB:
        return True
    if code is ReasonCode.RUNTIME_ERROR and settings is not None and _are_chosen(settings):
        return True
    return code in _OF_EITHER and fails_elsewhere()


def _are_chosen(settings: MeasureSettings) -> bool:
    """Whether a person chose how a runtime computes, besides the threads, which each job has."""
    is_usual = settings.onnxruntime in (None, ORDINARY_ONNXRUNTIME)
    return bool(settings.cores) or settings.flush_denormals or not is_usual


def told_to(
    before: DeviceStanding, condition: DeviceCondition, by: Caller, now_unix_ms: int
) -> DeviceStanding:
    """How a device stands that somebody told so."""
    return replace(
        before,
        condition=condition,
        since_unix_ms=now_unix_ms,
        caller=by.caller,
        caller_name=by.caller_name,
        reasons=(),
    )


def drained(
    before: DeviceStanding, by: Caller, now_unix_ms: int, *, is_busy: bool
) -> DeviceStanding:
    """How a device stands that somebody drains; one that measures nothing rests at once."""
    if not before.takes_jobs:
        return before
    condition = DeviceCondition.DRAINING if is_busy else DeviceCondition.RESTING
    return told_to(before, condition, by, now_unix_ms)


def rested(before: DeviceStanding, by: Caller, now_unix_ms: int) -> DeviceStanding:
    """How a device stands that somebody lets rest."""
    if before.condition is DeviceCondition.RESTING:
        return before
    return told_to(before, DeviceCondition.RESTING, by, now_unix_ms)


def after_success(before: DeviceStanding) -> DeviceStanding:
    """How a device stands on which something did not fail."""
    return replace(before, unreported=0, failing_backbones=())


def after_failure(
    before: DeviceStanding, backbone: str, why: Sequence[Reason], now_unix_ms: int
) -> DeviceStanding:
    """How a device stands that reported why an attempt at a backbone failed, if not by the job."""
    return _failing(after_word(before), backbone, why, now_unix_ms)


def after_word(before: DeviceStanding) -> DeviceStanding:
    """How a device stands that reported something which tells nothing of it."""
    return replace(before, unreported=0)


def after_loss(before: DeviceStanding, backbone: str, now_unix_ms: int) -> DeviceStanding:
    """How a device stands whose agent vanished while it worked on a backbone."""
    return _failing(before, backbone, (), now_unix_ms)


def after_silence(before: DeviceStanding, backbone: str, now_unix_ms: int) -> DeviceStanding:
    """How a device stands whose agent is alive and did not report a backbone in time."""
    silent = replace(before, unreported=before.unreported + 1)
    if silent.takes_jobs and silent.unreported >= MOST_UNREPORTED:
        why = reason(ReasonCode.REPORTS_NOTHING, attempts=silent.unreported)
        return _quarantined(silent, (why,), now_unix_ms)
    return _failing(silent, backbone, (), now_unix_ms)


def _failing(
    before: DeviceStanding, backbone: str, why: Sequence[Reason], now_unix_ms: int
) -> DeviceStanding:
    if backbone in before.failing_backbones or len(before.failing_backbones) >= MOST_FAILING:
        return before
    after = replace(before, failing_backbones=(*before.failing_backbones, backbone))
    count = len(after.failing_backbones)
    if not after.takes_jobs or count < MOST_FAILING:
        return after
    reasons = (reason(ReasonCode.FAILED_IN_A_ROW, backbones=count), *why)
    return _quarantined(after, reasons, now_unix_ms)


def _quarantined(
    before: DeviceStanding, reasons: tuple[Reason, ...], now_unix_ms: int
) -> DeviceStanding:
    return replace(
        ACTIVE,
        condition=DeviceCondition.QUARANTINED,
        since_unix_ms=now_unix_ms,
        reasons=reasons,
        unreported=before.unreported,
        failing_backbones=before.failing_backbones,
    )
