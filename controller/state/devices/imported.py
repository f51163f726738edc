"""Devices of other controllers, whose measurements were imported: they never connect."""

import hashlib

from sqlalchemy import insert, select, update

from controller.domain.devices import DeviceEvent, DeviceEventKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.database import Transaction
from controller.state.devices.coming import Enrolled
from controller.state.devices.events import add_event
from controller.state.schema import devices
from protos.device import DeviceProfile

# Longer than a name may be, so that names end somewhere.
_LONGEST_NAME = 64


def imported_device(
    transaction: Transaction, origin: str, name: str, *, emulator: str, now_unix_ms: int
) -> Enrolled:
    """The device that stands for one of another controller; made when it is first met.

    It is called NAME.ORIGIN until a person renames it. One that was removed comes back.

    Raises:
        EdgerankError: NAME_TAKEN when another device has that name.
    """
    spelt = hashlib.sha256(f"{origin}\n{name}".encode()).hexdigest()
    device_id = f"imported-{spelt[:32]}"
    is_it = devices.c.device_id == device_id
    known = transaction.execute(select(devices).where(is_it)).one_or_none()
    called = f"{name}.{origin}"[:_LONGEST_NAME] if known is None else known.name
    if known is not None and known.removed_at_unix_ms is None:
        return Enrolled(device_id, called)
    taken = select(devices.c.device_id).where(
        devices.c.name == called, devices.c.removed_at_unix_ms.is_(None)
    )
    if transaction.execute(taken).first() is not None:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"another device is already named {called!r}; rename it, or import with another "
            "--origin",
        )
    if known is None:
        transaction.execute(
            insert(devices).values(
                device_id=device_id,
                # No agent can call itself so: it joins by a UUID.
                agent_id=device_id,
                name=called,
                agent_name=name,
                labels={"origin": origin},
                profile=DeviceProfile(architecture="", emulator=emulator),
                emulator=emulator,
                enrolled_at_unix_ms=now_unix_ms,
                last_seen_at_unix_ms=now_unix_ms,
                origin=origin,
            )
        )
    else:
        transaction.execute(update(devices).where(is_it).values(removed_at_unix_ms=None))
    joined = DeviceEvent(at_unix_ms=now_unix_ms, kind=DeviceEventKind.JOINED)
    add_event(transaction, device_id, joined)
    return Enrolled(device_id, called)
