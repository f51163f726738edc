"""What is predicted of jobs before they are measured: kept, judged then, and forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from controller.domain.measurements import MeasurementFilter
from controller.domain.rankings.predictions import Foretold
from controller.fleet.rounds.expecting import PIONEERS
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.devices.forgetting import forget
from controller.state.jobs import cancel_jobs
from controller.state.measurements import foretold, list_measurements
from controller.state.measurements.foretold import keep_foretold, list_measured_later
from controller.state.schema import earlier_predictions, jobs
from controller.sweeps.planning import plan_sweep
from controller.sweeps.starting import Before
from models.catalog.catalog import load_catalog
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import SPEC, hello
from tests.integration.controller.sweeps.races.test_races import NAMES, PHONE, RACE, work_off
from tests.processes.states import begun_database
from tests.recorded import record_sweep

CATALOG = load_catalog()
TOLD = Foretold(median_ms=5.5, low_ms=4.5, high_ms=6.5, confidence=0.9, known_count=12)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = begun_database(tmp_path)
    yield database
    database.close()


def job_ids(database: Database, sweep_id: str) -> dict[str, str]:
    """The jobs of a sweep by their backbones."""
    of_sweep = select(jobs.c.backbone, jobs.c.job_id).where(jobs.c.sweep_id == sweep_id)
    with database.transaction() as transaction:
        return dict(transaction.execute(of_sweep.order_by(jobs.c.job_id)).tuples().all())


def keep(database: Database, predicted: dict[str, Foretold]) -> None:
    with database.writing() as transaction:
        keep_foretold(transaction, PHONE, predicted)


def count(database: Database) -> int:
    with database.transaction() as transaction:
        return transaction.scalar(select(func.count()).select_from(earlier_predictions)) or 0


def test_it_is_judged_by_the_figure_of_its_job_once_there_is_one(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", backbones=NAMES[:3])
    ids = job_ids(database, sweep_id)
    keep(database, {ids[name]: TOLD for name in NAMES[:2]})
    assert list_measured_later(database, PHONE) == []
    work_off(database)
    figures = {
        each.backbone: each.latency.median_ms
        for each in list_measurements(database, MeasurementFilter(sweep_id=sweep_id))
        if each.latency is not None
    }
    found = list_measured_later(database, PHONE)
    assert {each.backbone: each.median_ms for each in found} == {
        name: figures[name] for name in NAMES[:2]
    }
    assert {each.foretold for each in found} == {TOLD}
    assert list_measured_later(database, PHONE, "another sweep") == []
    assert list_measured_later(database, PHONE, sweep_id) == found
    assert list_measured_later(database, "id-of-board") == []


def test_what_was_predicted_last_of_a_job_counts(database: Database) -> None:
    (job_id,) = job_ids(database, start_sweep(database, "phone", backbones=NAMES[:1])).values()
    keep(database, {job_id: TOLD})
    keep(database, {job_id: replace(TOLD, median_ms=6.0, known_count=20)})
    work_off(database)
    (found,) = list_measured_later(database, PHONE)
    assert (found.foretold.median_ms, found.foretold.known_count) == (6.0, 20)


def test_what_was_disturbed_is_not_judged(database: Database) -> None:
    sweep_id = record_sweep(database, 1.0, 1.01, waiting_share=0.5)
    keep(database, dict.fromkeys(job_ids(database, sweep_id).values(), TOLD))
    assert count(database) == 1
    assert list_measured_later(database, PHONE) == []


def kept(database: Database, *ids: str) -> set[str]:
    """Those of these jobs of which anything is remembered."""
    with database.transaction() as transaction:
        return set(ids) & set(transaction.scalars(select(earlier_predictions.c.job_id)))


def test_of_a_device_the_oldest_are_forgotten_those_that_were_measured_and_the_others_apart(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretold, "MOST_FORETOLD", 5)
    beside = job_ids(database, start_sweep(database, "board", backbones=NAMES[:1])).values()
    with database.writing() as transaction:
        keep_foretold(transaction, "id-of-board", dict.fromkeys(beside, TOLD))
    first = [*job_ids(database, start_sweep(database, "phone", backbones=NAMES[:6])).values()]
    keep(database, dict.fromkeys(first, TOLD))
    work_off(database)
    # As many as there may be in all: none is forgotten by now.
    then = [*job_ids(database, start_sweep(database, "phone", backbones=NAMES[:8])).values()]
    keep(database, dict.fromkeys(then[:4], TOLD))
    assert kept(database, *first, *then) == {*first, *then[:4]}
    keep(database, dict.fromkeys(then[4:], TOLD))
    assert kept(database, *first) == set(first[1:])
    assert kept(database, *then) == set(then[-5:])
    assert kept(database, *beside) == set(beside)


def test_a_sweep_that_is_cancelled_forgets_nothing_that_was_judged_and_goes_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foretold, "MOST_FORETOLD", 5)
    measured = [*job_ids(database, start_sweep(database, "phone", backbones=NAMES[:5])).values()]
    keep(database, dict.fromkeys(measured, TOLD))
    work_off(database)
    cancelled = start_sweep(database, "phone", backbones=NAMES[:5])
    keep(database, dict.fromkeys(job_ids(database, cancelled).values(), TOLD))
    cancel_jobs(database, cancelled)
    assert count(database) == 10
    (last,) = job_ids(database, start_sweep(database, "phone", backbones=NAMES[:1])).values()
    keep(database, {last: TOLD})
    assert count(database) == 6
    assert kept(database, *measured, last) == {*measured, last}


def test_a_race_keeps_what_it_predicted_of_those_that_it_measures_then(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=(1, 10), **RACE)
    taken = work_off(database)
    found = {each.backbone: each for each in list_measured_later(database, PHONE, sweep_id)}
    assert found
    # Nothing was expected of the first, and nothing is kept of those that were never measured.
    assert found.keys() <= set(taken) - set(taken[:PIONEERS])
    assert count(database) == len(found)
    for each in found.values():
        assert each.foretold.known_count >= PIONEERS
        assert each.foretold.low_ms <= each.foretold.median_ms <= each.foretold.high_ms


def test_what_was_told_before_a_sweep_is_kept_of_the_jobs_that_it_begins_with(
    database: Database,
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    devices = list_devices(database, connected=frozenset([PHONE]))
    for asked in (RACE | {"race": None}, RACE):
        spec = replace(SPEC, devices=("phone",), **asked)
        before = Before(foretold=dict.fromkeys(plan_sweep(spec, devices, CATALOG).jobs, TOLD))
        sweep_id = start_sweep(database, "phone", before=before, **asked)
        ids = job_ids(database, sweep_id).values()
        with database.transaction() as transaction:
            told = transaction.scalars(
                select(earlier_predictions.c.job_id).where(earlier_predictions.c.job_id.in_(ids))
            ).all()
        if spec.race is None:
            assert len(told) == len(NAMES)
        else:
            # Of those that a race may never measure nothing is kept.
            assert PIONEERS <= len(told) < len(NAMES)
        work_off(database)
        # The race expects of the others what the sweep before measured, which is no prediction.
        assert len(list_measured_later(database, PHONE, sweep_id)) == len(told)


def test_with_its_device_it_is_forgotten(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", backbones=NAMES[:2])
    keep(database, dict.fromkeys(job_ids(database, sweep_id).values(), TOLD))
    forget(database, PHONE)
    assert count(database) == 0
