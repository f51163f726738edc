"""Devices that enrolled."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import (
    RowMapping,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from controller.domain.access import Caller
from controller.domain.devices import Device, DeviceEvent, DeviceEventKind
from controller.domain.errors import EdgerankError
from controller.state.database import Database
from controller.state.devices.coming import (
    Enrolled,
    Greeting,
    enrol_each,
    holders_of,
    name_taken,
    renamed,
)
from controller.state.devices.emulators import marked
from controller.state.devices.events import add_event, event_by
from controller.state.devices.standings import COLUMNS, standing_of
from controller.state.schema import (
    device_standings,
    devices,
    jobs,
    measurements,
    replaced_agents,
)
from controller.state.schema.unreadable import readable
from protos.fleet import Hello

# Fewer than a database takes in one statement.
_AT_ONCE = 5_000


def enrol(database: Database, hello: Hello, now_unix_ms: int) -> Enrolled:
    """Remembers a device, or what is new of one that is known, as `enrol_each` does.

    Raises:
        EdgerankError: NAME_TAKEN when another device has the name; INVALID_INPUT when another agent
            took this one's device over.
    """
    with database.writing() as transaction:
        (enrolled,) = enrol_each(transaction, [Greeting(hello, now_unix_ms)])
    if isinstance(enrolled, EdgerankError):
        raise enrolled
    return enrolled


def came(database: Database, device_id: str, now_unix_ms: int) -> None:
    """Remembers that the agent of a device connected that was not there."""
    with database.writing() as transaction:
        kind = DeviceEventKind.CONNECTED
        add_event(transaction, device_id, DeviceEvent(at_unix_ms=now_unix_ms, kind=kind))


def device_of_agent(database: Database, agent_id: str) -> str | None:
    """The id of the device that an agent speaks for; None where it speaks for none."""
    with database.transaction() as transaction:
        return transaction.scalars(
            select(devices.c.device_id).where(devices.c.agent_id == agent_id)
        ).one_or_none()


def hand_over(database: Database, device_id: str, agent_id: str, now_unix_ms: int) -> None:
    """Gives a device to another agent; the one of before is refused from now on."""
    with database.transaction() as transaction:
        before = transaction.scalars(
            select(devices.c.agent_id).where(devices.c.device_id == device_id)
        ).one()
        transaction.execute(delete(replaced_agents).where(replaced_agents.c.agent_id == agent_id))
        transaction.execute(insert(replaced_agents).values(agent_id=before, device_id=device_id))
        transaction.execute(
            update(devices).where(devices.c.device_id == device_id).values(agent_id=agent_id)
        )
        kind = DeviceEventKind.REPLACED
        add_event(transaction, device_id, DeviceEvent(at_unix_ms=now_unix_ms, kind=kind))


def rename(database: Database, device_id: str, name: str, by: Caller, now_unix_ms: int) -> None:
    """Gives a device another name, its measurements with it.

    Raises:
        EdgerankError: NAME_TAKEN when another device has the name.
    """
    of_device = devices.c.device_id == device_id
    with database.writing() as transaction:
        before = transaction.scalars(select(devices.c.name).where(of_device)).one()
        if name == before:
            return
        if name in holders_of(transaction, [name]):
            raise name_taken(name)
        transaction.execute(update(devices).where(of_device).values(name=name))
        add_event(transaction, device_id, renamed(before, name, by, now_unix_ms))


def remove(database: Database, device_id: str, by: Caller, now_unix_ms: int) -> None:
    """Takes a device out of the fleet; its measurements stay, its name is free."""
    with database.transaction() as transaction:
        transaction.execute(
            update(devices)
            .where(devices.c.device_id == device_id)
            .values(removed_at_unix_ms=now_unix_ms)
        )
        add_event(transaction, device_id, event_by(by, DeviceEventKind.REMOVED, now_unix_ms))


def count_measurements(database: Database, device_id: str) -> int:
    """How many measurements of a device there are, sentinels' not counted."""
    with database.transaction() as transaction:
        return transaction.scalars(
            select(func.count())
            .select_from(measurements)
            .join(jobs, jobs.c.job_id == measurements.c.job_id)
            .where(jobs.c.device_id == device_id, jobs.c.is_sentinel.is_(False))
        ).one()


