"""What is read in columns is what whole measurements say."""

import asyncio
import threading
from contextlib import AsyncExitStack, aclosing
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import (
    Column,
    LargeBinary,
    String,
    func,
    select,
    text,
    type_coerce,
    update,
)

from controller.api.queries import Queries
from controller.api.queries import exporting as of_exports
from controller.api.queries import known as known_devices
from controller.api.queries.exporting import stream_after
from controller.api.queries.known import KnownDevices
from controller.api.queries.rankings import Rankings
from controller.domain.measurements import MeasurementFilter
from controller.domain.rankings import Constraints
from controller.domain.rankings.rows import TIMES, table_of
from controller.fleet.agents import Fleet
from controller.ranking.entries.columns import Columns
from controller.ranking.entries.making import columns_of
from controller.ranking.ranking import rank
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.measurements import candidates as of_candidates
from controller.state.measurements import exporting, list_measurements
from controller.state.measurements.candidates import Damaged, read_candidates
from controller.state.measurements.figures import keep_figures, read_figures
from controller.state.measurements.pages import list_newest
from controller.state.measurements.stamps import counts_by_device
from controller.state.schema import candidates, jobs, measurements, repetitions
from controller.views.export import read_tables, table_of_whole
from models.catalog.catalog import IMAGENET, load_catalog
from tests.integration.controller.fleet.statements import heard
from tests.integration.controller.sweeps.test_newest import ALL, PHONE, measure

WITH_SAMPLES = MeasurementFilter(with_samples=True)


def measured_twice(database: Database) -> None:
    """Some things once, some anew, and others of three threads."""
    measure(database, 5, 8, now_ms=1_000)
    measure(database, 6, 0, now_ms=2_000)
    measure(database, 7, 9, 8, now_ms=3_000, threads=3)


def _columns(database: Database) -> Columns:
    """What a controller that was started again ranks by."""
    known = KnownDevices(database, load_catalog())
    (now,) = known.standing(list_devices(database, frozenset()))
    return known.columns(now, Constraints(), IMAGENET).columns


def _said(columns: Columns) -> list[tuple[object, ...]]:
    """What each row says, whichever codes it says it by."""
    words, rows = columns.words, range(len(columns))
    coded = (
        (words.kinds, columns.kind),
        (words.runtimes, columns.runtime),
        (words.precisions, columns.precision),
        (words.weights, columns.weights),
        (words.formats, columns.format),
        (words.input_sizes, columns.input_size),
        (words.distinctions, columns.distinction),
    )
    meant = [[list(told)[code] for code in codes] for told, codes in coded]
    plain = ("threads", "batch", "verdict", "is_emulated", "has_latency")
    figures = (*TIMES, "peak_bytes", "least_peak_bytes", "artifact_bytes", "params_m", "top1")
    own = [getattr(columns, name).tolist() for name in plain]
    own += [np.nan_to_num(getattr(columns, name), nan=-1).tolist() for name in figures]
    alike = [np.flatnonzero(columns.thing == thing).tolist() for thing in columns.thing]
    orders = [np.argsort(np.argsort(each)).tolist() for each in (columns.place, columns.id_place)]
    return list(zip(columns.measurement_ids(rows), alike, *meant, *own, *orders, strict=True))


def test_figures_are_those_of_whole_measurements(database: Database) -> None:
    measured_twice(database)
    whole = columns_of(table_of(list_newest(database, ALL)))
    assert _said(_columns(database)) == _said(whole)


def test_what_is_measured_again_is_of_the_same_candidate(database: Database) -> None:
    measured_twice(database)
    every = list_measurements(database, ALL)
    with database.transaction() as transaction:
        count = transaction.scalar(select(func.count()).select_from(candidates))
    assert count == len({each.threads for each in every}) < len(every)


def test_what_was_read_of_candidates_is_not_read_again(database: Database) -> None:
    measured_twice(database)
    rankings = Rankings(database, load_catalog())
    (device,) = list_devices(database, frozenset())
    rankings.rank(device, Constraints(), IMAGENET)
    measure(database, 4, now_ms=4_000, threads=1)
    with heard(database) as asked:
        rankings.rank(device, Constraints(), IMAGENET)
    assert not [each.text for each in asked if "candidates" in each.text]


def test_a_candidate_that_is_damaged_makes_its_device_be_read_whole(database: Database) -> None:
    measured_twice(database)
    (device,) = list_devices(database, frozenset())
    told = Rankings(database, load_catalog()).rank(device, Constraints(), IMAGENET)
    with database.writing() as transaction:
        transaction.execute(update(candidates).values(batch=type_coerce("many", String)))
    ids = read_figures(database, PHONE).rows["candidate_id"].tolist()
    with database.transaction() as transaction, pytest.raises(Damaged):
        read_candidates(transaction, sorted(set(ids)), IMAGENET)
    assert Rankings(database, load_catalog()).rank(device, Constraints(), IMAGENET) == told


