"""What ranking needs of a device's newest measurements: few columns, read as they are stored."""

from collections.abc import Mapping, Sequence
from itertools import compress
from operator import itemgetter
from types import NoneType
from typing import Any, Final

import numpy as np
from sqlalchemy import Integer, String, bindparam, select, type_coerce

from controller.domain.measurements import Verdict
from controller.domain.rankings.rows import PEAKS, TIMES, FigureTable, table_of
from controller.state.database import Database
from controller.state.devices.emulators import emulator_told
from controller.state.measurements import are_times
from controller.state.measurements.candidates import (
    Candidates,
    Damaged,
    RankedCandidate,
    read_candidates,
)
from controller.state.schema import candidates, devices, measurements
from controller.state.schema.unreadable import MAX_WHOLE

MOST_BY_ID: Final = 1_000
"""Of more than so many, all are read: a statement takes only so many parameters."""
_VERDICTS: Final = frozenset(each.value for each in Verdict)


def newest_ids(database: Database, device_id: str) -> list[str]:
    """The ids of those that `read_figures` reads, in its order."""
    with database.transaction() as transaction:
        return list(transaction.scalars(_IDS, {"device_id": device_id}))


def read_figures(
    database: Database,
    device_id: str,
    dataset: str,
    known: Candidates,
    only: Sequence[str] | None = None,
) -> FigureTable:
    """What is enough to choose the newest of each thing by, as `list_newest` gives it.

    Args:
        database: the controller's.
        device_id: whose measurements.
        dataset: whose accuracy counts.
        known: what was found before; what is found now is put into it.
        only: measurements to read, by their ids, at most `MOST_BY_ID`; None reads all.

    Raises:
        Damaged: something of it cannot be read.
    """
    with database.transaction() as transaction:
        if only is None:
            rows = transaction.execute(_OF_DEVICE, {"device_id": device_id}).all()
        else:
            rows = transaction.execute(_OF_SOME, {"measurement_ids": list(only)}).all()
        column = _oldest_first(rows)
        new = set(column["candidate_id"]).difference(known)
        if new:
            known.update(read_candidates(transaction, list(new), dataset))
        emulator = transaction.scalar(
            select(emulator_told()).where(devices.c.device_id == device_id)
        )
    found = list(map(known.__getitem__, column["candidate_id"]))
    asked = [each for each in found if each is not None]
    if len(asked) < len(found):
        are_asked = [each is not None for each in found]
        column = {name: tuple(compress(each, are_asked)) for name, each in column.items()}
    if not asked:
        return table_of(())
    _check(column)
    return FigureTable(
        **dict(zip(RankedCandidate._fields, zip(*asked, strict=True), strict=True)),
        **{name: column[name] for name in ("measurement_id", "verdict", *TIMES, *PEAKS)},
        is_emulated=[bool(emulator)] * len(asked),
    )


def _oldest_first(rows: Sequence[Any]) -> Mapping[str, Sequence[Any]]:
    """The columns of rows; thousands are sorted faster here than with all that they tell in SQL."""
    if not rows:
        return dict.fromkeys(_NAMES, ())
    try:
        ordered = sorted(rows, key=itemgetter(*map(_NAMES.index, _ORDER)))
    except TypeError as error:
        raise Damaged("order") from error
    return dict(zip(_NAMES, zip(*ordered, strict=True), strict=True))


def _check(column: Mapping[str, Sequence[Any]]) -> None:
    if not _VERDICTS.issuperset(column["verdict"]):
        raise Damaged("verdict")
    if not set(map(type, column["measurement_id"])) <= {str}:
        raise Damaged("measurement_id")
    if not _are_latencies(column):
        raise Damaged("latency")
    if not _are_peaks(column):
        raise Damaged("memory")


def _are_latencies(column: Mapping[str, Sequence[Any]]) -> bool:
    """Whether there are figures exactly where a document tells of some, all of which can be."""
    if not {kind for name in TIMES for kind in map(type, column[name])} <= {float, NoneType}:
        return False
    times = np.array([column[name] for name in TIMES], dtype=float)
    is_there = np.array(column["has_latency"], dtype=bool)
    found = times[:, is_there]
    if not np.isnan(times[:, ~is_there]).all() or not np.isfinite(found).all():
        return False
    median_low_high = found[:3]
    return not is_there.any() or (
        are_times(*median_low_high.min(axis=1)) and are_times(*median_low_high.max(axis=1))
    )


def _are_peaks(column: Mapping[str, Sequence[Any]]) -> bool:
    """Whether there is a peak exactly where a document tells of one, and all are bytes."""
    if not {kind for name in PEAKS for kind in map(type, column[name])} <= {int, NoneType}:
        return False
    peaks = np.array([column[name] for name in PEAKS], dtype=float)
    is_there = np.array(column["has_memory"], dtype=bool)
    return (
        bool((np.isnan(peaks[0]) == ~is_there).all())
        and not (peaks < 0).any()
        and not (peaks > MAX_WHOLE).any()
    )


_ORDER: Final = ("committed_at_unix_ms", "position", "measurement_id")
_TOLD: Final = select(
    measurements.c.measurement_id,
    measurements.c.candidate_id,
    # As they are stored: of thousands of rows little is made.
    type_coerce(measurements.c.verdict, String).label("verdict"),
    type_coerce(measurements.c.latency.is_not(None), Integer).label("has_latency"),
    type_coerce(measurements.c.memory.is_not(None), Integer).label("has_memory"),
    *(measurements.c[name] for name in (*TIMES, *PEAKS)),
    measurements.c.committed_at_unix_ms,
    measurements.c.position,
)
_NAMES: Final = tuple(_TOLD.selected_columns.keys())
# In an order that costs nothing: without it SQLite takes an index that has all of a device.
_OF_DEVICE: Final = _TOLD.where(
    measurements.c.is_newest.is_(True), measurements.c.device_id == bindparam("device_id")
).order_by(measurements.c.backbone, measurements.c.candidate_id)
_OF_SOME: Final = _TOLD.where(
    measurements.c.measurement_id.in_(bindparam("measurement_ids", expanding=True))
)
_IDS: Final = (
    select(measurements.c.measurement_id)
    .join(candidates, candidates.c.candidate_id == measurements.c.candidate_id)
    .where(
        measurements.c.is_newest.is_(True),
        measurements.c.device_id == bindparam("device_id"),
        candidates.c.is_sentinel.is_(False),
    )
    # A sum: else SQLite reads all of a device, since another index has them in this order.
    .order_by(
        measurements.c.committed_at_unix_ms + 0,
        measurements.c.position,
        measurements.c.measurement_id,
    )
)
