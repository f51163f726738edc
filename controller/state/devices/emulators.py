"""Which devices are emulated: as their profiles say, or as a person marked them."""

from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Label, func, update

from controller.state.database import Database
from controller.state.schema import devices
from protos.device import DeviceProfile

ProfileT = TypeVar("ProfileT")


def emulator_told() -> Label[str]:
    """The column `emulator` of a query that has the devices; empty where none is told.

    What is told now holds for what was measured before, too.
    """
    return func.coalesce(devices.c.emulated_by, devices.c.emulator).label("emulator")


def marked(profile: ProfileT, emulated_by: str | None) -> ProfileT | DeviceProfile:
    """A device's profile with a person's mark; what cannot be read of it stays as it is."""
    if emulated_by is None or not isinstance(profile, DeviceProfile):
        return profile
    return replace(profile, emulator=emulated_by)


def mark_emulated(database: Database, device_id: str, emulated_by: str | None) -> None:
    """Remembers a person's word on what computes in a device's place; None takes it back."""
    with database.writing() as transaction:
        transaction.execute(
            update(devices).where(devices.c.device_id == device_id).values(emulated_by=emulated_by)
        )