@pytest.mark.parametrize("close", [0, 1_000])
def test_candidates_are_the_same_however_they_are_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch, close: int
) -> None:
    measured_twice(database)
    wanted = sorted(set(read_figures(database, PHONE).rows["candidate_id"].tolist()))[::2]
    monkeypatch.setattr(of_candidates, "_CLOSE", close)
    with database.transaction() as transaction:
        read = read_candidates(transaction, wanted, IMAGENET)
        one_by_one = [read_candidates(transaction, [each], IMAGENET) for each in wanted]
    assert list(read.ids) == wanted
    assert list(read.table.threads) == [each.table.threads[0] for each in one_by_one]


def test_a_ranking_by_columns_is_that_of_whole_measurements(database: Database) -> None:
    measured_twice(database)
    catalog = load_catalog()
    (device,) = list_devices(database, frozenset())
    rankings = Rankings(database, catalog)
    for constraints in (Constraints(), Constraints(max_latency_ms=6.5), Constraints(threads=2)):
        asked = rankings.listed(device, constraints, IMAGENET, 1)
        runtimes = tuple(info.runtime for info in device.profile.working_runtimes)
        every = list_measurements(database, ALL)
        assert asked == rank(device.name, every, constraints, catalog, runtimes, most=1)
        measure(database, 4, now_ms=4_000, threads=1)


def test_of_a_device_that_is_known_only_what_came_since_is_read(database: Database) -> None:
    measured_twice(database)
    catalog = load_catalog()
    (device,) = list_devices(database, frozenset())
    known = Rankings(database, catalog)
    known.rank(device, Constraints(), IMAGENET)
    keep_figures(database, PHONE)
    kept_until = known_until = counts_by_device(database)[PHONE]
    for number, (latencies_ms, now_ms) in enumerate(
        (((4, 3), 4_000), ((9,), 500), ((0, 2), 5_000))
    ):
        before = {each.measurement_id for each in list_measurements(database, ALL)}
        measure(database, *latencies_ms, now_ms=now_ms, threads=len(latencies_ms))
        came = {each.measurement_id for each in list_measurements(database, ALL)} - before
        within = Constraints(max_latency_ms=20 + number)
        with heard(database) as asked:
            told = known.rank(device, within, IMAGENET)
        assert told == Rankings(database, catalog).rank(device, within, IMAGENET)
        [since] = [each for each in asked if "has_latency" in each.text]
        assert kept_until in since.parameters
        known_until += len(came)
        assert counts_by_device(database) == {PHONE: known_until}


