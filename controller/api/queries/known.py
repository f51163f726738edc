"""What ranking needs of devices: kept in columns while nothing new is measured there."""

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from controller.api.queries.kinds import RememberedKinds
from controller.api.queries.meant import told_of_device
from controller.api.queries.remembering import Remembered
from controller.domain.devices import Device
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Constraints
from controller.domain.rankings.rows import table_of
from controller.fleet.rounds.concluding import conclude_so_far
from controller.ranking.entries.columns import Codes, Columns
from controller.ranking.entries.making import Things, columns_of, columns_of_rows, things_of
from controller.ranking.ranking import DatasetAccuracy, columns_to_rank
from controller.ranking.standing.judging import DeviceColumns, in_scope
from controller.state.catalog.accuracy import known_top1
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.measurements.candidates import (
    Candidates,
    Damaged,
    read_candidates,
)
from controller.state.measurements.figures import read_figures
from controller.state.measurements.pages import find_measurements, list_newest
from controller.state.measurements.stamps import (
    Stamp,
    accuracy_stamp,
    counts_by_device,
    devices_underway,
)
from controller.state.rounds.underway import list_underway
from models.catalog.catalog import Catalog

# A candidate takes about 300 bytes, 64 more where every merit was asked for; 1,000 whole
# measurements about 4 MB.
_MOST_CANDIDATES: Final = 1_500_000
_MOST_WHOLE: Final = 10_000

