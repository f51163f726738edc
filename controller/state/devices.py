"""Devices that enrolled."""

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Device
from controller.state.database import Database
from controller.state.schema import devices
from protos.fleet import Hello


def enrol(database: Database, hello: Hello, now_unix_ms: int) -> None:
    """Remembers a device, or what is new of one that is known.

    Raises:
        EdgerankError: NAME_TAKEN when another device has the name.
    """
    known = {
        "name": hello.name,
        "labels": dict(hello.labels),
        "profile": hello.profile,
        "last_seen_at_unix_ms": now_unix_ms,
    }
    try:
        with database.transaction() as transaction:
            changed = transaction.execute(
                update(devices).where(devices.c.device_id == hello.device_id).values(known)
            )
            if changed.rowcount == 0:
                transaction.execute(
                    insert(devices).values(
                        device_id=hello.device_id, enrolled_at_unix_ms=now_unix_ms, **known
                    )
                )
    except IntegrityError as error:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"another device is already named {hello.name!r}; start this agent under another name",
        ) from error


def touch(database: Database, device_id: str, now_unix_ms: int) -> None:
    """Remembers that a device was there just now."""
    with database.transaction() as transaction:
        transaction.execute(
            update(devices)
            .where(devices.c.device_id == device_id)
            .values(last_seen_at_unix_ms=now_unix_ms)
        )


def list_devices(database: Database, connected: frozenset[str]) -> tuple[Device, ...]:
    """Every device by name; `connected` holds the ids of those that are there now."""
    with database.transaction() as transaction:
        rows = transaction.execute(select(devices).order_by(devices.c.name)).mappings()
        return tuple(_device(row, row["device_id"] in connected) for row in rows)


def _device(row: RowMapping, connected: bool) -> Device:
    return Device(
        device_id=row["device_id"],
        name=row["name"],
        labels=row["labels"],
        profile=row["profile"],
        connected=connected,
        enrolled_at_unix_ms=row["enrolled_at_unix_ms"],
        last_seen_at_unix_ms=row["last_seen_at_unix_ms"],
    )
