"""Measurements for an export: columns and raw samples of many rows, read as they are stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
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
from controller.state.measurements.pages import Place, order_after
from controller.state.schema import devices, jobs, measurements, repetitions
from controller.state.schema.columns import Document, Member, Samples, Sides

_DATASETS: Final = 16
_ROWS: Final = 2_000
_SAMPLES_BYTES: Final = 8_000_000
_AT_ONCE: Final = 200


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
class StoredPage:
    """Some measurements in the order of their commits.

    Many have jobs of the same kind, alike but for their devices: what is known of a kind is there
    once.

    Attributes:
        ids: of the measurements.
        columns: of the measurements, by the names of theirs, with `device` and `emulator`; texts
            are bytes where the database gives these.
        jobs: of the kinds of jobs, by the names of `beside_accuracy`; documents as texts.
        kinds: which of `jobs` each measurement has; None where what it belongs to is gone.
        packed: of their repetitions, `job_id` and `latency_ns` as it is stored, those of a job
            together and in their order; None where they are not wanted.
        last: behind which the next page begins; None where there is none.
    """

    ids: Sequence[str]
    columns: Mapping[str, Sequence[Any]]
    jobs: Mapping[str, Sequence[Any]]
    kinds: Sequence[int | None]
    packed: Mapping[str, Sequence[Any]] | None
    last: Place | None

    def samples(self) -> StoredSamples | None:
        """The samples of all rows; None where they are not wanted.

        Raises:
            ValueError: some cannot be read, or are such as no inference takes.
        """
        if self.packed is None:
            return None
        job_ids, packed = self.packed["job_id"], self.packed["latency_ns"]
        counts = Counter(job_ids)
        begins = {job_id: place for place, job_id in reversed(list(enumerate(job_ids)))}
        flat: list[Any] = []
        for job_id in self.columns["job_id"]:
            if job_id in counts:
                flat += packed[begins[job_id] : begins[job_id] + counts[job_id]]
        each_has = list(map(_sample_count, flat))
        values = np.frombuffer(b"".join(flat), dtype=Samples.PACKED)
        if values.size and values.max() >= 2**63:
            raise ValueError("a sample that no inference takes")
        return StoredSamples(
            values=values.astype(np.int64),
            repetition_ends=np.cumsum([0, *each_has], dtype=np.int32),
            row_ends=np.cumsum(
                [0, *(counts[each] for each in self.columns["job_id"])], dtype=np.int32
            ),
        )


def _sample_count(packed: Any) -> int:
    count, rest = divmod(len(packed), np.dtype(Samples.PACKED).itemsize)
    if rest or not isinstance(packed, (bytes, memoryview)):
        raise ValueError("samples")
    return count


def read_stored(database: Database, wanted: MeasurementFilter, after: Place | None) -> StoredPage:
    """The next measurements that the filter lets through: so many that memory holds them."""
    with database.transaction() as transaction:
        found = _columns(transaction.execute(_following(wanted, after)))
        following = len(found["job_id"])
        count = min(following, _ROWS)
        packed = None
        if wanted.with_samples:
            count = _fitting(found["samples_bytes"][:count])
            job_ids = found["job_id"][:count]
            packed = _columns(transaction.execute(_RAW, {"job_ids": job_ids}))
        found = {name: column[:count] for name, column in found.items()}
        told, kinds = _kinds(transaction, found, wanted.accuracy_dataset)
    return StoredPage(
        ids=found["measurement_id"],
        columns=found,
        jobs=told,
        kinds=kinds,
        packed=packed,
        last=_last(found) if count < following else None,
    )


def _last(found: Mapping[str, Sequence[Any]]) -> Place:
    return Place(**{each.name: found[each.name][-1] for each in fields(Place)})


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


# What jobs may differ in that what is known of them depends on.
_OF_KIND: Final = tuple(
    _Text(jobs.c[name]).label(f"kind_{name}")
    for name in (
        *("sweep_id", "backbone", "format", "precision", "target", "input_size", "batch"),
        *("conversion_key", "settings"),
    )
)
_OWN: Final = (
    measurements.c.busy_threads,
    measurements.c.measured_at_unix_ms,
    *(
        _Text(measurements.c[name]).label(name)
        for name in (
            *("verdict", "reasons", "runtime_version", "runtime_build", "affinity", "latency"),
            *("memory", "outputs", "paced", "energy", "delegation"),
        )
    ),
    _Text(devices.c.name).label("device"),
    _Text(func.coalesce(emulator_told().element, "")).label("emulator"),
)


_SAMPLES_SIZE: Final = (
    select(func.coalesce(func.sum(func.length(repetitions.c.latency_ns)), 0))
    .where(repetitions.c.job_id == measurements.c.job_id)
    .scalar_subquery()
    .label("samples_bytes")
)


def _following(wanted: MeasurementFilter, after: Place | None) -> Select[Any]:
    """What is there of measurements and their jobs, of one more than are read."""
    return (
        order_after(wanted, after, _ROWS + 1)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(devices, devices.c.device_id == jobs.c.device_id)
        .where(jobs.c.is_sentinel.is_(False))
        .add_columns(*_OWN, *_OF_KIND, *([_SAMPLES_SIZE] if wanted.with_samples else []))
    )


def _kinds(
    transaction: Transaction, found: Mapping[str, Sequence[Any]], dataset: str
) -> tuple[Mapping[str, Sequence[Any]], list[int | None]]:
    """What is known of each kind of job, and of which kind each is."""
    numbers: dict[tuple[Any, ...], int] = {}
    # Any job of a kind says it for all.
    job_of: list[str] = []
    kinds: list[int] = []
    keys = zip(*(found[each.key] for each in _OF_KIND), strict=True)
    for key, job_id in zip(keys, found["job_id"], strict=True):
        number = numbers.setdefault(key, len(numbers))
        if number == len(job_of):
            job_of.append(job_id)
        kinds.append(number)
    told = _columns(transaction.execute(_stored(dataset), {"job_ids": job_of}))
    place_of_job = {job_id: place for place, job_id in enumerate(told["job_id"])}
    places = [place_of_job.get(job_id) for job_id in job_of]
    return told, [places[number] for number in kinds]


def _columns(result: Result[Any]) -> dict[str, list[Any]]:
    """All rows; of a few at a time, else the collector of garbage looks at every one again."""
    names = result.keys()
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for some in result.partitions(_AT_ONCE):
        for column, values in zip(columns.values(), zip(*some, strict=True), strict=True):
            column.extend(values)
    return columns


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first are together no larger than may be; one in any case."""
    return min(
        len(sizes), max(1, int(np.searchsorted(np.cumsum(sizes), _SAMPLES_BYTES, side="right")))
    )


_RAW: Final = (
    select(repetitions.c.job_id, type_coerce(repetitions.c.latency_ns, NullType))
    .where(repetitions.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .order_by(repetitions.c.job_id, repetitions.c.ordinal)
)


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
