"""How many measurements each device has: counted once, then what came since."""

import threading
from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, func, literal, select, union_all

from controller.state.database import Database, Transaction
from controller.state.schema import devices, measurements, sweep_counts

_LAST: Final = (
    select(func.max(measurements.c.ordinal))
    .where(measurements.c.sweep_id == sweep_counts.c.sweep_id)
    .scalar_subquery()
)
# In one statement: what is recorded meanwhile is in both of its parts or in none.
_ALL: Final = union_all(
    select(literal("device").label("kind"), measurements.c.device_id, func.count()).group_by(
        measurements.c.device_id
    ),
    select(literal("sweep"), sweep_counts.c.sweep_id, func.coalesce(_LAST, 0)),
)
_SINCE: Final = (
    select(measurements.c.device_id, func.count(), func.max(measurements.c.ordinal))
    .where(
        measurements.c.sweep_id == bindparam("of_sweep"),
        measurements.c.ordinal > bindparam("known"),
    )
    .group_by(measurements.c.device_id)
)
_OUTCOMES: Final = select(sweep_counts.c.sweep_id, sweep_counts.c.outcomes)
_ENROLLED: Final = select(devices.c.device_id, devices.c.enrolled_at_unix_ms)


class MeasurementCounts:
    """Knows how many measurements devices have; of a million only new ones are looked at.

    They are added, numbered in their sweep, and go only together with their device.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._enrolled: frozenset[tuple[str, int]] = frozenset()
        self._of_device: dict[str, int] = {}
        self._last: dict[str, int] = {}

    def by_device(self) -> Mapping[str, int]:
        """The count of each device that has any, by its id."""
        with self._lock, self._database.transaction() as transaction:
            enrolled = frozenset(transaction.execute(_ENROLLED).tuples())
            if not self._last or not self._enrolled <= enrolled:
                self._count_all(transaction)
            else:
                self._count_new(transaction)
            self._enrolled = enrolled
            return dict(self._of_device)

    def _count_all(self, transaction: Transaction) -> None:
        self._of_device, self._last = {}, {}
        for kind, of, number in transaction.execute(_ALL).tuples():
            (self._of_device if kind == "device" else self._last)[of] = number

    def _count_new(self, transaction: Transaction) -> None:
        for sweep_id, outcomes in transaction.execute(_OUTCOMES).tuples().all():
            known = self._last.get(sweep_id, 0)
            if outcomes <= known:
                continue
            since = {"of_sweep": sweep_id, "known": known}
            for device_id, count, last in transaction.execute(_SINCE, since).tuples():
                self._of_device[device_id] = self._of_device.get(device_id, 0) + count
                self._last[sweep_id] = max(self._last.get(sweep_id, 0), last)