def test_rows_are_made_that_memory_does_not_hold_all_of(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_twice(database)
    monkeypatch.setattr(known_devices, "_MOST_WHOLE", 1)
    known = KnownDevices(database, load_catalog())
    (now,) = known.standing(list_devices(database, frozenset()))
    here = known.columns(now, Constraints(), IMAGENET)
    made = here.whole(here.rows.tolist())
    assert [each.measurement_id for each in made] == here.columns.measurement_ids(here.rows)
    assert len(made) > 1


def test_what_is_damaged_is_left_out_of_a_ranking_and_an_older_one_counts(
    database: Database,
) -> None:
    measure(database, 5, now_ms=1_000, threads=1)
    measure(database, 6, now_ms=2_000, threads=1)
    (device,) = list_devices(database, frozenset())
    rankings = Rankings(database, load_catalog())
    newest = rankings.rank(device, Constraints(), IMAGENET).winner
    assert newest is not None
    with database.writing() as transaction:
        spoilt = measurements.c.measurement_id == newest.measurement.measurement_id
        transaction.execute(update(measurements).where(spoilt).values(busy_threads=-1))
    anew = Rankings(database, load_catalog())
    older = anew.rank(device, Constraints(), IMAGENET).winner
    assert older is not None
    assert older.measurement.measurement_id != newest.measurement.measurement_id


def test_an_export_in_columns_is_that_of_whole_measurements(database: Database) -> None:
    measured_twice(database)
    stream, last = stream_after(database, WITH_SAMPLES, None)
    (table,) = read_tables([stream])
    assert last is None
    assert table.equals(table_of_whole(list_measurements(database, WITH_SAMPLES)))
    assert table.num_rows == 7


@pytest.mark.parametrize(("limit", "value"), [("_ROWS", 2), ("_SAMPLES_BYTES", 1)])
def test_pages_of_an_export_are_together_all_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    measured_twice(database)
    monkeypatch.setattr(exporting, limit, value)
    streams: list[bytes] = []
    last = None
    while not streams or last is not None:
        stream, last = stream_after(database, WITH_SAMPLES, last)
        streams.append(stream)
    whole = table_of_whole(list_measurements(database, WITH_SAMPLES))
    assert len(streams) >= whole.num_rows / 2
    assert pa.concat_tables(read_tables(streams)).combine_chunks().equals(whole)


async def test_an_export_that_nobody_goes_on_reading_keeps_no_ranking_waiting(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_twice(database)
    monkeypatch.setattr(exporting, "_ROWS", 1)
    queries = Queries(database, load_catalog(), fleet)
    async with AsyncExitStack() as reading:
        for _ in range(4):
            pages = await reading.enter_async_context(aclosing(queries.export_pages(ALL)))
            await anext(pages)
        ranking = await asyncio.wait_for(queries.rank("phone", Constraints(), IMAGENET), 60)
    assert ranking.device == "phone"


async def test_pages_of_exports_that_take_long_keep_no_ranking_waiting(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_twice(database)
    may_go_on = threading.Event()

    def read_late(*asked: Any) -> Any:
        may_go_on.wait()
        return stream_after(*asked)

    monkeypatch.setattr(of_exports, "stream_after", read_late)
    queries = Queries(database, load_catalog(), fleet)
    async with AsyncExitStack() as reading:
        exports = [
            await reading.enter_async_context(aclosing(queries.export_pages(ALL))) for _ in range(4)
        ]
        # However this ends, before they are closed.
        reading.callback(may_go_on.set)
        firsts = [asyncio.ensure_future(anext(each)) for each in exports]
        ranking = await asyncio.wait_for(queries.rank("phone", Constraints(), IMAGENET), 60)
        may_go_on.set()
        assert all(await asyncio.gather(*firsts))
    assert ranking.device == "phone"


def test_an_export_leaves_out_what_nobody_asked_for_and_keeps_the_samples_of_the_others(
    database: Database,
) -> None:
    measured_twice(database)
    every = list_measurements(database, WITH_SAMPLES)
    unasked = [every[0].job_id, every[3].job_id]
    of_one = jobs.c.job_id.in_(unasked)
    with database.writing() as transaction:
        alone = measurements.c.job_id.in_(unasked)
        transaction.execute(update(measurements).where(alone).values(candidate_id=99))
        transaction.execute(update(jobs).where(of_one).values(is_sentinel=True))
    (table,) = read_tables([stream_after(database, WITH_SAMPLES, None)[0]])
    kept = [each for each in every if each.job_id not in unasked]
    assert len(kept) == len(every) - 2
    assert table.equals(table_of_whole(kept))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (measurements.c.verdict, "splendid"),
        (measurements.c.latency, "{}"),
        (measurements.c.memory, '{"peak_rss_bytes": "much"}'),
        (measurements.c.affinity, "7"),
    ],
)
def test_what_is_damaged_is_left_out_of_an_export(
    database: Database, column: Column[Any], value: str
) -> None:
    measured_twice(database)
    first, *others = list_measurements(database, WITH_SAMPLES)
    with database.writing() as transaction:
        transaction.execute(
            text(f"UPDATE measurements SET {column.name} = :value WHERE measurement_id = :id"),
            {"value": value, "id": first.measurement_id},
        )
    (table,) = read_tables([stream_after(database, WITH_SAMPLES, None)[0]])
    assert table["measurement_id"].to_pylist() == [each.measurement_id for each in others]


def test_samples_that_cannot_be_read_leave_their_own_row_out_of_an_export(
    database: Database,
) -> None:
    measured_twice(database)
    first, second, *others = list_measurements(database, WITH_SAMPLES)
    spoilt = {first.job_id: b"\xff" * 8, second.job_id: b"\x01" * 12}
    with database.writing() as transaction:
        for job_id, packed in spoilt.items():
            of_job = repetitions.c.job_id == job_id
            transaction.execute(
                update(repetitions)
                .where(of_job)
                .values(latency_ns=type_coerce(packed, LargeBinary))
            )
    stream, last = stream_after(database, WITH_SAMPLES, None)
    (table,) = read_tables([stream])
    assert last is None
    kept = [each.measurement_id for each in list_measurements(database, WITH_SAMPLES)]
    assert kept == [each.measurement_id for each in others]
    assert table["measurement_id"].to_pylist() == kept
