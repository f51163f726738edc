"""What ranking needs of devices: kept in columns while nothing new is measured there."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from controller.api.queries.meant import told_of_device
from controller.api.queries.remembering import Remembered
from controller.domain.devices import Device
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Constraints
from controller.domain.rankings.rows import table_of
from controller.fleet.rounds.concluding import conclude_so_far
from controller.ranking.entries.columns import Columns, columns_of
from controller.ranking.ranking import columns_to_rank
from controller.ranking.standing.judging import DeviceColumns, in_scope
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.measurements.figures import Damaged, Top1, read_figures
from controller.state.measurements.pages import find_measurements, list_newest
from controller.state.measurements.stamps import (
    Stamp,
    accuracy_stamp,
    counts_by_device,
    devices_underway,
)
from controller.state.rounds.underway import list_underway

# A candidate takes about 300 bytes; 1,000 whole measurements about 4 MB.
_MOST_CANDIDATES: Final = 1_500_000
_MOST_WHOLE: Final = 10_000

AnswerT = TypeVar("AnswerT")


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


class DamagedRow(Exception):
    """A row that was to be told of cannot be read; what is asked again leaves it out."""


class KnownDevices:
    """Columns of devices as they stand, from memory or read; for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._columns: Remembered[Columns] = Remembered(_MOST_CANDIDATES)
        self._whole: Remembered[Measurement] = Remembered(_MOST_WHOLE)
        self._top1: Remembered[Top1] = Remembered(8)
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
            whole=partial(self._made, now, wanted, columns, underway),
            runtimes=runtimes,
        )

    def _newest(self, now: Standing, dataset: str) -> Columns | None:
        """What ranking needs of the newest; None where something of it is damaged."""
        device = now.device
        if self._damaged.get(device.device_id) == now.stamp:
            return None
        key = (*told_of_device(device), dataset)
        known = self._columns.get(key, now.stamp)
        if known is not None:
            return known
        accuracy = now.stamp[:-1]
        top1 = self._top1.get(dataset, accuracy)
        if top1 is None:
            top1 = {}
            self._top1.put(dataset, accuracy, top1)
        try:
            table = read_figures(self._database, device.device_id, dataset, top1)
        except Damaged:
            self._damaged[device.device_id] = now.stamp
            return None
        columns = columns_of(table)
        self._columns.put(key, now.stamp, columns, weight=1 + len(columns))
        return columns

    def _made(
        self,
        now: Standing,
        wanted: MeasurementFilter,
        columns: Columns,
        underway: Sequence[Measurement],
        rows: Sequence[int],
    ) -> list[Measurement]:
        """Measurements of rows, those underway among them."""
        so_far = {each.measurement_id: each for each in underway}
        ids = [str(columns.ids[row]) for row in rows]
        told, accuracy = told_of_device(now.device), now.stamp[:-1]

        def key(measurement_id: str) -> tuple[Hashable, ...]:
            return (*told, wanted.accuracy_dataset, measurement_id)

        made = {each: so_far.get(each) or self._whole.get(key(each), accuracy) for each in ids}
        lacking = [each for each, known in made.items() if known is None]
        for each, found in find_measurements(self._database, lacking, wanted).items():
            self._whole.put(key(each), accuracy, found)
            made[each] = found
        every = [made[each] for each in ids]
        if any(each is None for each in every):
            self._damaged[now.device.device_id] = now.stamp
            raise DamagedRow
        return [each for each in every if each is not None]


def _tried(answer: Callable[[], AnswerT]) -> AnswerT | DamagedRow:
    try:
        return answer()
    except DamagedRow as damaged:
        return damaged
