"""How a device's standing changes, each time in the transaction of what it follows from."""

from collections.abc import Mapping
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
from controller.fleet.standing.rules import drained, rested
from controller.state.attempts import list_out, set_given_back
from controller.state.database import Database, Transaction
from controller.state.devices.events import add_event, event_by
from controller.state.devices.standings import keep_standing, read_standing
from controller.state.rounds.turns import queue_turn_again


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
                queue_turn_again(transaction, turn.job_id, turn.ordinal)
        standing = rested(before, by, now_unix_ms)
        _keep(transaction, device_id, before, standing, _told(standing, by, now_unix_ms))
        return standing, stopped


def wake_device(database: Database, device_id: str, by: Caller, now_unix_ms: int) -> DeviceStanding:
    """Lets a device take jobs again."""
    with database.writing() as transaction:
        before = read_standing(transaction, device_id)
        _keep(transaction, device_id, before, ACTIVE, _told(ACTIVE, by, now_unix_ms))
        return ACTIVE


def attempt_ended(transaction: Transaction, device_id: str, now_unix_ms: int) -> None:
    """What follows from an attempt's end: a device that drains and has no other rests."""
    before = read_standing(transaction, device_id)
    if before.condition is DeviceCondition.DRAINING and not list_out(transaction, device_id):
        keep_standing(transaction, device_id, replace(before, condition=DeviceCondition.RESTING))
        event = DeviceEvent(
            at_unix_ms=now_unix_ms,
            kind=DeviceEventKind.DRAINED,
            caller=before.caller,
            caller_name=before.caller_name,
        )
        add_event(transaction, device_id, event)


_TOLD: Final[Mapping[DeviceCondition, DeviceEventKind]] = {
    DeviceCondition.ACTIVE: DeviceEventKind.WOKEN,
    DeviceCondition.DRAINING: DeviceEventKind.DRAINING,
    DeviceCondition.RESTING: DeviceEventKind.RESTING,
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
    """Remembers how a device stands, and why in its history, unless it stands so already."""
    if standing != before:
        keep_standing(transaction, device_id, standing)
        add_event(transaction, device_id, event)