def list_devices(database: Database, connected: frozenset[str]) -> tuple[Device, ...]:
    """Every device of the fleet by name; `connected` holds the ids of those that are there now."""
    of_fleet = _standing().where(devices.c.removed_at_unix_ms.is_(None))
    with database.transaction() as transaction:
        rows = transaction.execute(of_fleet.order_by(devices.c.name)).mappings()
        return _devices(rows, connected)


def find_devices(
    database: Database, device_ids: Collection[str], connected: frozenset[str]
) -> tuple[Device, ...]:
    """Those of these devices that are of the fleet, by name; `connected` as in `list_devices`."""
    found: list[Device] = []
    wanted = sorted(device_ids)
    with database.transaction() as transaction:
        for start in range(0, len(wanted), _AT_ONCE):
            of_these = _standing().where(
                devices.c.removed_at_unix_ms.is_(None),
                devices.c.device_id.in_(wanted[start : start + _AT_ONCE]),
            )
            found += _devices(transaction.execute(of_these).mappings(), connected)
    return tuple(sorted(found, key=lambda device: device.name))


def find_named(database: Database, name: str, connected: frozenset[str]) -> Device | None:
    """The device that is meant by a name: one of the fleet, else the newest removed, or None."""
    with database.transaction() as transaction:
        # One after the other: an index has the names of the fleet, and none those of before.
        for meant in (_OF_FLEET, _NEWEST_REMOVED):
            rows = transaction.execute(meant, {"asked_name": name}).mappings()
            if found := _devices(rows, connected):
                return found[0]
    return None


def list_removed(database: Database) -> tuple[Device, ...]:
    """Every device that was removed and whose measurements stayed, the newest first."""
    removed = _standing().where(devices.c.removed_at_unix_ms.is_not(None))
    with database.transaction() as transaction:
        rows = transaction.execute(removed.order_by(devices.c.removed_at_unix_ms.desc()))
        return _devices(rows.mappings(), frozenset())


def holder_of(name: str) -> ScalarSelect[str]:
    """The id of the device that is meant by a name: one of the fleet, else the newest removed."""
    return (
        select(devices.c.device_id)
        .where(devices.c.name == name)
        .order_by(devices.c.removed_at_unix_ms.is_not(None), devices.c.removed_at_unix_ms.desc())
        .limit(1)
        .scalar_subquery()
    )


def _standing() -> Select[Any]:
    return select(devices, *COLUMNS).outerjoin(
        device_standings, device_standings.c.device_id == devices.c.device_id
    )


# Put together once, which takes as long as asking it.
_NAMED = _standing().where(devices.c.name == bindparam("asked_name"))
_OF_FLEET = _NAMED.where(devices.c.removed_at_unix_ms.is_(None))
_NEWEST_REMOVED = (
    _NAMED.where(devices.c.removed_at_unix_ms.is_not(None))
    .order_by(devices.c.removed_at_unix_ms.desc())
    .limit(1)
)


def _devices(rows: Iterable[RowMapping], connected: frozenset[str]) -> tuple[Device, ...]:
    def device(row: RowMapping) -> Device:
        return Device(
            device_id=row["device_id"],
            name=row["name"],
            labels=row["labels"],
            profile=marked(row["profile"], row["emulated_by"]),
            connected=row["device_id"] in connected,
            enrolled_at_unix_ms=row["enrolled_at_unix_ms"],
            last_seen_at_unix_ms=row["last_seen_at_unix_ms"],
            standing=standing_of(row),
            origin=row["origin"],
        )

    return tuple(readable("device", "device_id", rows, device))
