"""Measurements for an export: columns and raw samples of many rows, read as they are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    bindparam,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from controller.domain.measurements import MeasurementFilter
from controller.state.database import Database
from controller.state.measurements import ended
from controller.state.measurements.pages import Place, order_after, place_of
from controller.state.schema import jobs, measurements, repetitions
from controller.state.schema.columns import Document, Member, Samples, Sides

_DATASETS: Final = 16
_ROWS: Final = 2_000
_SAMPLES_BYTES: Final = 8_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSamples:
    """Raw latencies, ns, as `values` in the order of rows and their repetitions.

    Attributes:
        values: all of them.
        repetition_ends: where each repetition's end, the first beginning at 0.
        row_ends: in how many repetitions each row's end.
    """

    values: npt.NDArray[np.int64]
    repetition_ends: Sequence[int]
    row_ends: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """Some measurements in the order of their commits.

    Attributes:
        ids: of the measurements.
        columns: by the names of `ended`; documents as texts.
        packed: by job the samples of its repetitions, as they are stored; None where they are not
            wanted.
        last: behind which the next page begins; None where there is none.
    """

    ids: Sequence[str]
    columns: Mapping[str, Sequence[Any]]
    packed: Mapping[str, Sequence[Any]] | None
    last: Place | None

    def samples(self) -> StoredSamples | None:
        """The samples of all rows; None where they are not wanted.

        Raises:
            ValueError: some cannot be read, or are such as no inference takes.
        """
        if self.packed is None:
            return None
        of_jobs = self.packed
        every = [of_jobs.get(each, ()) for each in self.columns.get("job_id", ())]
        flat = [packed for each in every for packed in each]
        each_has = [_sample_count(packed) for packed in flat]
        values = np.frombuffer(b"".join(flat), dtype=Samples.PACKED)
        if values.size and values.max() >= 2**63:
            raise ValueError("a sample that no inference takes")
        return StoredSamples(
            values=values.astype(np.int64),
            repetition_ends=np.cumsum([0, *each_has]).tolist(),
            row_ends=np.cumsum([0, *map(len, every)]).tolist(),
        )


def _sample_count(packed: Any) -> int:
    count, rest = divmod(len(packed), np.dtype(Samples.PACKED).itemsize)
    if rest or not isinstance(packed, (bytes, memoryview)):
        raise ValueError("samples")
    return count


def read_stored(database: Database, wanted: MeasurementFilter, after: Place | None) -> StoredPage:
    """The next measurements that the filter lets through: so many that memory holds them."""
    with database.transaction() as transaction:
        following = transaction.execute(order_after(wanted, after, _ROWS + 1)).all()
        places = following[:_ROWS]
        job_ids = [each.job_id for each in places]
        raw: Sequence[Any] = ()
        if wanted.with_samples and places:
            sizes = dict(transaction.execute(_SIZES, {"job_ids": job_ids}).tuples().all())
            places = places[: _fitting([sizes.get(each, 0) for each in job_ids])]
            job_ids = [each.job_id for each in places]
            raw = transaction.execute(_RAW, {"job_ids": job_ids}).all()
        ids = [each.measurement_id for each in places]
        rows = (
            transaction.execute(_stored(wanted.accuracy_dataset), {"ids": ids}).all() if ids else []
        )
    names = _stored(wanted.accuracy_dataset).selected_columns.keys()
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    last = places[-1] if len(places) < len(following) else None
    return StoredPage(
        ids=columns.get("measurement_id", ()),
        columns=columns,
        packed=_by_job(raw) if wanted.with_samples else None,
        last=None if last is None else place_of(last),
    )


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first are together no larger than may be; one in any case."""
    return max(1, int(np.searchsorted(np.cumsum(sizes), _SAMPLES_BYTES, side="right")))


_OF_JOBS = repetitions.c.job_id.in_(bindparam("job_ids", expanding=True))
_SIZES: Final = (
    select(repetitions.c.job_id, func.sum(func.length(repetitions.c.latency_ns)))
    .where(_OF_JOBS)
    .group_by(repetitions.c.job_id)
)
_RAW: Final = (
    select(repetitions.c.job_id, type_coerce(repetitions.c.latency_ns, NullType))
    .where(_OF_JOBS)
    .order_by(repetitions.c.job_id, repetitions.c.ordinal)
)


@lru_cache(maxsize=_DATASETS)
def _stored(dataset: str) -> Select[Any]:
    """As `ended`, by `ids`, with columns as they are stored."""
    found = ended(dataset)
    columns = [_as_stored(column) for column in found.selected_columns]
    return (
        found.with_only_columns(*columns)
        .where(
            measurements.c.measurement_id.in_(bindparam("ids", expanding=True)),
            jobs.c.is_sentinel.is_(False),
        )
        .order_by(
            measurements.c.committed_at_unix_ms,
            measurements.c.position,
            measurements.c.measurement_id,
        )
    )


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_made = isinstance(column.type, (Document, Member, Sides))
    return type_coerce(column, String).label(column.key) if is_made else column


def _by_job(rows: Sequence[Any]) -> dict[str, list[Any]]:
    of_jobs: dict[str, list[Any]] = {}
    for job_id, packed in rows:
        of_jobs.setdefault(job_id, []).append(packed)
    return of_jobs
