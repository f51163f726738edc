"""Predictions of a device: learned once from what was measured, and remembered while that is so."""

from collections.abc import Mapping
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
from controller.domain.rankings.predictions import CONFIDENCE, EarlierErrors
from controller.fleet.rounds.foretelling import LastTold, Where
from controller.ranking.prediction.device import (
    FittedSetting,
    asked_settings,
    fit_setting,
    tell,
)
from controller.ranking.prediction.evidence import Evidence, Setting, gather
from controller.ranking.racing.judging import Judged, judged
from controller.state.catalog.accuracy import top1_by_precision
from controller.state.catalog.network_counts import stored_counts
from controller.state.database import Database
from controller.state.measurements.foretold import list_measured_later
from controller.state.measurements.pages import list_newest
from controller.state.measurements.stamps import Stamp, accuracy_stamp, evidence_stamp
from controller.state.schema.unreadable import answered_in
from models.catalog.catalog import Catalog
from models.catalog.features import load_features
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

# Numbers that fitted settings hold together, 8 bytes each: about 100 settings of 16 backbones.
_MOST_NUMBERS: Final = 4_000_000
_ALL: Final = "all"
# Devices, or sweeps, whose earlier predictions stay judged.
_MOST_JUDGED: Final = 256


class Predictions:
    """Predicts what was not measured; what it learned is forgotten when anything new is known.

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
        self._evidence: Remembered[Evidence] = Remembered(1)
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
        stamp = evidence_stamp(self._database)
        evidence = self._evidence.get(_ALL, stamp)
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
        stamp = evidence_stamp(self._database)
        evidence = self._evidence.get(_ALL, stamp)
        if evidence is None:
            evidence = self._gathered()
            self._evidence.put(_ALL, stamp, evidence)
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

    def _gathered(self) -> Evidence:
        return gather(
            list_newest(self._database, MeasurementFilter()),
            tuple(self._catalog),
            load_features(),
            stored_counts(self._database),
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


def _judged_in(setting: PredictedSetting) -> Judged:
    return Judged(setting.runtime, setting.threads, setting.precision)


def _runtimes(device: Device) -> tuple[Runtime, ...]:
    return tuple(info.runtime for info in device.profile.working_runtimes)
