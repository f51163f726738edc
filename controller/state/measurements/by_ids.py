"""Measurements by their ids; what those of a candidate in a sweep have alike is read once.

A sweep measures the same on many devices: how, of which file, beside which accuracy is most of what
is told of a measurement, and takes most of the time to be read.
"""

import threading
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import Select, bindparam, select

from controller.domain.measurements import Measurement, MeasurementFilter
from controller.state.database import Database, Transaction
from controller.state.devices.emulators import emulator_told
from controller.state.measurements import beside_accuracy, ended, measurements_of
from controller.state.measurements.recording import CONCLUDED
from controller.state.measurements.stamps import Stamp, accuracy_stamp
from controller.state.schema import artifacts, devices, jobs, measurements
from models.catalog.catalog import IMAGENET

_AT_ONCE: Final = 500
_DATASETS: Final = 16
# Each takes about 2 KB.
_MOST_KINDS: Final = 10_000

Kind: TypeAlias = tuple[str, int, str]
"""Of what measurements have alike: the dataset of the accuracy, the candidate, the sweep."""
Alike: TypeAlias = MutableMapping[Kind, Mapping[str, Any]]
"""What measurements of each kind have alike, by the names of `beside_accuracy`."""


class KnownKinds:
    """What is known of kinds while accuracies stay as they are; for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._stamp: Stamp = ()
        self._alike: Alike = {}

    def at(self, stamp: Stamp) -> Alike:
        """What was read while accuracies were as a stamp says, for who reads to add to."""
        with self._lock:
            if stamp != self._stamp or len(self._alike) > _MOST_KINDS:
                self._stamp, self._alike = stamp, {}
            return self._alike

    def now(self) -> Alike:
        """The same, of accuracies as they are now."""
        return self.at(accuracy_stamp(self._database))


def find_measurements(
    database: Database,
    measurement_ids: Sequence[str],
    wanted: MeasurementFilter,
    alike: Alike | None = None,
) -> dict[str, Measurement]:
    """Those of these measurements that can be read, by their ids, beside the filter's accuracy.

    What is known `alike` of them is not read, and what is read is added to it.
    """
    found: dict[str, Measurement] = {}
    with database.transaction() as transaction:
        for start in range(0, len(measurement_ids), _AT_ONCE):
            some = measurement_ids[start : start + _AT_ONCE]
            found |= read_by_ids(transaction, some, wanted, {} if alike is None else alike)
    return found


def read_by_ids(
    transaction: Transaction,
    measurement_ids: Sequence[str],
    wanted: MeasurementFilter,
    alike: Alike,
) -> dict[str, Measurement]:
    """As `find_measurements`, of fewer than a database takes in one statement."""
    dataset, lacking = wanted.accuracy_dataset, measurement_ids
    found: dict[str, Measurement] = {}
    if alike:
        told, lacking = _of_known(transaction, measurement_ids, dataset, alike)
        found = _by_id(transaction, told, wanted)
    if lacking:
        rows = transaction.execute(_whole(dataset), {"ids": lacking}).mappings().all()
        read = _by_id(transaction, rows, wanted)
        for row in rows:
            # Of what cannot be read nobody learns.
            if row["measurement_id"] in read:
                kind = (dataset, row["candidate_id"], row["sweep_id"])
                alike[kind] = {name: row[name] for name in _ALIKE}
        found |= read
    return found


def _of_known(
    transaction: Transaction, measurement_ids: Sequence[str], dataset: str, alike: Alike
) -> tuple[list[Any], list[str]]:
    """Rows as `_whole` has them of those whose kinds are known, and the ids of the others."""
    result = transaction.execute(_OWN, {"ids": measurement_ids})
    names = tuple(result.keys())
    rows, lacking = [], []
    for each in result:
        own = dict(zip(names, each, strict=True))
        kind = alike.get((dataset, own["candidate_id"], own["sweep_id"]))
        if kind is None:
            lacking.append(own["measurement_id"])
        else:
            rows.append({**kind, **own})
    return rows, lacking


def _by_id(
    transaction: Transaction, rows: Sequence[Any], wanted: MeasurementFilter
) -> dict[str, Measurement]:
    return {each.measurement_id: each for each in measurements_of(transaction, rows, wanted)}


_THESE: Final = (
    measurements.c.measurement_id.in_(bindparam("ids", expanding=True)),
    jobs.c.is_sentinel.is_(False),
)


@lru_cache(maxsize=_DATASETS)
def _whole(dataset: str) -> Select[Any]:
    """All that is told of measurements; put together once, which takes as long as asking it."""
    return ended(dataset).add_columns(measurements.c.candidate_id).where(*_THESE)


# A file may be compared with something else since, or be made anew.
_OWN: Final = (
    select(
        measurements.c.measurement_id,
        measurements.c.job_id,
        measurements.c.sweep_id,
        measurements.c.candidate_id,
        devices.c.name.label("device"),
        emulator_told(),
        artifacts.c.sha256,
        artifacts.c.size_bytes,
        artifacts.c.weights,
        artifacts.c.weights_digest,
        artifacts.c.max_relative_difference,
        artifacts.c.checked_through,
        artifacts.c.output_tolerance,
        *(measurements.c[name] for name in CONCLUDED),
    )
    .select_from(measurements)
    .join(jobs, jobs.c.job_id == measurements.c.job_id)
    .join(devices, devices.c.device_id == measurements.c.device_id)
    .outerjoin(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
    .where(*_THESE)
)
_OWN_NAMES: Final = frozenset(each.key for each in _OWN.selected_columns)
_ALIKE: Final = tuple(
    each.key for each in beside_accuracy(IMAGENET).selected_columns if each.key not in _OWN_NAMES
)
