"""Measurements for an export: columns and raw samples of many rows, read as they are stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from itertools import accumulate, compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Result, Select, String, bindparam, func, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from controller.domain.measurements import MeasurementFilter
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements import beside_accuracy
from controller.state.measurements.pages import Place, order_after, order_until
from controller.state.schema import devices, jobs, measurements, repetitions
from controller.state.schema.columns import Document, Member, Samples, Sides

_DATASETS: Final = 16
_ROWS: Final = 2_000
_SAMPLES_BYTES: Final = 8_000_000
_AT_ONCE: Final = 200
# Repetitions read at once: each may have 200,000 samples, of 8 bytes.
_FEW: Final = 16
_PART_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSamples:
    """Raw latencies, ns, as `values` in the order of rows and their repetitions.

    Attributes:
        values: all of them.
        repetition_ends: where each repetition's end, the first beginning at 0.
        row_ends: in how many repetitions each row's end.
    """

    values: npt.NDArray[np.int64]
    repetition_ends: npt.NDArray[np.int32]
    row_ends: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Raw latencies as they are stored.

    Attributes:
        repetitions: of all rows, those of a row together and in their order.
        counts: how many of these each row has.
    """

    repetitions: Sequence[Any]
    counts: Sequence[int]

    def samples(self) -> StoredSamples:
        """The samples of all rows.

        Raises:
            ValueError: some cannot be read, or are such as no inference takes.
        """
        each_has = list(map(_sample_count, self.repetitions))
        values = np.frombuffer(b"".join(self.repetitions), dtype=Samples.PACKED)
        if values.size and values.max() >= 2**63:
            raise ValueError("a sample that no inference takes")
        return StoredSamples(
            values=values.astype(np.int64),
            repetition_ends=np.cumsum([0, *each_has], dtype=np.int32),
            row_ends=np.cumsum([0, *self.counts], dtype=np.int32),
        )

    def of_rows(self, are_kept: Sequence[bool]) -> "Packed":
        """Those of some rows."""
        ends = list(accumulate(self.counts))
        kept = compress(zip(ends, self.counts, strict=True), are_kept)
        return Packed(
            repetitions=[
                each for end, count in kept for each in self.repetitions[end - count : end]
            ],
            counts=list(compress(self.counts, are_kept)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """Some measurements in the order of their commits.

    Many are of the same kind, of one candidate in one sweep: what is known of a kind is there once.

    Attributes:
        ids: of the measurements.
        columns: of the measurements, by the names of theirs, with `device` and `emulator`; texts
            are bytes where the database gives these.
        jobs: of the kinds of jobs, by the names of `beside_accuracy`; documents as texts.
        kinds: which of `jobs` each measurement has; None where what it belongs to is gone.
        packed: their raw latencies; None where they are not wanted.
        last: behind which the next page begins; None where there is none.
    """

    ids: Sequence[str]
    columns: Mapping[str, Sequence[Any]]
    jobs: Mapping[str, Sequence[Any]]
    kinds: Sequence[int | None]
    packed: Packed | None
    last: Place | None


def _sample_count(packed: Any) -> int:
    if not isinstance(packed, bytes | memoryview):
        raise ValueError("samples")
    count, rest = divmod(len(packed), _SAMPLE_BYTES)
    if rest:
        raise ValueError("samples")
    return count


_SAMPLE_BYTES: Final = np.dtype(Samples.PACKED).itemsize


def read_stored(database: Database, wanted: MeasurementFilter, after: Place | None) -> StoredPage:
    """The next measurements that the filter lets through: so many that memory holds them.

    A page may be empty though another follows.
    """
    with database.transaction() as transaction:
        found = _columns(transaction.execute(_following(wanted, after)))
        following = len(found["job_id"])
        count = min(following, _ROWS)
        packed = None
        if wanted.with_samples and count:
            found = {name: column[:count] for name, column in found.items()}
            packed = _packed(transaction, wanted, after, found)
            count = len(packed.counts)
        found = {name: column[:count] for name, column in found.items()}
        told, kinds = _kinds(transaction, found, wanted.accuracy_dataset)
        found |= _of_devices(transaction, found["device_id"])
    last = _last(found) if count < following else None
    are_asked = [kind is None or not told["is_sentinel"][kind] for kind in kinds]
    if not all(are_asked):
        found = {name: list(compress(column, are_asked)) for name, column in found.items()}
        kinds = list(compress(kinds, are_asked))
        packed = packed and packed.of_rows(are_asked)
    return StoredPage(
        ids=found["measurement_id"],
        columns=found,
        jobs=told,
        kinds=kinds,
        packed=packed,
        last=last,
    )


def _last(found: Mapping[str, Sequence[Any]]) -> Place:
    return Place(**{each.name: found[each.name][-1] for each in fields(Place)})


def _packed(
    transaction: Transaction,
    wanted: MeasurementFilter,
    after: Place | None,
    found: Mapping[str, Sequence[Any]],
) -> Packed:
    """The samples of as many of the first rows as memory holds; of one in any case."""
    rows = {job_id: row for row, job_id in enumerate(found["job_id"])}
    counts = [0] * len(rows)
    flat: list[Any] = []
    size_bytes, begun = 0, -1
    result = transaction.execute(_raw(wanted, after, _last(found)))
    for job_id, stored in _few_at_once(result):
        row = rows.get(job_id)
        # What was written between both questions is none of these.
        if row is None:
            continue
        if row != begun and size_bytes > _SAMPLES_BYTES:
            result.close()
            return Packed(repetitions=flat, counts=counts[:row])
        begun = row
        flat.append(stored)
        counts[row] += 1
        size_bytes += len(stored) if isinstance(stored, bytes) else 0
    return Packed(repetitions=flat, counts=counts)


def _few_at_once(result: Result[Any]) -> Iterator[Any]:
    """Rows whose last value may be large, more of them at once where it was small before."""
    count = _FEW
    while some := result.fetchmany(count):
        yield from some
        largest = max(len(each[-1]) if isinstance(each[-1], bytes) else 0 for each in some)
        count = _AT_ONCE if largest * _AT_ONCE <= _PART_BYTES else _FEW


class _Text(FunctionElement[Any]):
    """A column's text, as fast as the database gives it."""

    inherit_cache = True
    type = NullType()


@compiles(_Text)
def _text(element: _Text, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS TEXT)"


@compiles(_Text, "sqlite")
def _bytes(element: _Text, compiler: Any, **options: Any) -> str:
    # Of bytes there is no Python object to be made by a call for each.
    return f"CAST({compiler.process(element.clauses, **options)} AS BLOB)"


_OWN: Final = (
    measurements.c.candidate_id,
    measurements.c.sweep_id,
    measurements.c.device_id,
    measurements.c.busy_threads,
    measurements.c.measured_at_unix_ms,
    *(
        _Text(measurements.c[name]).label(name)
        for name in (
            *("verdict", "reasons", "runtime_version", "runtime_build", "affinity", "latency"),
            *("memory", "outputs", "paced", "energy", "delegation"),
        )
    ),
)
_DEVICES: Final = select(
    devices.c.device_id,
    _Text(devices.c.name).label("device"),
    _Text(func.coalesce(emulator_told().element, "")).label("emulator"),
).where(devices.c.device_id.in_(bindparam("device_ids", expanding=True)))


def _following(wanted: MeasurementFilter, after: Place | None) -> Select[Any]:
    """What is there of measurements, of one more than are read."""
    return order_after(wanted, after, _ROWS + 1).add_columns(*_OWN)


def _raw(wanted: MeasurementFilter, after: Place | None, last: Place) -> Select[Any]:
    """Samples as they are stored, in the order of measurements up to the last one."""
    return (
        order_until(wanted, after, last)
        .join(repetitions, repetitions.c.job_id == measurements.c.job_id)
        .add_columns(type_coerce(repetitions.c.latency_ns, NullType))
        .order_by(repetitions.c.ordinal)
    )


def _kinds(
    transaction: Transaction, found: Mapping[str, Sequence[Any]], dataset: str
) -> tuple[Mapping[str, Sequence[Any]], list[int | None]]:
    """What is known of each kind of job, and of which kind each is."""
    keys = list(zip(found["candidate_id"], found["sweep_id"], strict=True))
    # Any job of a kind says it for all.
    job_of = dict(zip(keys, found["job_id"], strict=True))
    told = _columns(transaction.execute(_stored(dataset), {"job_ids": list(job_of.values())}))
    place_of_job = {job_id: place for place, job_id in enumerate(told["job_id"])}
    places = {key: place_of_job.get(job_id) for key, job_id in job_of.items()}
    return told, [places[key] for key in keys]


def _of_devices(transaction: Transaction, device_ids: Sequence[str]) -> dict[str, list[Any]]:
    """The columns `device` and `emulator`; None of a device that is gone."""
    told = transaction.execute(_DEVICES, {"device_ids": list(set(device_ids))}).all()
    names = {each.device_id: each.device for each in told}
    emulators = {each.device_id: each.emulator for each in told}
    return {
        "device": [names.get(each) for each in device_ids],
        "emulator": [emulators.get(each) for each in device_ids],
    }


def _columns(result: Result[Any]) -> dict[str, list[Any]]:
    """All rows; of a few at a time, else the collector of garbage looks at every one again."""
    names = result.keys()
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for some in result.partitions(_AT_ONCE):
        for column, values in zip(columns.values(), zip(*some, strict=True), strict=True):
            column.extend(values)
    return columns


@lru_cache(maxsize=_DATASETS)
def _stored(dataset: str) -> Select[Any]:
    """As `beside_accuracy`, by `job_ids`, with columns as they are stored."""
    found = beside_accuracy(dataset)
    columns = [_as_stored(column) for column in found.selected_columns]
    these = jobs.c.job_id.in_(bindparam("job_ids", expanding=True))
    return found.with_only_columns(*columns).where(these)


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_made = isinstance(column.type, (Document, Member, Sides))
    return type_coerce(column, String).label(column.key) if is_made else column
