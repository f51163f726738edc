"""`predict` tells how far off a race's predictions were, once what they are of was measured."""

import asyncio
import json
import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from controller.api.queries.predictions import Predictions
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.predicted import PredictQuestion
from controller.domain.rankings.predictions import MeasuredLater
from controller.fleet.rounds.expecting import PIONEERS
from controller.fleet.rounds.foretelling import LastTold
from controller.state.database import Database, open_database
from controller.state.devices import list_devices
from controller.state.measurements.foretold import list_measured_later
from controller.state.sweeps import list_sweeps
from controller.sweeps.planning import plan_sweep
from controller.sweeps.starting import Before
from models.catalog.catalog import load_catalog
from tests.integration.controller.conftest import make_ready, start_sweep
from tests.integration.controller.domain_samples import SPEC
from tests.integration.controller.sweeps.races.test_races import (
    NAMES,
    PHONE,
    RACE,
    latency_ms,
    work_off,
)
from tests.processes import edgerank, running_controller
from tests.processes.states import begun_database


class Raced(NamedTuple):
    """A controller on whose phone a race was measured, and what that predicted."""

    address: str
    sweep_id: str
    predicted: list[MeasuredLater]


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raced]:
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    sweep_id = start_sweep(database, "phone", repetitions=(1, 10), **RACE)
    work_off(database)
    predicted = list_measured_later(database, PHONE)
    database.close()
    with running_controller(state_dir) as (_controller, address):
        yield Raced(address, sweep_id, predicted)


def asked(address: str, *arguments: str) -> Any:
    done = edgerank("predict", "--device", "phone", *arguments, "--json", address=address)
    assert done.returncode == 0, done.stderr
    (setting,) = json.loads(done.stdout)["settings"]
    return setting


def test_predict_tells_what_a_race_predicted_beside_what_it_measured_then(raced: Raced) -> None:
    assert len(raced.predicted) > 1
    setting = asked(raced.address)
    told = setting["earlier_errors"]
    off = {each.backbone: abs(each.foretold.median_ms / each.median_ms - 1) for each in raced[2]}
    assert told["count"] == len(off)
    assert told["median"] == pytest.approx(statistics.median(off.values()))
    assert told["mean"] == pytest.approx(statistics.fmean(off.values()))
    assert told["worst"]["backbone"] == max(off, key=off.__getitem__)
    inside = [each.foretold.low_ms <= each.median_ms <= each.foretold.high_ms for each in raced[2]]
    assert told["within_interval"] == pytest.approx(sum(inside) / len(inside))
    assert told["promised"] == pytest.approx(0.9)
    assert PIONEERS <= told["least_known"] <= told["most_known"] < len(NAMES)
    # What is left out today is another figure, of all that was measured.
    assert setting["latency_errors"]["count"] > told["count"]


def test_a_person_reads_both_and_which_is_which(raced: Raced) -> None:
    done = edgerank("predict", "--device", "phone", address=raced.address)
    assert done.returncode == 0, done.stderr
    page = " ".join(done.stdout.split())
    assert "predicted without its own measurement" in page
    assert f"latency: {len(raced.predicted)} earlier predictions measured since" in page


def test_a_race_may_be_asked_for_how_its_own_predictions_did(raced: Raced) -> None:
    with QueryClient(raced.address) as client:
        every, own, begun = (
            client.predict(PredictQuestion(device="phone", judged_by=judged_by)).settings[0]
            for judged_by in (None, raced.sweep_id, raced.sweep_id[:8])
        )
        with pytest.raises(EdgerankError) as refused:
            client.predict(PredictQuestion(device="phone", judged_by="another"))
    assert every.earlier_errors is not None
    assert every.earlier_errors == own.earlier_errors == begun.earlier_errors
    assert refused.value.code is ErrorCode.UNKNOWN_NAME


def test_best_tells_the_same_of_what_it_offers(raced: Raced) -> None:
    command = ("best", "--device", "phone", "--by", "accuracy", "--include-predicted", "--json")
    done = edgerank(*command, address=raced.address)
    assert done.returncode == 0, done.stderr
    for basis in json.loads(done.stdout)["predicted"]["rests_on"]:
        assert basis["earlier_errors"] == asked(raced.address)["earlier_errors"]


@pytest.mark.parametrize("again", [(), ("retry",)])
def test_what_a_controller_told_before_a_sweep_is_judged_once_that_was_measured(
    tmp_path: Path, again: tuple[str, ...]
) -> None:
    database = begun_database(tmp_path)
    start_sweep(database, "phone", **(RACE | {"race": None, "backbones": NAMES[::2]}))
    work_off(database)
    database.close()
    sweep = (
        *("sweep", "--devices", "phone", "--models", ",".join(NAMES[1::2]), "--threads", "1"),
        *("--runtimes", "onnxruntime", "--weights", "synthetic", "--no-sentinel", "--no-follow"),
    )
    with running_controller(tmp_path) as (_controller, address):
        assert asked(address)["earlier_errors"] is None
        done = edgerank(*sweep, address=address)
        assert done.returncode == 0, done.stderr
        with QueryClient(address) as client:
            first = client.list_sweeps()[0].sweep_id
        for command in again:
            # One that was cancelled has used nothing up.
            assert edgerank("cancel", first, address=address).returncode == 0
            done = edgerank(command, first, "--no-follow", address=address)
            assert done.returncode == 0, done.stderr
    database = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    make_ready(database, list_sweeps(database)[0].sweep_id)
    measured = work_off(database)
    database.close()
    with running_controller(tmp_path) as (_controller, address):
        told = asked(address)["earlier_errors"]
    assert 1 < told["count"] <= len(measured)
    assert told["least_known"] == told["most_known"] == len(NAMES[::2])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = begun_database(tmp_path)
    yield database
    database.close()


def predicted(database: Database, told: LastTold, judged_by: str | None = None) -> Any:
    """What is answered about all of the phone, and whatever is told of it for sweeps to come."""
    (phone,) = list_devices(database, frozenset([PHONE]))
    asking = Predictions(database, load_catalog(), ThreadPoolExecutor(1), told)
    question = PredictQuestion(device="phone", judged_by=judged_by)
    (setting,) = asyncio.run(asking.predict(phone, question)).settings
    return setting


def test_what_was_predicted_when_a_sweep_was_planned_is_judged_by_it(database: Database) -> None:
    known, others = NAMES[::2], NAMES[1::2]
    plain = RACE | {"race": None, "backbones": known}
    start_sweep(database, "phone", **plain)
    work_off(database)
    told = LastTold()
    before = predicted(database, told)
    assert before.earlier_errors is None
    spec = replace(SPEC, devices=("phone",), backbones=others)
    phones = list_devices(database, frozenset([PHONE]))
    foretold = told.told_of(plan_sweep(spec, phones, load_catalog()).jobs, load_catalog())
    medians = {each.backbone: each.latency_ms.value for each in before.predicted}
    assert {job.variant.backbone: each.median_ms for job, each in foretold.items()} == {
        name: medians[name] for name in others if name in medians
    }
    sweep_id = start_sweep(
        database, "phone", before=Before(foretold=foretold), **(plain | {"backbones": others})
    )
    work_off(database)
    errors = predicted(database, told).earlier_errors
    assert errors.count == len(foretold)
    assert errors.least_known == errors.most_known == len(known)
    assert errors.worst.predicted_ms == medians[errors.worst.backbone]
    assert errors.worst.measured_ms == pytest.approx(latency_ms(errors.worst.backbone), rel=0.01)
    assert predicted(database, told, sweep_id).earlier_errors == errors
    assert predicted(database, told, "another").earlier_errors is None
