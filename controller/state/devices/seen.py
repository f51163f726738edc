"""When devices were last heard of."""

from collections.abc import Mapping

from sqlalchemy import bindparam, func, select, update

from controller.state.database import Database
from controller.state.schema import devices


def touch(database: Database, seen_at_unix_ms: Mapping[str, int]) -> None:
    """Remembers when devices were last there, by their ids."""
    rows = [{"seen_id": device_id, "at": at} for device_id, at in seen_at_unix_ms.items()]
    with database.transaction() as transaction:
        transaction.execute(
            update(devices)
            .where(devices.c.device_id == bindparam("seen_id"))
            .values(last_seen_at_unix_ms=bindparam("at")),
            rows,
        )


def count_seen(database: Database, since_unix_ms: int) -> int:
    """How many devices of the fleet were heard of since then."""
    lately = devices.c.last_seen_at_unix_ms >= since_unix_ms
    with database.transaction() as transaction:
        return transaction.scalars(
            select(func.count())
            .select_from(devices)
            .where(lately, devices.c.removed_at_unix_ms.is_(None))
        ).one()