AnswerT = TypeVar("AnswerT")
Key: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A device as it stands when something is asked of it.

    Attributes:
        device: which one.
        stamp: another one where something was measured there since, or an accuracy changed.
        is_settled: whether nothing of it is measured now, of which figures so far would be told.
    """

    device: Device
    stamp: Stamp
    is_settled: bool


class _KnownThings:
    """What candidates are, read once for all devices while no accuracy changes."""

    def __init__(self, database: Database, dataset: str) -> None:
        self._database = database
        self._dataset = dataset
        self._lock = threading.Lock()
        self._told = Candidates()
        self._things = things_of(self._told.table, ())

    def of(self, candidate_ids: Codes) -> Things:
        """What these are, and others.

        Raises:
            Damaged: something of one cannot be read.
        """
        with self._lock:
            lacking = self._things.lacking(candidate_ids)
            if len(lacking):
                with self._database.transaction() as transaction:
                    read = read_candidates(transaction, lacking.tolist(), self._dataset)
                told = self._told = self._told.joined(read)
                self._things = things_of(told.table, told.ids, told.sentinels)
            return self._things


class DamagedRow(Exception):
    """A row that was to be told of cannot be read; what is asked again leaves it out."""


class KnownDevices:
    """Columns of devices as they stand, from memory or read; for several threads."""

    def __init__(
        self, database: Database, catalog: Catalog, kinds: RememberedKinds | None = None
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._kinds = kinds or RememberedKinds(database)
        self._published: Remembered[DatasetAccuracy] = Remembered(8)
        self._columns: Remembered[Columns] = Remembered(_MOST_CANDIDATES)
        self._whole: Remembered[Measurement] = Remembered(_MOST_WHOLE)
        self._things: Remembered[_KnownThings] = Remembered(8)
        self._damaged: dict[str, Stamp] = {}

    def standing(self, devices: Sequence[Device]) -> list[Standing]:
        """How devices stand now."""
        only = devices[0].device_id if len(devices) == 1 else None
        accuracy = accuracy_stamp(self._database)
        counts = counts_by_device(self._database, only)
        underway = devices_underway(self._database, only)
        return [
            Standing(
                each,
                (*accuracy, counts.get(each.device_id, 0)),
                each.device_id not in underway,
            )
            for each in devices
        ]

    def accuracy(self, now: Standing, dataset: str) -> DatasetAccuracy:
        """The top-1 of each backbone as it comes."""
        stamp = now.stamp[:-1]
        known = self._published.get(dataset, stamp)
        if known is None:
            known = DatasetAccuracy(dataset, known_top1(self._database, dataset, self._catalog))
            self._published.put(dataset, stamp, known)
        return known

    def answered(self, answer: Callable[[], AnswerT]) -> AnswerT:
        """What is answered by columns; where rows are damaged, by those that can be read."""
        found = _tried(answer)
        while isinstance(found, DamagedRow):
            # Its device is read whole from now on, so that it is not found again.
            found = _tried(answer)
        return found

    def columns(self, now: Standing, constraints: Constraints, dataset: str) -> DeviceColumns:
        """What a ranking under constraints needs of a device, for who asks by `answered`."""
        device = now.device
        wanted = MeasurementFilter(device=device.name, accuracy_dataset=dataset)
        runtimes = tuple(info.runtime for info in device.profile.working_runtimes)
        # As if they were the oldest: they count only where there is nothing else.
        underway = [] if now.is_settled else list_underway(self._database, wanted, conclude_so_far)
        # Whether a minute or a clock has figures is not known before it is read.
        is_deep = constraints.at_minute is not None or constraints.paced_fps is not None
        columns = None if is_deep else self._newest(now, dataset)
        if columns is None:
            read = list_measurements if is_deep else list_newest
            every = [*underway, *read(self._database, wanted)]
            return columns_to_rank(device.name, every, constraints, runtimes)
        if underway:
            columns = columns_of(table_of(underway), columns)
        return DeviceColumns(
            device=device.name,
            columns=columns,
            rows=in_scope(columns, constraints),
            whole=StoredRows(self, now, dataset, told_of_device(device), columns, underway),
            runtimes=runtimes,
        )

    def _newest(self, now: Standing, dataset: str) -> Columns | None:
        """What ranking needs of the newest; None where something of it is damaged."""
        device = now.device
        if self._damaged.get(device.device_id) == now.stamp:
            return None
        accuracy = now.stamp[:-1]
        # Of another accuracy, every row may differ.
        key = (*told_of_device(device), dataset, accuracy)
        known = self._columns.get(key, now.stamp)
        if known is not None:
            return known
        things = self._things.get(dataset, accuracy)
        if things is None:
            things = _KnownThings(self._database, dataset)
            self._things.put(dataset, accuracy, things)
        try:
            columns = self._read(device, things)
        except Damaged:
            self._damaged[device.device_id] = now.stamp
            return None
        self._columns.put(key, now.stamp, columns, weight=1 + len(columns))
        return columns

    def _read(self, device: Device, things: "_KnownThings") -> Columns:
        """Columns of a device, of which only what came since is read row by row.

        Raises:
            Damaged: something of it cannot be read.
        """
        figures = read_figures(self._database, device.device_id)
        known = things.of(figures.rows["candidate_id"])
        is_emulated = bool(device.profile.emulator)
        return columns_of_rows(figures.rows, known, is_emulated=is_emulated)

    def fetch(self, told: Sequence[tuple[DeviceColumns, Sequence[int]]], dataset: str) -> None:
        """Reads measurements of rows of several devices together, for who asks for them next."""
        wanted: dict[str, StoredRows] = {}
        for each, rows in told:
            if isinstance(each.whole, StoredRows):
                wanted |= each.whole.lacking(rows)
        self.read(wanted, dataset)

    def read(self, wanted: Mapping[str, "StoredRows"], dataset: str) -> Mapping[str, Measurement]:
        """Reads measurements by their ids, each of a device; gives those that can be read."""
        asked = MeasurementFilter(accuracy_dataset=dataset)
        kinds = self._kinds.beside(dataset)
        read = find_measurements(self._database, list(wanted), asked, kinds)
        for each, found in read.items():
            of_device = wanted[each]
            self._whole.put(of_device.key(each), of_device.now.stamp[:-1], found)
        return read

    def made(self, key: Key, now: Standing) -> Measurement | None:
        """The measurement that was fetched."""
        return self._whole.get(key, now.stamp[:-1])

    def damaged(self, now: Standing) -> None:
        """Reads a device whole from now on."""
        self._damaged[now.device.device_id] = now.stamp


@dataclass(frozen=True, slots=True, eq=False)
class StoredRows:
    """Makes measurements of a device's rows, those underway among them.

    Attributes:
        known: what remembers them.
        now: the device.
        dataset: whose accuracy stands with them.
        told: what is told of the device beside what was measured there.
        columns: of the device.
        underway: what is measured now.
    """

    known: KnownDevices
    now: Standing
    dataset: str
    told: Key
    columns: Columns
    underway: Sequence[Measurement]

    def lacking(self, rows: Sequence[int]) -> dict[str, "StoredRows"]:
        """Ids of what has to be read, each with these rows."""
        ids = self._ids(rows)
        return dict.fromkeys(set(ids).difference(self._made(ids)), self)

    def __call__(self, rows: Sequence[int]) -> list[Measurement]:
        """Measurements of rows.

        Raises:
            DamagedRow: one cannot be read.
        """
        ids = self._ids(rows)
        made = self._made(ids)
        # Not asked of memory again: others may have filled it meanwhile.
        lacking = [each for each in ids if each not in made]
        if lacking:
            made |= self.known.read(dict.fromkeys(lacking, self), self.dataset)
        if not made.keys() >= set(ids):
            self.known.damaged(self.now)
            raise DamagedRow
        return [made[each] for each in ids]

    def key(self, measurement_id: str) -> Key:
        """Under what a measurement is remembered."""
        return (*self.told, self.dataset, measurement_id)

    def _ids(self, rows: Sequence[int]) -> list[str]:
        return self.columns.measurement_ids(rows)

    def _made(self, ids: Sequence[str]) -> dict[str, Measurement]:
        """Those of the ids that need not be read."""
        remembered = ((each, self.known.made(self.key(each), self.now)) for each in ids)
        found = {each: made for each, made in remembered if made is not None}
        return found | {each.measurement_id: each for each in self.underway}


def _tried(answer: Callable[[], AnswerT]) -> AnswerT | DamagedRow:
    try:
        return answer()
    except DamagedRow as damaged:
        return damaged
