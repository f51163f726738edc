"""What measurements of one kind have alike, kept in memory: what was measured, in which sweep.

Thousands on each device are told of the same few things, which take seven tables to find out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import RowMapping, Select, bindparam

from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.database import Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements import beside_accuracy, measurements_of
from controller.state.measurements.making import OWN, told_of_job
from controller.state.measurements.recording import CONCLUDED
from controller.state.schema import devices, jobs, measurements
from controller.state.schema.columns import Unreadable

Kind: TypeAlias = tuple[int, str]
"""A candidate, and a sweep that measured it."""

_AT_ONCE: Final = 500
_DATASETS: Final = 16


@dataclass(frozen=True, slots=True)
class Told:
    """What jobs of a kind tell, by the fields of a measurement."""

    fields: Mapping[str, Any]
    is_sentinel: bool


class Kept(Protocol):
    """What is remembered of kinds, which may forget any."""

    def get(self, kind: Kind) -> Told | None:
        """What was kept of a kind."""

    def put(self, kind: Kind, told: Told) -> None:
        """Keeps what there is to tell of one."""


class KnownKinds:
    """What kinds tell beside the accuracy on one dataset, while none changes; for several threads.

    What cannot be read is not kept.
    """

    def __init__(self, dataset: str, kept: Kept | None = None) -> None:
        self._dataset = dataset
        self._kept = kept

    def of(self, transaction: Transaction, rows: Sequence[RowMapping]) -> Mapping[Kind, Told]:
        """What there is to tell of rows of `with_own`, by their kinds."""
        # Any job of a kind says it for all.
        job_of = {kind_of(row): row["job_id"] for row in rows}
        kept = self._kept
        known = () if kept is None else ((kind, kept.get(kind)) for kind in job_of)
        found = {kind: told for kind, told in known if told is not None}
        lacking = {job_id: kind for kind, job_id in job_of.items() if kind not in found}
        for kind, told in self._read(transaction, lacking):
            found[kind] = told
            if kept is not None:
                kept.put(kind, told)
        return found

    def _read(
        self, transaction: Transaction, lacking: Mapping[str, Kind]
    ) -> Iterator[tuple[Kind, Told]]:
        ids = list(lacking)
        for start in range(0, len(ids), _AT_ONCE):
            some = {"job_ids": ids[start : start + _AT_ONCE]}
            for row in transaction.execute(_of_jobs(self._dataset), some).mappings():
                if not any(isinstance(each, Unreadable) for each in row.values()):
                    told = Told(told_of_job(row, self._dataset), row["is_sentinel"])
                    yield lacking[row["job_id"]], told


def kind_of(row: RowMapping) -> Kind:
    """The kind of a row of `with_own`."""
    return row["candidate_id"], row["sweep_id"]


def with_own(query: Select[Any]) -> Select[Any]:
    """A query of measurements with all that each has of its own.

    Outer, so that it is the order of measurements in which they are looked at.
    """
    there = query.selected_columns.keys()
    return query.outerjoin(devices, devices.c.device_id == measurements.c.device_id).add_columns(
        *(measurements.c[name] for name in _OF_MEASUREMENTS if name not in there),
        devices.c.name.label("device"),
        emulator_told(),
    )


def whole_of(
    transaction: Transaction,
    rows: Sequence[RowMapping],
    wanted: MeasurementFilter,
    known: KnownKinds,
) -> list[Measurement] | None:
    """Whole measurements of rows of `with_own`, those of sentinels left out.

    None where something of a kind cannot be read: whoever reads the rows by `ended` is told what.
    """
    told = known.of(transaction, rows)
    if not told.keys() >= set(map(kind_of, rows)):
        return None
    asked = [row for row in rows if not told[kind_of(row)].is_sentinel]

    def told_of(row: RowMapping, _dataset: str) -> Mapping[str, Any]:
        return told[kind_of(row)].fields

    return list(measurements_of(transaction, asked, wanted, told_of))


_OF_MEASUREMENTS: Final = (
    "candidate_id",
    *(name for name in OWN if name in measurements.c),
    *CONCLUDED,
)


@lru_cache(maxsize=_DATASETS)
def _of_jobs(dataset: str) -> Select[Any]:
    """Put together once, which takes as long as asking it."""
    these = jobs.c.job_id.in_(bindparam("job_ids", expanding=True))
    return beside_accuracy(dataset).where(these)
