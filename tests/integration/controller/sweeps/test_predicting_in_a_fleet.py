"""What predictions of a device rest on in a fleet: a bounded choice, by the rule of races."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from controller.api.queries import predictions
from controller.api.queries.predictions import Predictions, gathered_weight
from controller.domain.access import Caller, CallerKind
from controller.domain.measurements import MeasurementFilter
from controller.domain.rankings.predicted import (
    DevicePredictions,
    PredictedSetting,
    PredictQuestion,
)
from controller.domain.rankings.predictions import Figure
from controller.fleet.rounds.foretelling import LastTold
from controller.ranking.prediction.device import FittedSetting, fit_setting, predict_on_device
from controller.ranking.prediction.elsewhere import MOST_DEVICES
from controller.ranking.prediction.evidence import Evidence, Setting
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database
from controller.state.devices import find_named, remove
from controller.state.devices.emulators import mark_emulated
from controller.state.measurements.pages import list_newest
from models.catalog.precisions import Precision
from protos.runtimes import Runtime
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.sweeps.races.test_races import (
    CATALOG,
    FEATURES,
    NAMES,
    RACE,
    off_ms,
    work_off,
)

HERE, ELSEWHERE = NAMES[:10], NAMES[2:]


def measure(
    database: Database, device: str, names: tuple[str, ...], factor: float = 1.0, **changes: Any
) -> None:
    start_sweep(database, device, **(RACE | {"race": None, "backbones": names} | changes))
    work_off(database, f"id-of-{device}", lambda name: factor * off_ms(name))


def predict(asking: Predictions, database: Database, **changes: Any) -> DevicePredictions:
    phone = find_named(database, "phone", frozenset())
    assert phone is not None
    return asyncio.run(asking.predict(phone, PredictQuestion(device="phone", **changes)))


@pytest.fixture
def ask(database: Database) -> Callable[..., DevicePredictions]:
    """Asks a controller that was just started."""
    store_catalog(database, CATALOG)

    def asked(**changes: Any) -> DevicePredictions:
        asking = Predictions(database, CATALOG, ThreadPoolExecutor(1), LastTold())
        return predict(asking, database, **changes)

    return asked


@pytest.fixture
def learned_from(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """The evidence of each setting that was learned, one after the other."""
    found: list[Evidence] = []

    def noted(setting: Setting, evidence: Evidence) -> FittedSetting:
        found.append(evidence)
        return fit_setting(setting, evidence)

    monkeypatch.setattr(predictions, "fit_setting", noted)
    return found


def test_in_a_small_fleet_it_is_what_all_that_was_measured_tells(
    database: Database, ask: Callable[..., DevicePredictions]
) -> None:
    measure(database, "phone", HERE)
    measure(database, "board", ELSEWHERE, 2.0)
    measure(database, "pc", ELSEWHERE[:9], 0.3)
    told = ask()
    every = list_newest(database, MeasurementFilter())
    assert {each.device for each in every} == {"phone", "board", "pc"}
    question = PredictQuestion(device="phone")
    alone = predict_on_device(question, every, tuple(CATALOG), FEATURES, (Runtime.ONNXRUNTIME,))
    assert told.settings[0].predicted
    assert told.settings[0].settings == ("board, onnxruntime, 1",)
    for one, other in zip(told.settings, alone.settings, strict=True):
        assert (one.rests_on, one.settings, one.measured, one.unpredicted) == (
            *(other.rests_on, other.settings, other.measured, other.unpredicted),
        )
        # Sums in another order differ in the last digits.
        assert figures(one) == pytest.approx(figures(other), rel=1e-6)


def figures(setting: PredictedSetting) -> dict[tuple[str, str], float]:
    """The figures that are predicted, by backbone and what they are."""
    return {
        (each.backbone, f"{kind} {end}"): getattr(told, end)
        for each in setting.predicted
        for kind, told in (("latency", each.latency_ms), ("memory", each.peak_rss_bytes))
        if told is not None
        for end in ("value", "low", "high")
    }


def test_what_is_remembered_weighs_what_others_took_as_well(
    database: Database, ask: Callable[..., DevicePredictions], learned_from: list[Evidence]
) -> None:
    measure(database, "phone", HERE)
    ask()
    measure(database, "board", ELSEWHERE, 2.0)
    measure(database, "pc", ELSEWHERE, 0.3)
    ask()
    alone, *_, beside = learned_from
    figures = len(Figure) * 2 * len(ELSEWHERE)
    assert figures >= 36
    assert gathered_weight(beside) == gathered_weight(alone) + figures // 36


def test_it_rests_on_nobody_beyond_the_bound(
    database: Database, ask: Callable[..., DevicePredictions], learned_from: list[Evidence]
) -> None:
    measure(database, "phone", HERE)
    near = [f"near-{number}" for number in range(MOST_DEVICES)]
    for number, name in enumerate(near):
        measure(database, name, ELSEWHERE[:9], 1 + number / 10)
    before = ask()
    # One that would tell of far more, had it not measured less.
    measure(database, "beyond", ELSEWHERE[-8:], 2.0)
    with heard(database) as asked:
        assert ask() == before
    for evidence in learned_from:
        told = [each.setting.split(",")[0] for each in evidence.others[Figure.LATENCY]]
        assert sorted(told) == sorted(near)
        assert {setting.device for setting in evidence.measured} == {"phone"}
    of_latencies = [each for each in asked if "JOIN candidates" in each.text]
    assert len(of_latencies) == MOST_DEVICES
    assert walking(database, of_latencies) == {}


def test_others_tell_of_memory_too_and_in_a_precision_only_what_tells_of_it(
    database: Database, ask: Callable[..., DevicePredictions], learned_from: list[Evidence]
) -> None:
    measure(database, "phone", HERE)
    measure(database, "board", ELSEWHERE)
    measure(database, "board", ELSEWHERE, 0.5, precisions=(Precision.INT8_DYNAMIC,))
    ask()
    ask(precision=Precision.INT8_DYNAMIC)
    in_fp32, in_int8 = learned_from[0], learned_from[-1]
    plain = "board, onnxruntime, 1"
    for figure in Figure:
        assert [each.setting for each in in_fp32.others[figure]] == [plain]
        assert {each.setting for each in in_int8.others[figure]} == {
            plain,
            f"{plain}, {Precision.INT8_DYNAMIC.value}",
        }
        assert all(each.values.keys() == set(ELSEWHERE) for each in in_int8.others[figure])


def test_what_it_does_not_rest_on_throws_nothing_away(
    database: Database, learned_from: list[Evidence]
) -> None:
    store_catalog(database, CATALOG)
    measure(database, "phone", HERE)
    for name in (f"near-{number}" for number in range(MOST_DEVICES)):
        measure(database, name, NAMES[:2])
    asking = Predictions(database, CATALOG, ThreadPoolExecutor(1), LastTold())
    again = partial(predict, asking, database)
    before = again()
    learned = len(learned_from)
    measure(database, "beyond", NAMES[:1])
    assert again() == before
    assert len(learned_from) == learned
    measure(database, "near-3", NAMES[2:3])
    again()
    assert len(learned_from) == 2 * learned
    # What is emulated tells nothing, before it measures more.
    mark_emulated(database, "id-of-near-4", "qemu")
    again()
    assert len(learned_from) == 3 * learned
    # Another one takes the place of one that leaves.
    remove(database, "id-of-near-3", Caller(caller=CallerKind.OWNER), 0)
    again()
    assert len(learned_from) == 4 * learned
