"""Rankings of a device and of a fleet: read, ranked, and remembered while nothing changes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from controller.api.queries.kinds import RememberedKinds
from controller.api.queries.known import KnownDevices, Standing
from controller.api.queries.meant import told_of_device
from controller.api.queries.places import LEFT_OUT, OTHERS
from controller.api.queries.remembering import Remembered
from controller.domain.devices import Device
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Constraints, Ranking
from controller.domain.rankings.fleet import MOST_CHOICES, FleetQuestion, FleetRanking
from controller.domain.rankings.pages import RankingPage, RankingPageQuestion
from controller.own.accuracy import find_dataset
from controller.ranking.fleet import rank_held
from controller.ranking.ranking import rank_columns
from controller.ranking.requirements import requirements
from controller.ranking.standing.certainty import certainty
from controller.ranking.standing.holding import hold
from controller.ranking.standing.listing import left_out_behind, listed, others_behind
from controller.state.database import Database
from controller.state.measurements.pages import find_measurements
from models.catalog.catalog import Catalog
from protos.measuring import Repetition

# Remembered: rankings that list no more than was asked for.
_MOST_RANKINGS: Final = 128
# One that lists more weighs as several.
_LISTED_OF_ONE: Final = 200
_MOST_FLEETS: Final = 4
# With all samples, of which one may have megabytes.
_READ_AT_ONCE: Final = 32


class Rankings:
    """Ranks what was measured; every method reads and computes, and is called in a thread."""

    def __init__(
        self, database: Database, catalog: Catalog, kinds: RememberedKinds | None = None
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._rankings: Remembered[Ranking] = Remembered(_MOST_RANKINGS)
        self._fleets: Remembered[FleetRanking] = Remembered(_MOST_FLEETS)
        self._known = KnownDevices(database, catalog, kinds)

    def listed(
        self, device: Device, constraints: Constraints, dataset: str, most: int | None
    ) -> Ranking:
        """A ranking, remembered while nothing of the device changes and nothing is measured there.

        Whole ones are large, and are not.
        """
        key = (*told_of_device(device), constraints, dataset, most)
        (now,) = self._known.standing([device])
        known = self._rankings.get(key, now.stamp) if now.is_settled else None
        if known is not None:
            return known
        ranking = self._ranked(now, constraints, dataset, most)
        if now.is_settled and most is not None:
            told = len(ranking.others) + len(ranking.left_out)
            self._rankings.put(key, now.stamp, ranking, weight=1 + told // _LISTED_OF_ONE)
        return ranking

    def rank(self, device: Device, constraints: Constraints, dataset: str) -> Ranking:
        """What there is of a device, ranked; as sure as the constraints ask for."""
        (now,) = self._known.standing([device])
        return self._ranked(now, constraints, dataset, None)

    def page(self, device: Device, question: RankingPageQuestion) -> RankingPage:
        """Some of the others, or of what is left out; how sure the first one is, is not looked at.

        Raises:
            EdgerankError: INVALID_INPUT for a place that is none; UNKNOWN_NAME for the dataset.
        """
        (now,) = self._known.standing([device])
        dataset = find_dataset(self._database, question.accuracy_dataset)
        constraints, most = question.constraints, question.most

        def found() -> RankingPage:
            here = self._known.columns(now, constraints, dataset)
            if question.of_left_out:
                aside = LEFT_OUT.read(question.after)
                left_out, last_aside = left_out_behind(here, constraints, aside, most)
                return RankingPage(left_out=left_out, last=LEFT_OUT.written(last_aside))
            after = OTHERS.read(question.after)
            others, last = others_behind(here, constraints, self._catalog, after, most)
            return RankingPage(others=others, last=OTHERS.written(last))

        return self._known.answered(found)

    def _ranked(
        self, now: Standing, constraints: Constraints, dataset: str, most: int | None
    ) -> Ranking:
        """At most `most` of the others are told, and of what is left out; None is all."""
        dataset = find_dataset(self._database, dataset)

        def ranked() -> Ranking:
            return rank_columns(
                self._known.columns(now, constraints, dataset),
                constraints,
                self._catalog,
                accuracy=self._known.accuracy(now, dataset),
                # Who may be the first is asked of all.
                most=None if constraints.confidence is not None else most,
            )

        ranking = self._known.answered(ranked)
        if constraints.confidence is None or ranking.winner is None:
            return ranking
        sure = certainty(ranking, constraints.confidence, self._samples)
        return listed(replace(ranking, certainty=sure), most)

    def _samples(self, measurements: Sequence[Measurement]) -> Iterator[Sequence[Repetition]]:
        """The stored repetitions of measurements; none of one that is still measured."""
        wanted = MeasurementFilter(with_samples=True)
        for start in range(0, len(measurements), _READ_AT_ONCE):
            ids = [each.measurement_id for each in measurements[start : start + _READ_AT_ONCE]]
            found = find_measurements(self._database, ids, wanted)
            yield from (found[each].repetitions if each in found else () for each in ids)

    def rank_fleet(self, devices: Sequence[Device], question: FleetQuestion) -> FleetRanking:
        """What is best on each of these devices, and for all of them together."""
        dataset = find_dataset(self._database, question.accuracy_dataset)
        constraints = question.constraints
        standing = self._known.standing(devices)
        shares = tuple(question.shares.get(each.name, 1.0) for each in devices)
        most = MOST_CHOICES if question.most_listed is None else question.most_listed
        most = min(most, MOST_CHOICES)
        key = (tuple(map(told_of_device, devices)), constraints, dataset, shares, most)
        stamp = tuple(each.stamp for each in standing)
        is_settled = all(each.is_settled for each in standing)
        known = self._fleets.get(key, stamp) if is_settled else None
        if known is not None:
            return known
        required = requirements(constraints, self._catalog)

        def ranked() -> FleetRanking:
            held = [
                hold(self._known.columns(now, constraints, dataset), share, constraints, required)
                for now, share in zip(standing, shares, strict=True)
            ]
            fetch = partial(self._known.fetch, dataset=dataset)
            return rank_held(held, constraints, self._catalog, dataset, most=most, fetch=fetch)

        ranking = self._known.answered(ranked)
        if is_settled:
            self._fleets.put(key, stamp, ranking)
        return ranking
