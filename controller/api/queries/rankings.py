"""Rankings of a device and of a fleet: read, ranked, and remembered while nothing changes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from controller.api.queries.meant import told_of_device
from controller.api.queries.remembering import Remembered
from controller.domain.devices import Device
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Constraints, Ranking
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking
from controller.fleet.rounds.concluding import conclude_so_far
from controller.own.accuracy import find_dataset
from controller.ranking.fleet import DeviceFigures, Held, hold, rank_held
from controller.ranking.ranking import DatasetAccuracy, rank
from controller.ranking.standing.certainty import certainty
from controller.ranking.standing.listing import listed
from controller.state.catalog.accuracy import known_top1
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.measurements.pages import find_measurement, list_newest
from controller.state.measurements.stamps import (
    Stamp,
    accuracy_stamp,
    counts_by_device,
    devices_underway,
)
from controller.state.rounds.underway import list_underway
from models.catalog.catalog import Catalog
from protos.measuring import Repetition

# Remembered: rankings that list no more than was asked for, and of fleets the best settings of each
# backbone on each device, of which 1,000 take about 4 MB.
_MOST_RANKINGS: Final = 128
# One that lists more weighs as several.
_LISTED_OF_ONE: Final = 200
_MOST_CHOICES: Final = 80_000
_MOST_MEASUREMENTS: Final = 20_000


class Rankings:
    """Ranks what was measured; every method reads and computes, and is called in a thread."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._rankings: Remembered[Ranking] = Remembered(_MOST_RANKINGS)
        self._measurements: Remembered[Sequence[Measurement]] = Remembered(_MOST_MEASUREMENTS)
        self._held: Remembered[Held] = Remembered(_MOST_CHOICES)

    def listed(
        self, device: Device, constraints: Constraints, dataset: str, most: int | None
    ) -> Ranking:
        """A ranking, remembered while nothing of the device changes and nothing is measured there.

        Whole ones are large, and are not.
        """
        key = (*told_of_device(device), constraints, dataset, most)
        stamp = self._stamp(device)
        is_settled = not devices_underway(self._database, device.device_id)
        known = self._rankings.get(key, stamp) if is_settled else None
        if known is not None:
            return known
        ranking = listed(self.rank(device, constraints, dataset), most)
        if is_settled and most is not None:
            told = len(ranking.others) + len(ranking.left_out)
            self._rankings.put(key, stamp, ranking, weight=1 + told // _LISTED_OF_ONE)
        return ranking

    def _stamp(self, device: Device) -> Stamp:
        count = counts_by_device(self._database, device.device_id)
        return (*accuracy_stamp(self._database), *count.values())

    def rank(self, device: Device, constraints: Constraints, dataset: str) -> Ranking:
        """Everything that there is of a device, ranked; as sure as the constraints ask for."""
        dataset = find_dataset(self._database, dataset)
        ranking = rank(
            device.name,
            self._known_on(device, constraints, dataset),
            constraints,
            self._catalog,
            tuple(info.runtime for info in device.profile.working_runtimes),
            accuracy=DatasetAccuracy(dataset, known_top1(self._database, dataset, self._catalog)),
        )
        if constraints.confidence is None or ranking.winner is None:
            return ranking
        return replace(ranking, certainty=certainty(ranking, constraints.confidence, self._samples))

    def _samples(self, measurement: Measurement) -> Sequence[Repetition]:
        """The stored repetitions of a measurement; none of one that is still measured."""
        wanted = MeasurementFilter(with_samples=True)
        found = find_measurement(self._database, measurement.measurement_id, wanted)
        return () if found is None else found.repetitions

    def rank_fleet(self, devices: Sequence[Device], question: FleetQuestion) -> FleetRanking:
        """What is best on each of these devices, and for all of them together."""
        dataset = find_dataset(self._database, question.accuracy_dataset)
        accuracy = accuracy_stamp(self._database)
        counts = counts_by_device(self._database)
        underway = devices_underway(self._database)

        def held(device: Device) -> Held:
            share = question.shares.get(device.name, 1.0)
            key = (*told_of_device(device), question.constraints, dataset, share)
            stamp = (*accuracy, counts.get(device.device_id, 0))
            is_settled = device.device_id not in underway
            known = self._held.get(key, stamp) if is_settled else None
            if known is not None:
                return known
            figures = DeviceFigures(
                device=device.name,
                measurements=self._measured_on(device, question.constraints, dataset),
                share=share,
                runtimes=tuple(info.runtime for info in device.profile.working_runtimes),
            )
            found = hold(figures, question.constraints, self._catalog)
            if is_settled:
                self._held.put(key, stamp, found, weight=1 + len(found.choices))
            return found

        of_each = [held(each) for each in devices]
        return rank_held(of_each, question.constraints, self._catalog, dataset)

    def _measured_on(
        self, device: Device, constraints: Constraints, dataset: str
    ) -> list[Measurement]:
        wanted = MeasurementFilter(device=device.name, accuracy_dataset=dataset)
        # First, as if they were the oldest: they count only where there is nothing else.
        measured = list_underway(self._database, wanted, conclude_so_far)
        # Whether a minute or a clock has figures is not known before it is read.
        is_whole = constraints.at_minute is not None or constraints.paced_fps is not None
        read = list_measurements if is_whole else list_newest
        return [*measured, *read(self._database, wanted)]

    def _known_on(
        self, device: Device, constraints: Constraints, dataset: str
    ) -> Sequence[Measurement]:
        """As `_measured_on`, remembered for other questions to the same device."""
        key = (*told_of_device(device), dataset, constraints.at_minute, constraints.paced_fps)
        stamp = self._stamp(device)
        is_settled = not devices_underway(self._database, device.device_id)
        known = self._measurements.get(key, stamp) if is_settled else None
        if known is None:
            known = self._measured_on(device, constraints, dataset)
            if is_settled:
                self._measurements.put(key, stamp, known, weight=len(known))
        return known
