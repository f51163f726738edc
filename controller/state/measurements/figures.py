"""What ranking needs of a device's newest measurements: few columns, read as they are stored.

It is kept for each device in one row, too, so that a controller that was started again reads little
more than what came since.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Integer, String, bindparam, delete, insert, select, type_coerce

from controller.domain.measurements import Verdict
from controller.domain.rankings.figure_rows import FIGURE_ROW, ID_BYTES, VERDICT_CODES
from controller.domain.rankings.rows import PEAKS, TIMES
from controller.state.database import Database, Transaction
from controller.state.measurements import are_times
from controller.state.measurements.candidates import Damaged
from controller.state.measurements.stamps import last_of_device
from controller.state.schema import devices, kept_figures, measurements
from controller.state.schema.unreadable import MAX_WHOLE

# What came since is read row by row: so many take about as long as reading what is kept.
_FEW: Final = 32
_OF_MANY: Final = 64
# What figures are kept of: bytes of another layout mean something else.
_LAYOUT: Final = hashlib.sha256(
    repr((FIGURE_ROW.descr, [each.value for each in Verdict])).encode()
).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFigures:
    """What ranking needs of the newest measurements of a device, sentinels' among them.

    Attributes:
        rows: of `FIGURE_ROW`, the oldest first.
        until: the last outcome of the device that is in them.
    """

    rows: npt.NDArray[np.void]
    until: int


def read_figures(database: Database, device_id: str) -> DeviceFigures:
    """What is enough to choose the newest of each thing by, as `list_newest` gives it.

    Raises:
        Damaged: something of it cannot be read.
    """
    with database.transaction() as transaction:
        return _since(transaction, device_id, _kept(transaction, device_id))


def devices_behind(database: Database) -> list[str]:
    """Devices that had so many outcomes since their figures were kept that they are kept anew."""
    with database.transaction() as transaction:
        told = transaction.execute(_BEHIND).all()
    return [
        each.device_id
        for each in told
        if each.last and each.last - _whole(each.until_ordinal) > _FEW + each.last // _OF_MANY
    ]


def keep_figures(database: Database, device_id: str) -> None:
    """Keeps what ranking needs of a device in one row.

    Raises:
        Damaged: something of it cannot be read.
        EdgerankError: STORAGE when the database cannot be written.
    """
    figures = read_figures(database, device_id)
    packed = figures.rows.tobytes()
    row = {
        "device_id": device_id,
        "until_ordinal": figures.until,
        "layout": _LAYOUT,
        "checksum": _checksum(packed),
        "figures": packed,
    }
    with database.writing() as transaction:
        # It may have gone meanwhile.
        if (transaction.scalar(_UNTIL, {"of_device": device_id}) or 0) >= figures.until:
            transaction.execute(_FORGET, {"of_device": device_id})
            transaction.execute(_KEEP, row)


def _whole(until: object) -> int:
    """What is kept of a device counts from 0 where nothing is, or it was spoilt."""
    return until if isinstance(until, int) else 0


def _checksum(packed: bytes) -> int:
    """Tells a rotten one: the sum of its 64-bit numbers, as a database has room for it."""
    return int(np.frombuffer(packed, "<u8").sum(dtype=np.uint64)) >> 1


def _kept(transaction: Transaction, device_id: str) -> DeviceFigures:
    """What is kept of a device; nothing where it cannot be read."""
    found = transaction.execute(_KEPT, {"of_device": device_id}).one_or_none()
    if (
        found is None
        or found.layout != _LAYOUT
        or not isinstance(found.until_ordinal, int)
        or not isinstance(found.figures, bytes)
        or len(found.figures) % FIGURE_ROW.itemsize
        or found.checksum != _checksum(found.figures)
    ):
        return DeviceFigures(np.empty(0, FIGURE_ROW), 0)
    rows = np.frombuffer(found.figures, FIGURE_ROW)
    return DeviceFigures(rows, found.until_ordinal)


def _since(transaction: Transaction, device_id: str, before: DeviceFigures) -> DeviceFigures:
    """What is known of a device, and what came since in the place of what it stands for."""
    asked = {"of_device": device_id, "known": before.until}
    # Asked first: what is recorded meanwhile is read, and read again the next time.
    until = transaction.scalar(_UNTIL, asked) or 0
    if until <= before.until:
        return before
    told = transaction.execute(_SINCE, asked).all()
    if not told:
        return DeviceFigures(before.rows, until)
    new = _rows_of(dict(zip(_NAMES, zip(*told, strict=True), strict=True)))
    rows = np.concatenate([before.rows[~_is_outdated(before.rows, new)], new])
    # Sorting ids takes longer than all else that is made of the rows, so their order is kept, too.
    rows["id_place"][np.argsort(rows["measurement_id"])] = np.arange(len(rows))
    order = np.lexsort([rows[name] for name in reversed(_ORDER)])
    return DeviceFigures(rows[order], until)


def _is_outdated(before: npt.NDArray[np.void], new: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Which rows newer ones stand for, as the end of a job outdates what is there."""
    own, others = _alike(before), _alike(new)
    # Of those that stand for the same, the last.
    order = np.lexsort((new["committed_at_unix_ms"], others))
    last = order[np.flatnonzero(np.diff(others[order], append=-1))]
    at = np.minimum(np.searchsorted(others[last], own), len(last) - 1)
    newest = new["committed_at_unix_ms"][last]
    outdated: npt.NDArray[np.bool_] = (others[last][at] == own) & (
        before["committed_at_unix_ms"] <= newest[at]
    )
    return outdated


