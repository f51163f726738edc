"""How a device's standing changes, each time in the transaction of what it follows from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from controller.domain.access import Caller
from controller.domain.devices import (
    ACTIVE,
    DeviceCondition,
    DeviceEvent,
    DeviceEventKind,
    DeviceStanding,
)
from controller.fleet.standing.rules import (
    after_failure,
    after_loss,
    after_silence,
    after_success,
    after_word,
    drained,
    is_of_the_job,
    rested,
)
from controller.state.attempts import list_out
from controller.state.attempts.stored import StoredAttempt
from controller.state.database import Database, Transaction
from controller.state.devices.events import add_event, event_by
from controller.state.devices.standings import fails_elsewhere, keep_standing, read_standing
from controller.state.jobs import read_backbone
from controller.state.jobs.ending import read_told
from controller.state.rounds.endings import set_given_back
from controller.state.rounds.turns import LeasedTurn, queue_turn_again
from controller.state.schema.columns import Unreadable
from protos.measuring import MeasureSettings
from protos.reasons import Reason, ReasonCode


def drain_device(
    database: Database, device_id: str, by: Caller, now_unix_ms: int
) -> DeviceStanding:
    """Lets a device finish what it measures, and rest then."""
    with database.writing() as transaction:
        before = read_standing(transaction, device_id)
        is_busy = bool(list_out(transaction, device_id))
        standing = drained(before, by, now_unix_ms, is_busy=is_busy)
        _keep(transaction, device_id, before, standing, _told(standing, by, now_unix_ms))
        return standing


def rest_device(
    database: Database, device_id: str, by: Caller, now_unix_ms: int
) -> tuple[DeviceStanding, tuple[str, ...]]:
    """Lets a device rest; gives the attempts, too, that were out: their turns are queued again."""
    with database.writing() as transaction:
        before = read_standing(transaction, device_id)
        stopped = list_out(transaction, device_id)
        for attempt_id in stopped:
            turn = set_given_back(transaction, attempt_id)
            if turn is not None:
                queue_turn_again(transaction, turn)
        standing = rested(before, by, now_unix_ms)
        _keep(transaction, device_id, before, standing, _told(standing, by, now_unix_ms))
        return standing, stopped


def wake_device(database: Database, device_id: str, by: Caller, now_unix_ms: int) -> DeviceStanding:
    """Lets a device take jobs again."""
    with database.writing() as transaction:
        before = read_standing(transaction, device_id)
        _keep(transaction, device_id, before, ACTIVE, _told(ACTIVE, by, now_unix_ms))
        return ACTIVE


def attempt_reported(
    transaction: Transaction, attempt: StoredAttempt, why: Sequence[Reason], now_unix_ms: int
) -> tuple[Reason, ...]:
    """What follows for a device from its report; `why` is of one that failed.

    Returns:
        Why it is in quarantine from now on; empty where it is not, or was before.
    """
    turn, before = attempt.turn, attempt.standing
    if not why:
        after = after_success(before)
    elif _is_of_the_job(transaction, turn, attempt.settings, why[0].code):
        after = after_word(before)
    else:
        backbone = read_backbone(transaction, turn.job_id)
        after = after_failure(before, backbone, why, now_unix_ms)
    return _follow_up(transaction, turn.place.device_id, before, after, now_unix_ms)


def attempt_lost(
    transaction: Transaction, turn: LeasedTurn, why: Reason, now_unix_ms: int
) -> tuple[Reason, ...]:
    """What follows for a device from an attempt that came to nothing; gives as the one before."""
    before = read_standing(transaction, turn.place.device_id)
    backbone = read_backbone(transaction, turn.job_id)
    if why.code is ReasonCode.NEVER_REPORTED:
        after = after_silence(before, backbone, now_unix_ms)
    else:
        settings = read_told(transaction, [turn.job_id])[turn.job_id].settings
        is_of_it = _is_of_the_job(transaction, turn, settings, why.code)
        after = before if is_of_it else after_loss(before, backbone, now_unix_ms)
    return _follow_up(transaction, turn.place.device_id, before, after, now_unix_ms)


def attempt_ended(transaction: Transaction, device_id: str, now_unix_ms: int) -> None:
    """What follows for a device from the end of an attempt that tells nothing of it."""
    before = read_standing(transaction, device_id)
    _follow_up(transaction, device_id, before, before, now_unix_ms)


def _is_of_the_job(
    transaction: Transaction,
    turn: LeasedTurn,
    settings: MeasureSettings | Unreadable,
    code: ReasonCode,
) -> bool:
    readable = settings if isinstance(settings, MeasureSettings) else None
    return is_of_the_job(code, readable, lambda: fails_elsewhere(transaction, turn.job_id, code))


def _follow_up(
    transaction: Transaction,
    device_id: str,
    before: DeviceStanding,
    after: DeviceStanding,
    now_unix_ms: int,
) -> tuple[Reason, ...]:
    """Remembers what became of a device; one that drains and has no other attempt rests.

    Returns:
        Why it is in quarantine from now on, if it is.
    """
    is_draining = after.condition is DeviceCondition.DRAINING
    if is_draining and not list_out(transaction, device_id):
        after = replace(after, condition=DeviceCondition.RESTING)
    if after == before:
        return ()
    keep_standing(transaction, device_id, after)
    if after.unreported and not before.unreported:
        event = DeviceEvent(at_unix_ms=now_unix_ms, kind=DeviceEventKind.SILENT)
        add_event(transaction, device_id, event)
    if after.condition is before.condition:
        return ()
    is_sick = after.condition is DeviceCondition.QUARANTINED
    event = DeviceEvent(
        at_unix_ms=now_unix_ms,
        kind=DeviceEventKind.QUARANTINED if is_sick else DeviceEventKind.DRAINED,
        caller=after.caller,
        caller_name=after.caller_name,
        reasons=after.reasons,
    )
    add_event(transaction, device_id, event)
    return after.reasons if is_sick else ()


_TOLD: Final[Mapping[DeviceCondition, DeviceEventKind]] = {
    DeviceCondition.ACTIVE: DeviceEventKind.WOKEN,
    DeviceCondition.DRAINING: DeviceEventKind.DRAINING,
    DeviceCondition.RESTING: DeviceEventKind.RESTING,
    DeviceCondition.QUARANTINED: DeviceEventKind.QUARANTINED,
}


def _told(standing: DeviceStanding, by: Caller, now_unix_ms: int) -> DeviceEvent:
    return event_by(by, _TOLD[standing.condition], now_unix_ms)


def _keep(
    transaction: Transaction,
    device_id: str,
    before: DeviceStanding,
    standing: DeviceStanding,
    event: DeviceEvent,
) -> None:
    """Remembers how a device stands, and in its history that somebody wanted it to change."""
    if standing != before:
        keep_standing(transaction, device_id, standing)
    if standing.condition is not before.condition:
        add_event(transaction, device_id, event)
