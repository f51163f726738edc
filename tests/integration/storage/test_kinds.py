"""What a list of measurements has in memory is what is stored."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, type_coerce, update

from controller.api.queries import Queries, kinds
from controller.domain.catalog import AccuracyFigure, AccuracyMetric
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.own.accuracy import import_accuracies
from controller.state import attempts
from controller.state.artifacts import record_artifact
from controller.state.database import Database
from controller.state.devices.forgetting import forget
from controller.state.measurements import list_measurements
from controller.state.schema import artifacts
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from models.conversion.pipeline import Converted
from protos.inputs import square
from tests.integration.controller.conftest import (
    REFERENCE,
    OwnedClock,
    converted_of,
    start_sweep,
)
from tests.integration.controller.domain_samples import failed_report, measured_report
from tests.integration.controller.fleet.statements import heard
from tests.measured import record_report
from tests.processes.states import begun_database

PHONE = "id-of-phone"
MINE = MeasurementFilter(accuracy_dataset="mine")
VARIANT = Variant("MobileNetV1", Format.ONNX, Precision.FP32, Target.ANY, square(224))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = begun_database(tmp_path)
    bring_accuracy(database, 60.0)
    yield database
    database.close()


def asking(database: Database) -> Queries:
    fleet = Fleet(database, Changes(), OwnedClock(), "the-controllers-host")
    return Queries(database, load_catalog(), fleet)


def measure(database: Database, now_ms: int, *, fails: bool = False, **asked: Any) -> None:
    """A sweep of the phone to its end."""
    start_sweep(database, "phone", **asked)
    report = failed_report if fails else measured_report
    while (leased := attempts.lease_next(database, PHONE, now_ms)) is not None:
        record_report(database, PHONE, report(leased.attempt_id, leased.job_id), now_ms)


def bring_accuracy(database: Database, top1: float, now_ms: int = 1) -> None:
    figure = AccuracyFigure(
        row=2,
        backbone="MobileNetV1",
        dataset="mine",
        metric=AccuracyMetric.TOP1,
        value_percent=top1,
        precision=Precision.FP32,
        source="a test",
    )
    import_accuracies(database, [figure], load_catalog(), now_ms)


def make_again(database: Database, **other: Any) -> None:
    made: Converted = replace(converted_of(VARIANT), **other)
    record_artifact(database, made, now_unix_ms=5_000)


def told(queries: Queries) -> list[Measurement]:
    page = asyncio.run(queries.measurement_page(MINE, None, 100))
    assert page is not None
    return list(page.measurements)


CHANGES: dict[str, Callable[[Database], None]] = {
    "accuracy": lambda database: bring_accuracy(database, 61.0, 5_000),
    "reference": lambda database: make_again(
        database, reference=replace(REFERENCE, sha256="5e" * 32, tolerance=2e-4)
    ),
    "file": lambda database: make_again(database, sha256="ab" * 32, size_bytes=7),
    "forgotten": lambda database: forget(database, PHONE),
    "measured, and sentinels": lambda database: measure(database, 5_000, sentinel=True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_list_tells_what_is_stored_whatever_changes(database: Database, change: str) -> None:
    # What was measured keeps its file.
    measure(database, 1_000, threads=(1, 2), fails=change == "file")
    queries = asking(database)
    before = told(queries)
    assert before == list_measurements(database, MINE) != []
    CHANGES[change](database)
    after = told(queries)
    assert after == list_measurements(database, MINE) != before
    # So does one that remembers nothing.
    assert after == told(asking(database))


def test_what_a_list_tells_of_kinds_is_not_looked_up_again(database: Database) -> None:
    measure(database, 1_000, threads=(1, 2))
    queries = asking(database)
    before = told(queries)
    with heard(database) as asked:
        assert told(queries) == before
    assert not [each for each in asked if "FROM jobs" in each.text]


def test_a_list_with_more_kinds_than_are_kept_is_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_MOST", 1)
    measure(database, 1_000, threads=(1, 2, 3))
    queries = asking(database)
    assert told(queries) == told(queries) == list_measurements(database, MINE)


def test_a_file_whose_row_is_damaged_takes_no_other_with_it(database: Database) -> None:
    measure(database, 1_000, batches=(1, 2))
    whole = told(asking(database))
    with database.writing() as transaction:
        spoilt = update(artifacts).where(artifacts.c.batch == 2)
        transaction.execute(spoilt.values(weights=type_coerce("splendid", String)))
    queries = asking(database)
    assert told(queries) == told(queries) == list_measurements(database, MINE)
    assert told(queries) == [each for each in whole if each.batch == 1]