def _alike(rows: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """A number that is the same for rows of which the newest stands for the others."""
    has_figures = ~np.isnan(rows["median_ms"])
    of: npt.NDArray[np.int64] = rows["candidate_id"] * len(VERDICT_CODES) + rows["verdict"]
    alike: npt.NDArray[np.int64] = of * 2 + has_figures
    return alike


def _rows_of(column: Mapping[str, Sequence[Any]]) -> npt.NDArray[np.void]:
    """Rows of what is stored.

    Raises:
        Damaged: something of it cannot be.
    """
    _check(column)
    rows = np.empty(len(column["verdict"]), FIGURE_ROW)
    rows["measurement_id"] = [each.encode() for each in column["measurement_id"]]
    rows["verdict"] = [VERDICT_CODES[each] for each in column["verdict"]]
    for name in (*TIMES, *PEAKS):
        rows[name] = np.array(column[name], dtype=float)
    for name in _WHOLE:
        rows[name] = column[name]
    return rows


def _check(column: Mapping[str, Sequence[Any]]) -> None:
    if not VERDICT_CODES.keys() >= set(column["verdict"]):
        raise Damaged("verdict")
    for name in _WHOLE:
        if not set(map(type, column[name])) <= {int}:
            raise Damaged(name)
    if min(column["candidate_id"]) < 0:
        raise Damaged("candidate_id")
    ids = column["measurement_id"]
    if not set(map(type, ids)) <= {str} or max(map(len, map(str.encode, ids))) > ID_BYTES:
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


_ORDER: Final = ("committed_at_unix_ms", "position", "id_place")
_WHOLE: Final = ("candidate_id", "committed_at_unix_ms", "position")
_TOLD: Final = select(
    measurements.c.measurement_id,
    # As they are stored: of thousands of rows little is made.
    type_coerce(measurements.c.verdict, String).label("verdict"),
    type_coerce(measurements.c.latency.is_not(None), Integer).label("has_latency"),
    type_coerce(measurements.c.memory.is_not(None), Integer).label("has_memory"),
    *(measurements.c[name] for name in (*TIMES, *PEAKS, *_WHOLE)),
)
_NAMES: Final = tuple(_TOLD.selected_columns.keys())
_OF_DEVICE: Final = measurements.c.device_id == bindparam("of_device")
_SINCE: Final = _TOLD.where(
    _OF_DEVICE,
    measurements.c.device_ordinal > bindparam("known"),
    measurements.c.is_newest.is_(True),
)
_UNTIL: Final = select(last_of_device(bindparam("of_device")))
_KEPT: Final = select(kept_figures).where(kept_figures.c.device_id == bindparam("of_device"))
_BEHIND: Final = select(
    devices.c.device_id,
    last_of_device(devices.c.device_id).label("last"),
    kept_figures.c.until_ordinal,
).outerjoin(kept_figures, kept_figures.c.device_id == devices.c.device_id)
_FORGET: Final = delete(kept_figures).where(kept_figures.c.device_id == bindparam("of_device"))
_KEEP: Final = insert(kept_figures)
