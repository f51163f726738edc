"""What a controller learned of a device: once for all who ask, and anew when more is measured."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from controller.api.queries import predictions
from controller.api.queries.predictions import Predictions
from controller.domain.rankings.predicted import PredictQuestion
from controller.fleet.rounds.foretelling import LastTold
from controller.ranking.prediction.device import FittedSetting, fit_setting
from controller.ranking.prediction.evidence import Evidence, Setting, features_by_name
from controller.ranking.prediction.one_thread import one_thread
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, open_database
from controller.state.devices import list_devices
from models.catalog.catalog import load_catalog
from models.catalog.features import load_features
from tests.recorded import record_sweep

CATALOG = load_catalog()
NAMES = sorted(features_by_name(CATALOG, load_features()))[:40:4]
QUESTION = PredictQuestion(device="phone")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    store_catalog(opened, CATALOG)
    for place, name in enumerate(NAMES[:9], 1):
        record_sweep(opened, 0.1 * place, 0.101 * place, backbones=(name,))
    yield opened
    opened.close()


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[Setting]:
    """The settings that were learned, one after the other."""
    learned: list[Setting] = []

    def counted(setting: Setting, evidence: Evidence) -> FittedSetting:
        learned.append(setting)
        return fit_setting(setting, evidence)

    monkeypatch.setattr(predictions, "fit_setting", counted)
    return learned


async def test_it_is_learned_once_until_more_is_measured(
    database: Database, fits: list[Setting]
) -> None:
    (device,) = list_devices(database, frozenset())
    asking = Predictions(database, CATALOG, ThreadPoolExecutor(2), LastTold())
    together = await asyncio.gather(*(asking.predict(device, QUESTION) for _ in range(3)))
    assert together[0].settings[0].predicted
    assert together[0] == together[1] == together[2]
    assert len(fits) == len(together[0].settings)
    wider = PredictQuestion(device="phone", backbones=("AlexNet",), confidence=0.99)
    assert (await asking.predict(device, wider)).confidence == wider.confidence
    assert len(fits) == len(together[0].settings)
    record_sweep(database, 1.0, 1.1, backbones=(NAMES[9],))
    again = await asking.predict(device, QUESTION)
    assert len(again.settings[0].measured) == len(together[0].settings[0].measured) + 1
    assert len(fits) == len(together[0].settings) + len(again.settings)


def test_who_leaves_first_lifts_no_limit_of_who_is_still_inside() -> None:
    def threads() -> list[int]:
        return [each["num_threads"] for each in threadpool_info()]

    before = threads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(threads()) == {1}
    second.__exit__(None, None, None)
    assert threads() == before
