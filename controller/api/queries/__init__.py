"""What people and programs ask: one place that reads, lets the rules decide, and answers."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from controller.api.asking.once import AskingOnce
from controller.api.queries.ahead import one_ahead
from controller.api.queries.answering import Answering
from controller.api.queries.first_export import loaded_stream_after
from controller.api.queries.kinds import RememberedKinds
from controller.api.queries.meant import holders, meant_devices
from controller.api.queries.predictions import Predictions
from controller.api.queries.rankings import Rankings
from controller.domain.catalog import Dataset
from controller.domain.comparisons import CompareQuestion, Comparison
from controller.domain.devices import MOST_EVENTS, Device, DeviceEvent
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import check_series, find_backbone, find_device
from controller.domain.rankings import Constraints, Ranking, check_constraints
from controller.domain.rankings.explanations import ExplainQuestion, Explanation, Explanations
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking, check_shares
from controller.domain.rankings.pages import RankingPage, RankingPageQuestion, check_page
from controller.domain.rankings.predicted import DevicePredictions, PredictQuestion, check_question
from controller.domain.selectors import Selector
from controller.domain.sweeps import SweepSummary
from controller.figures.minutes import at_minute
from controller.fleet.agents import Fleet
from controller.fleet.rounds.concluding import conclude_so_far
from controller.fleet.rounds.foretelling import LastTold
from controller.own.accuracy import find_dataset
from controller.ranking.comparison import compare
from controller.ranking.explaining import explain
from controller.state.catalog.accuracy import list_datasets
from controller.state.database import Database
from controller.state.devices import find_named, list_devices, list_removed
from controller.state.devices.events import list_events
from controller.state.measurements.kinds import KnownKinds
from controller.state.measurements.pages import (
    PAGE,
    SAMPLED_PAGE,
    MeasurementPage,
    Place,
    find_measurement,
    find_place,
    list_newest,
    read_page,
)
from controller.state.rounds.underway import list_underway
from controller.state.sweeps import list_sweeps, resolve_sweep
from models.catalog.catalog import Backbone, Catalog


class Queries(Answering):
    """Answers questions about what was measured; every answer is computed in a thread."""

    def __init__(
        self, database: Database, catalog: Catalog, fleet: Fleet, told: LastTold | None = None
    ) -> None:
        """`told` is where sweeps look up what was predicted of what they measure."""
        super().__init__()
        self._database = database
        self._catalog = catalog
        self._fleet = fleet
        self._kinds = RememberedKinds(database)
        self._rankings = Rankings(database, catalog, self._kinds)
        self._predictions = Predictions(database, catalog, self._computing, told or LastTold())
        self._meant_sweeps = AskingOnce(partial(resolve_sweep, database), self._listing)

    async def devices(self, *, with_removed: bool = False) -> tuple[Device, ...]:
        """Every device of the fleet; behind them those that were removed and left measurements."""
        found = await self.listed(list_devices, self._database, self._fleet.connected())
        if not with_removed:
            return found
        return (*found, *await self.listed(list_removed, self._database))

    async def device_events(self, name: str, count: int) -> tuple[DeviceEvent, ...]:
        """At most so many of what befell a device, the newest first.

        Raises:
            EdgerankError: UNKNOWN_NAME.
        """
        device = await self._measured(name)
        most = min(count, MOST_EVENTS)
        return await self.listed(list_events, self._database, device.device_id, most)

    async def sweeps(self) -> tuple[SweepSummary, ...]:
        """Every sweep and profile, the newest first."""
        return await self.listed(list_sweeps, self._database)

    async def datasets(self) -> tuple[Dataset, ...]:
        """Every dataset that accuracy is known on, by name."""
        return await self.listed(list_datasets, self._database)

    def backbones(self) -> tuple[Backbone, ...]:
        """Every backbone that is known, people's own behind the packaged ones."""
        return tuple(self._catalog)

    async def sweep_id(self, wanted: str) -> str:
        """The id of the sweep that is meant by an id, a beginning of it, or a name.

        Raises:
            EdgerankError: UNKNOWN_NAME; INVALID_INPUT for a beginning of several ids.
        """
        return await self._meant_sweeps.ask(wanted)

    async def rank(
        self, device: str, constraints: Constraints, dataset: str, most_listed: int | None = None
    ) -> Ranking:
        """Which backbone is best on a device, by the accuracy on a dataset.

        At most `most_listed` of the others are told, and of what is left out; None is all.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device, a series or the dataset; INVALID_INPUT for
                constraints that no figure can be of.
        """
        self._check_constraints(constraints)
        found = await self._measured(device)
        return await self.computed(self._rankings.listed, found, constraints, dataset, most_listed)

    async def ranking_page(self, question: RankingPageQuestion) -> RankingPage:
        """Some of the others of a ranking, or of what it leaves out.

        Raises:
            EdgerankError: as `rank`; INVALID_INPUT for a page that there cannot be, too.
        """
        check_page(question)
        self._check_constraints(question.constraints)
        found = await self._measured(question.device)
        return await self.fetched(self._rankings.page, found, question)

    async def rank_fleet(self, question: FleetQuestion) -> FleetRanking:
        """What is best on each of several devices, and for all of them together.

        Raises:
            EdgerankError: UNKNOWN_NAME for a device, a label, a series, a share's device or the
                dataset; INVALID_INPUT for a share that is not above 0.
        """
        self._check_constraints(question.constraints)
        check_shares(question.shares)
        known = await self.devices()
        devices = meant_devices(question, known)
        return await self.computed(self._rankings.rank_fleet, devices, question)

    async def explain(self, question: ExplainQuestion) -> Explanations:
        """Why a backbone is where it is, on a device or on each that measured it.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device, a series, the dataset or the backbone;
                INVALID_INPUT for constraints that no figure can be of.
        """
        self._check_constraints(question.constraints)
        known = question.device is not None
        devices = (
            [await self._measured(question.device)]
            if question.device is not None
            else holders(await self.devices(with_removed=True))
        )
        found = [await self.computed(self._explain, each, question) for each in devices]
        told = tuple(each for each in found if known or each.candidate or each.left_out)
        if not any(each.candidate or each.left_out for each in told):
            find_backbone(self._catalog, question.backbone)
        return Explanations(on_devices=told)

    def _check_constraints(self, constraints: Constraints) -> None:
        check_constraints(constraints)
        check_series(self._catalog, constraints.series)

    def _explain(self, device: Device, question: ExplainQuestion) -> Explanation:
        ranking = self._rankings.rank(device, question.constraints, question.accuracy_dataset)
        return explain(ranking, question.backbone)

    async def predict(self, question: PredictQuestion) -> DevicePredictions:
        """What backbones would be measured at on a device, where they were not.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device, a backbone or a sweep; INVALID_INPUT for a
                confidence out of range, or a beginning of several ids.
        """
        check_question(question)
        for name in question.backbones:
            find_backbone(self._catalog, name)
        if question.judged_by is not None:
            question = replace(question, judged_by=await self.sweep_id(question.judged_by))
        return await self._predictions.predict(await self._measured(question.device), question)

    async def compare(self, question: CompareQuestion) -> Comparison:
        """Whether B is faster or slower than A, pair by pair.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device or a sweep; INVALID_INPUT for a beginning of
                several sweeps' ids.
        """
        a, b = await self._meant(question.a), await self._meant(question.b)
        in_a = await self._side(a, question.device)
        # Without sweeps and backbones, or of one, both choose among the same.
        is_alike = (a.sweep_id, a.backbone) == (b.sweep_id, b.backbone)
        in_b = in_a if is_alike else await self._side(b, question.device)
        return await self.computed(compare, a, b, in_a, in_b, question.limits)

    async def measurement_pages(
        self, wanted: MeasurementFilter
    ) -> AsyncIterator[Sequence[Measurement]]:
        """As `measurements`, one part after the other, each read when it is asked for.

        Raises:
            EdgerankError: as `measurements` does.
        """
        wanted = await self._meant_filter(wanted)
        count = SAMPLED_PAGE if wanted.with_samples else PAGE
        last: Place | None = None
        while True:
            page = await self.fetched(self._page, wanted, last, count)
            yield page.measurements
            if (last := page.last) is None:
                break
        if wanted.with_underway:
            yield await self._underway(wanted)

    async def export_pages(self, wanted: MeasurementFilter) -> AsyncGenerator[bytes, None]:
        """As `measurement_pages`, in columns of an export: streams of Arrow's IPC format.

        Raises:
            EdgerankError: as `measurements` does.
        """
        wanted = await self._meant_filter(wanted)

        async def read(after: Place | None) -> tuple[bytes, Place | None]:
            return await self.fetched(loaded_stream_after, self._database, wanted, after)

        async with aclosing(one_ahead(read)) as streams:
            async for stream in streams:
                yield stream

    async def measurement_page(
        self,
        wanted: MeasurementFilter,
        after: str | None,
        count: int,
        *,
        newest_first: bool = False,
    ) -> MeasurementPage | None:
        """At most so many behind the one of this id; None where there is none of it.

        What is underway, where it is wanted, stands before the newest of all.

        Raises:
            EdgerankError: as `measurements` does.
        """
        wanted = await self._meant_filter(wanted)
        place = None
        if after is not None:
            place = await self.listed(find_place, self._database, after)
            if place is None:
                return None
        page = await self.computed(self._known_page, wanted, place, count, newest_first)
        if not wanted.with_underway:
            return page
        underway = await self._underway(wanted)
        return replace(page, measurements=[*reversed(underway), *page.measurements])

    async def _underway(self, wanted: MeasurementFilter) -> Sequence[Measurement]:
        return await self.computed(list_underway, self._database, wanted, conclude_so_far)

    async def measurement(
        self, measurement_id: str, wanted: MeasurementFilter
    ) -> Measurement | None:
        """One measurement beside the accuracy that the filter names; None of one that is not there.

        Raises:
            EdgerankError: UNKNOWN_NAME for the dataset.
        """
        wanted = await self._meant_filter(wanted)
        return await self.computed(find_measurement, self._database, measurement_id, wanted)

    async def measurements(self, wanted: MeasurementFilter) -> Sequence[Measurement]:
        """The measurements that the filter lets through, in the order of their commits.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device, the sweep or the dataset; INVALID_INPUT for
                a beginning of several sweeps' ids.
        """
        return [each async for page in self.measurement_pages(wanted) for each in page]

    async def newest(self, wanted: MeasurementFilter) -> Sequence[Measurement]:
        """Of what the filter lets through, what is enough to choose the newest of each thing by.

        Raises:
            EdgerankError: UNKNOWN_NAME for the device.
        """
        if wanted.device is not None:
            await self._measured(wanted.device)
        return await self.computed(list_newest, self._database, wanted)

    async def _meant_filter(self, wanted: MeasurementFilter) -> MeasurementFilter:
        dataset = await self.listed(find_dataset, self._database, wanted.accuracy_dataset)
        wanted = replace(wanted, accuracy_dataset=dataset)
        if wanted.device is not None:
            await self._measured(wanted.device)
        if wanted.sweep_id is not None:
            wanted = replace(wanted, sweep_id=await self.sweep_id(wanted.sweep_id))
        return wanted

    def _known_page(
        self, wanted: MeasurementFilter, after: Place | None, count: int, newest_first: bool
    ) -> MeasurementPage:
        """As `_page`, of which what others were told before is not looked up again."""
        known = self._kinds.beside(wanted.accuracy_dataset)
        return self._page(wanted, after, count, newest_first=newest_first, known=known)

    def _page(
        self,
        wanted: MeasurementFilter,
        after: Place | None,
        count: int,
        *,
        newest_first: bool = False,
        known: KnownKinds | None = None,
    ) -> MeasurementPage:
        page = read_page(
            self._database, wanted, after, count, newest_first=newest_first, known=known
        )
        minute = wanted.at_minute
        if minute is None:
            return page
        return replace(page, measurements=[at_minute(each, minute) for each in page.measurements])

    async def _measured(self, name: str) -> Device:
        """The device of the fleet, or else one that was removed and left measurements."""
        meant = await self.listed(find_named, self._database, name, self._fleet.connected())
        if meant is not None:
            return meant
        # The names that are near are told.
        return find_device(await self.devices(with_removed=True), name)

    async def _meant(self, side: Selector) -> Selector:
        if side.sweep_id is None:
            return side
        if side.sweep_id in self._catalog:
            return replace(side, sweep_id=None, backbone=side.sweep_id)
        return replace(side, sweep_id=await self.sweep_id(side.sweep_id))

    async def _side(self, side: Selector, device: str | None) -> Sequence[Measurement]:
        if side.takes_newest:
            return await self.newest(MeasurementFilter(device=device, backbone=side.backbone))
        return await self.measurements(
            MeasurementFilter(device=device, sweep_id=side.sweep_id, backbone=side.backbone)
        )
