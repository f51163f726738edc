"""What befell devices: rows that are added with what they tell, and never changed."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, insert, select

from controller.domain.access import Caller
from controller.domain.devices import MOST_EVENTS, DeviceEvent, DeviceEventKind
from controller.state.database import Database, Transaction
from controller.state.schema import device_events
from controller.state.schema.many_rows import write_rows
from controller.state.schema.unreadable import readable

# What each agent that comes and goes asks for is put together once.
_ADD = insert(device_events)
_OF_DEVICE = device_events.c.device_id == bindparam("of_device")
_FORGET = delete(device_events).where(
    _OF_DEVICE,
    device_events.c.event_id
    <= select(device_events.c.event_id)
    .where(_OF_DEVICE)
    .order_by(device_events.c.event_id.desc())
    .offset(MOST_EVENTS)
    .limit(1)
    .scalar_subquery(),
)
_TOLD = tuple(each for each in device_events.c if each.name not in ("event_id", "device_id"))


def add_event(transaction: Transaction, device_id: str, event: DeviceEvent) -> None:
    """Remembers what befell a device, and forgets its oldest beyond `MOST_EVENTS`."""
    add_events(transaction, [(device_id, event)])


def add_events(transaction: Transaction, befell: Sequence[tuple[str, DeviceEvent]]) -> None:
    """Remembers what befell devices, in this order, as `add_event` does; each with its id."""
    if not befell:
        return
    rows = [{"device_id": device_id, **vars(event)} for device_id, event in befell]
    write_rows(transaction, _ADD, rows)
    devices = dict.fromkeys(device_id for device_id, _ in befell)
    write_rows(transaction, _FORGET, [{"of_device": device_id} for device_id in devices])


def event_by(by: Caller, kind: DeviceEventKind, now_unix_ms: int) -> DeviceEvent:
    """What somebody wanted of a device."""
    return DeviceEvent(
        at_unix_ms=now_unix_ms, kind=kind, caller=by.caller, caller_name=by.caller_name
    )


def list_events(database: Database, device_id: str, count: int) -> tuple[DeviceEvent, ...]:
    """At most so many of what befell a device, the newest first."""
    newest = (
        select(device_events)
        .where(device_events.c.device_id == device_id)
        .order_by(device_events.c.event_id.desc())
        .limit(count)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(newest).mappings()
        return tuple(
            readable(
                "event of a device",
                "event_id",
                rows,
                lambda row: DeviceEvent(**{column.name: row[column.name] for column in _TOLD}),
            )
        )


def newest_event(database: Database) -> int:
    """The number of the newest event of any device; 0 without any."""
    with database.transaction() as transaction:
        return transaction.scalars(select(func.max(device_events.c.event_id))).one() or 0


def changed_since(database: Database, seen: int) -> tuple[int, set[str]]:
    """The number of the newest event, and the ids of the devices that any befell after `seen`."""
    newer = select(device_events.c.event_id, device_events.c.device_id).where(
        device_events.c.event_id > seen
    )
    with database.transaction() as transaction:
        rows = transaction.execute(newer).all()
    newest = max((row.event_id for row in rows), default=seen)
    return newest, {row.device_id for row in rows}
