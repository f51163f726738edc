"""Measurements by pages, and the newest ones: what indexes find, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, or_, select, tuple_
from sqlalchemy.sql.expression import Tuple

from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.database import Database, Transaction
from controller.state.devices import holder_of
from controller.state.measurements import ended, list_measurements, measurements_of
from controller.state.measurements.kinds import KnownKinds, whole_of, with_own
from controller.state.schema import jobs, measurements, reused_jobs

PAGE: Final = 200
"""So many measurements are read at once, without their samples."""
SAMPLED_PAGE: Final = 16
"""So many with them: each repetition may have 200,000."""
_AT_ONCE: Final = 500
_DATASETS: Final = 16


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """Where a measurement stands in the order of commits."""

    committed_at_unix_ms: int
    position: int
    measurement_id: str


@dataclass(frozen=True, kw_only=True)
class MeasurementPage:
    """Some measurements in the order of their commits, or the reverse.

    Attributes:
        measurements: without those that cannot be read.
        last: behind which the next page begins; None where there is none.
    """

    measurements: Sequence[Measurement]
    last: Place | None


_ORDER = (
    measurements.c.committed_at_unix_ms,
    measurements.c.position,
    measurements.c.measurement_id,
)
_ORDERED = tuple_(*_ORDER)


def _literal(place: Place) -> Tuple:
    return tuple_(*(getattr(place, column.name) for column in _ORDER))


def read_page(
    database: Database,
    wanted: MeasurementFilter,
    after: Place | None,
    count: int,
    *,
    newest_first: bool = False,
    known: KnownKinds | None = None,
) -> MeasurementPage:
    """The next measurements that the filter lets through.

    Args:
        database: the controller's.
        wanted: which ones, and whether with their samples.
        after: the `last` of the page before; None is the first page.
        count: at most so many.
        newest_first: in the reverse order.
        known: of the filter's accuracy, what need not be read; None is nothing.
    """
    with database.transaction() as transaction:
        # One more than are read: whether another page follows.
        asked = order_after(wanted, after, count + 1, newest_first=newest_first)
        following = transaction.execute(with_own(asked)).mappings().all()
        page = following[:count]
        read = _whole(transaction, page, wanted, known or KnownKinds(wanted.accuracy_dataset))
    last = _place_of(page[-1]) if len(following) > count else None
    return MeasurementPage(measurements=read, last=last)


def _whole(
    transaction: Transaction,
    rows: Sequence[RowMapping],
    wanted: MeasurementFilter,
    known: KnownKinds,
) -> list[Measurement]:
    """Those that can be read, in the order of their rows."""
    found = whole_of(transaction, rows, wanted, known)
    if found is not None:
        return found
    ids = [row["measurement_id"] for row in rows]
    stored = transaction.execute(_by_ids(wanted.accuracy_dataset), {"ids": ids}).mappings().all()
    by_id = {each.measurement_id: each for each in measurements_of(transaction, stored, wanted)}
    return [by_id[each] for each in ids if each in by_id]


def order_after(
    wanted: MeasurementFilter, after: Place | None, count: int, *, newest_first: bool = False
) -> Select[Any]:
    """Where the next ones that the filter lets through stand, and of which jobs they are."""
    found = select(*_ORDER, measurements.c.job_id).where(*_are_of(wanted))
    if after is not None:
        place = _literal(after)
        found = found.where(place > _ORDERED if newest_first else place < _ORDERED)
    order = [column.desc() for column in _ORDER] if newest_first else _ORDER
    return found.order_by(*order).limit(count)


def order_until(wanted: MeasurementFilter, after: Place | None, last: Place) -> Select[Any]:
    """Of which jobs those are that `order_after` finds, up to the last one, in the same order."""
    found = select(measurements.c.job_id).where(*_are_of(wanted), _literal(last) >= _ORDERED)
    if after is not None:
        found = found.where(_literal(after) < _ORDERED)
    return found.order_by(*_ORDER)


def _place_of(row: RowMapping) -> Place:
    return Place(**{column.name: row[column.name] for column in _ORDER})


@lru_cache(maxsize=_DATASETS)
def _by_ids(dataset: str) -> Select[Any]:
    """Measurements by their `ids`; put together once, which takes as long as asking it."""
    these = measurements.c.measurement_id.in_(bindparam("ids", expanding=True))
    return ended(dataset).where(these, jobs.c.is_sentinel.is_(False)).order_by(*_ORDER)


def find_place(database: Database, measurement_id: str) -> Place | None:
    """Where a measurement stands; None of one that is not there."""
    query = select(*_ORDER).where(measurements.c.measurement_id == measurement_id)
    with database.transaction() as transaction:
        found = transaction.execute(query).mappings().one_or_none()
    return None if found is None else Place(**found)


def find_measurement(
    database: Database, measurement_id: str, wanted: MeasurementFilter
) -> Measurement | None:
    """One measurement beside the filter's accuracy, with samples where it wants them; or None."""
    query = ended(wanted.accuracy_dataset).where(
        measurements.c.measurement_id == measurement_id, jobs.c.is_sentinel.is_(False)
    )
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
        return next(iter(measurements_of(transaction, rows, wanted)), None)


