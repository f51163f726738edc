"""Predictions of a device: learned once from what was measured, and remembered while that is so."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final

from controller.api.queries.remembering import Remembered
from controller.domain.devices import Device
from controller.domain.measurements import MeasurementFilter
from controller.domain.rankings.predicted import (
    DevicePredictions,
    PredictedSetting,
    PredictQuestion,
    with_top1,
)
from controller.domain.rankings.predictions import (
    CONFIDENCE,
    EarlierErrors,
    Elsewhere,
    Figure,
)
from controller.fleet.rounds.foretelling import LastTold, Where
from controller.fleet.rounds.others import Asked, Took, nearest, telling_most
from controller.ranking.prediction.device import (
    FittedSetting,
    asked_settings,
    fit_setting,
    tell,
)
from controller.ranking.prediction.evidence import (
    Evidence,
    Network,
    Setting,
    gather,
    tells_of,
)
from controller.ranking.racing.earlier import Judged, judged
from controller.state.catalog.accuracy import top1_by_precision
from controller.state.catalog.network_counts import stored_counts
from controller.state.database import Database
from controller.state.measurements.foretold import list_measured_later
from controller.state.measurements.pages import list_newest
from controller.state.measurements.stamps import (
    Stamp,
    accuracy_stamp,
    evidence_stamp,
    fleet_stamp,
)
from controller.state.schema.unreadable import answered_in
from models.catalog.catalog import Catalog
from models.catalog.features import load_features
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

# Numbers that fitted settings hold together, 8 bytes each: about 100 settings of 16 backbones.
_MOST_NUMBERS: Final = 4_000_000
_ALL: Final = "all"
# Devices of which is remembered who is nearest: a kilobyte each.
_MOST_CHOSEN: Final = 256
# Measurements that what is known of devices holds together, 4 KB each.
_MOST_GATHERED: Final = 30_000
_FIGURES_OF_ONE: Final = 36
# Devices, or sweeps, whose earlier predictions stay judged.
_MOST_JUDGED: Final = 256


class Predictions:
    """Predicts what was not measured; what it learned is forgotten when what it rests on changes.

    That is all that the device measured, and a bounded choice of what others did, by the rule by
    which races choose.

    It learns in one thread of its own: two that ask the same at once learn it once, and no ranking
    waits for it.
    """

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        computing: ThreadPoolExecutor,
        told: LastTold,
    ) -> None:
        """Learns nothing yet.

        Args:
            database: of what was measured.
            catalog: of what can be asked about.
            computing: answers what was learned already.
            told: where sweeps look up what was predicted of what they measure.
        """
        self._database = database
        self._last_told = told
        self._catalog = catalog
        self._computing = computing
        self._learning = ThreadPoolExecutor(1, thread_name_prefix="predicting")
        self._nearest: Remembered[tuple[str, ...]] = Remembered(_MOST_CHOSEN)
        self._evidence: Remembered[Evidence] = Remembered(_MOST_GATHERED)
        self._fitted: Remembered[FittedSetting] = Remembered(_MOST_NUMBERS)
        self._judged: Remembered[Mapping[Judged, EarlierErrors]] = Remembered(_MOST_JUDGED)
        self._top1s: Remembered[Mapping[tuple[str, Precision], float]] = Remembered(1)

    async def predict(self, device: Device, question: PredictQuestion) -> DevicePredictions:
        """What backbones would be measured at on a device; names are those of the catalog."""
        told = await answered_in(self._computing, partial(self._remembered, device, question))
        if told is None:
            told = await answered_in(self._learning, partial(self._learned, device, question))
        return await answered_in(self._computing, partial(self._with_top1, told))

    def _remembered(self, device: Device, question: PredictQuestion) -> DevicePredictions | None:
        """The answer, unless something has to be learned for it."""
        _, stamp = self._others(device)
        evidence = self._evidence.get(_known_by(device, question), stamp)
        if evidence is None:
            return None
        fitted = []
        for setting in asked_settings(question, evidence, _runtimes(device)):
            known = self._fitted.get(setting, stamp)
            if known is None:
                return None
            fitted.append(known)
        told = tell(question, evidence, fitted, _runtimes(device))
        return self._with_earlier(told, device, question, evidence, stamp)

    def _learned(self, device: Device, question: PredictQuestion) -> DevicePredictions:
        others, stamp = self._others(device)
        evidence = self._evidence.get(_known_by(device, question), stamp)
        if evidence is None:
            evidence = self._gathered(device, others, question.precision)
            # A device that measured more is remembered, too.
            weight = min(gathered_weight(evidence), _MOST_GATHERED)
            self._evidence.put(_known_by(device, question), stamp, evidence, weight)
        settings = asked_settings(question, evidence, _runtimes(device))
        fitted = [self._fit(device, each, evidence, stamp) for each in settings]
        told = tell(question, evidence, fitted, _runtimes(device))
        return self._with_earlier(told, device, question, evidence, stamp)

    def _with_earlier(
        self,
        told: DevicePredictions,
        device: Device,
        question: PredictQuestion,
        evidence: Evidence,
        stamp: Stamp,
    ) -> DevicePredictions:
        """The same with how far off earlier predictions were, setting by setting."""
        of = (device.device_id, question.judged_by)
        errors = self._judged.get(of, stamp)
        if errors is None:
            errors = judged(list_measured_later(self._database, *of), evidence.catalog)
            self._judged.put(of, stamp, errors)
        return replace(
            told,
            settings=tuple(
                replace(
                    each,
                    earlier_errors=errors.get(_judged_in(each)),
                )
                for each in told.settings
            ),
        )

    def _with_top1(self, told: DevicePredictions) -> DevicePredictions:
        stamp = accuracy_stamp(self._database)
        top1s = self._top1s.get(_ALL, stamp)
        if top1s is None:
            top1s = top1_by_precision(self._database, self._catalog)
            self._top1s.put(_ALL, stamp, top1s)
        return with_top1(told, top1s)

    def _others(self, device: Device) -> tuple[Sequence[str], Stamp]:
        """Ids of the devices that one is told by besides itself, and the state of all of these.

        They are chosen anew whenever anything is measured: mostly they are the same again, and what
        rests on them is so, too.
        """
        fleet = fleet_stamp(self._database)
        others = self._nearest.get(device.device_id, fleet)
        if others is None:
            others = nearest(self._database, device)
            self._nearest.put(device.device_id, fleet, others)
        return others, evidence_stamp(self._database, [device.device_id, *others])

    def _gathered(self, device: Device, others: Iterable[str], precision: Precision) -> Evidence:
        measurements = list_newest(self._database, MeasurementFilter(device=device.name))
        own = gather(
            measurements,
            tuple(self._catalog),
            load_features(),
            stored_counts(self._database),
        )
        took = telling_most(
            self._database,
            others,
            own.catalog,
            Asked(
                {(name, each.input_size) for name, each in own.catalog.items()},
                {*_runtimes(device), *(setting.runtime for setting in own.measured)},
                {each for each in Precision if tells_of(each, precision)},
            ),
        )
        # Kept is what tells of this precision, and of weights which were ever measured.
        return replace(
            own,
            measurements=tuple({each.weights: each for each in measurements}.values()),
            measured={
                setting: those
                for setting, those in own.measured.items()
                if tells_of(setting.precision, precision)
            },
            others=_figures(took),
        )

    def _fit(
        self, device: Device, setting: Setting, evidence: Evidence, stamp: Stamp
    ) -> FittedSetting:
        known = self._fitted.get(setting, stamp)
        if known is None:
            known = fit_setting(setting, evidence)
            self._fitted.put(setting, stamp, known, weight=known.numbers)
            told = known.latency.told(tuple(evidence.catalog), CONFIDENCE)
            where = Where(device.device_id, setting.runtime, setting.threads, setting.precision)
            self._last_told.put(where, told.predicted, len(known.here))
        return known


def gathered_weight(evidence: Evidence) -> int:
    """How many measurements evidence weighs as: of 4 KB each, a figure of others 112 bytes."""
    figures = sum(len(each.values) for several in evidence.others.values() for each in several)
    return 1 + sum(map(len, evidence.measured.values())) + figures // _FIGURES_OF_ONE


def _judged_in(setting: PredictedSetting) -> Judged:
    return Judged(setting.runtime, setting.threads, setting.precision)


def _figures(took: Mapping[Setting, Mapping[Network, Took]]) -> Mapping[Figure, list[Elsewhere]]:
    """The same figure by figure, under names of backbones: each is of its own size."""

    def elsewhere(figure: Callable[[Took], float | None]) -> list[Elsewhere]:
        return [
            Elsewhere(
                setting=setting.name,
                values={name: told for (name, _), each in those.items() if (told := figure(each))},
            )
            for setting, those in took.items()
        ]

    return {
        Figure.LATENCY: elsewhere(lambda each: each.latency_ms),
        Figure.MEMORY: elsewhere(lambda each: each.peak_rss_bytes),
    }


def _known_by(device: Device, question: PredictQuestion) -> Hashable:
    """What evidence is remembered by: other runtimes, or precisions, are told of by others."""
    return device.device_id, frozenset(_runtimes(device)), question.precision


def _runtimes(device: Device) -> tuple[Runtime, ...]:
    return tuple(info.runtime for info in device.profile.working_runtimes)