def find_measurements(
    database: Database,
    measurement_ids: Sequence[str],
    wanted: MeasurementFilter,
    known: KnownKinds | None = None,
) -> dict[str, Measurement]:
    """Those of these measurements that can be read, by their ids, beside the filter's accuracy.

    `known` is as with `read_page`.
    """
    known = known or KnownKinds(wanted.accuracy_dataset)
    found: list[Measurement] = []
    with database.transaction() as transaction:
        for start in range(0, len(measurement_ids), _AT_ONCE):
            some = {"ids": measurement_ids[start : start + _AT_ONCE]}
            rows = transaction.execute(_OWN_BY_IDS, some).mappings().all()
            found += _whole(transaction, rows, wanted, known)
    return {each.measurement_id: each for each in found}


_OWN_BY_IDS: Final = with_own(
    select(measurements.c.measurement_id).where(
        measurements.c.measurement_id.in_(bindparam("ids", expanding=True))
    )
)


def list_newest(database: Database, wanted: MeasurementFilter) -> list[Measurement]:
    """What is enough to choose the newest of each thing by, whichever verdicts are preferred.

    As `list_measurements`, without those that a later one with the same verdict stands for. Where
    one of the newest cannot be read, those before it are there too.
    """
    query = (
        ended(wanted.accuracy_dataset)
        .where(
            measurements.c.is_newest.is_(True),
            # So is each; else SQLite takes an index that has all of a device.
            measurements.c.backbone >= "",
            jobs.c.is_sentinel.is_(False),
            *_are_of(wanted),
        )
        # A sum, likewise.
        .order_by(measurements.c.committed_at_unix_ms + 0, *_ORDER[1:])
    )
    with database.transaction() as transaction:
        rows = transaction.execute(query).mappings().all()
        found = list(measurements_of(transaction, rows, wanted))
    if len(found) < len(rows):
        return list_measurements(database, wanted)
    return found


def _are_of(wanted: MeasurementFilter) -> list[ColumnElement[bool]]:
    """As `are_wanted`, by what measurements themselves say: sentinels are among these."""
    are_these: list[ColumnElement[bool]] = []
    if wanted.device is not None:
        are_these.append(measurements.c.device_id == holder_of(wanted.device))
    if wanted.backbone is not None:
        are_these.append(measurements.c.backbone == wanted.backbone)
    if wanted.sweep_id is not None:
        reused = select(reused_jobs.c.job_id).where(reused_jobs.c.sweep_id == wanted.sweep_id)
        are_these.append(
            or_(measurements.c.sweep_id == wanted.sweep_id, measurements.c.job_id.in_(reused))
        )
    return are_these
