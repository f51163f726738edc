"""Of what is measured again the newest is read by an index, and answers are what they were."""

import asyncio
from dataclasses import replace
from typing import Any

from sqlalchemy import event, update

from controller.api.queries import Queries
from controller.domain.access import Caller, CallerKind
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.rankings import Constraints
from controller.domain.rankings.explanations import ExplainQuestion
from controller.domain.rankings.pages import RankingPage, RankingPageQuestion
from controller.fleet.agents import Fleet
from controller.ranking.ranking import rank
from controller.ranking.standing.listing import listed
from controller.state import attempts
from controller.state.database import Database
from controller.state.devices import enrol, remove, rename
from controller.state.devices.forgetting import forget
from controller.state.measurements import list_measurements
from controller.state.measurements.figures import read_figures
from controller.state.measurements.pages import Place, list_newest, read_page
from controller.state.measurements.stamps import counts_by_device
from controller.state.schema import measurements
from models.catalog.catalog import IMAGENET, load_catalog
from protos.runtimes import Runtime
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.statements import heard
from tests.measured import record_report

ALL = MeasurementFilter()
PHONE = "id-of-phone"


def measure(
    database: Database, *latencies_ms: int, now_ms: int, threads: int = 2, first: int = 1
) -> None:
    """A sweep of the phone with a job for each thread, each with the next latency; 0 fails."""
    start_sweep(database, "phone", threads=tuple(range(first, threads + 1)))
    for latency_ms in latencies_ms:
        leased = attempts.lease_next(database, PHONE, now_ms)
        assert leased is not None
        told = leased.attempt_id, leased.job_id
        report = (
            measured_report(*told, latency_ms * 1_000_000) if latency_ms else failed_report(*told)
        )
        record_report(database, PHONE, report, now_ms)


def ranked(found: list[Measurement], constraints: Constraints) -> object:
    return rank("phone", found, constraints, load_catalog())


def ids(found: list[Measurement]) -> list[str]:
    return [each.measurement_id for each in found]


def test_a_ranking_of_the_newest_is_that_of_all(database: Database) -> None:
    measure(database, 5, 8, now_ms=1_000)
    measure(database, 6, 0, now_ms=2_000)
    measure(database, 7, 9, now_ms=3_000)
    # What a clock that was set back calls older is no newer for it.
    measure(database, 4, 0, now_ms=500)
    every, newest = list_measurements(database, ALL), list_newest(database, ALL)
    assert len(newest) < len(every) == 8
    assert set(ids(newest)) < set(ids(every))
    verdicts = {each.verdict for each in every} - {Verdict.FAILED}
    for only in ((), *((verdict,) for verdict in verdicts), (Verdict.THROTTLED,)):
        wanted = Constraints(only=only)
        assert ranked(newest, wanted) == ranked(every, wanted)


def test_one_that_cannot_be_read_hides_none_that_can(database: Database) -> None:
    measure(database, 5, now_ms=1_000, threads=1)
    measure(database, 6, now_ms=2_000, threads=1)
    (newest,) = list_newest(database, ALL)
    with database.writing() as transaction:
        spoilt = measurements.c.measurement_id == newest.measurement_id
        transaction.execute(update(measurements).where(spoilt).values(busy_threads=-1))
    assert ids(list_newest(database, ALL)) == ids(list_measurements(database, ALL))
    assert len(list_newest(database, ALL)) == 1


def test_pages_are_all_of_it_in_its_order(database: Database) -> None:
    measure(database, 5, 8, 7, now_ms=1_000, threads=3)
    measure(database, 6, 0, 9, now_ms=1_000, threads=3)
    for wanted in (ALL, MeasurementFilter(device="phone", with_samples=True)):
        read: list[Measurement] = []
        last: Place | None = None
        while True:
            page = read_page(database, wanted, last, count=2)
            assert len(page.measurements) <= 2
            read += page.measurements
            if (last := page.last) is None:
                break
        assert sorted(ids(read)) == sorted(ids(list_measurements(database, wanted)))
        assert newest_first(database, wanted) == ids(read)[::-1]
        assert {len(each.repetitions) for each in read if each.latency} == {
            int(wanted.with_samples)
        }


def newest_first(database: Database, wanted: MeasurementFilter) -> list[str]:
    """Ids by pages of two."""
    page = read_page(database, wanted, None, count=2, newest_first=True)
    read = ids(list(page.measurements))
    while page.last is not None:
        page = read_page(database, wanted, page.last, count=2, newest_first=True)
        read += ids(list(page.measurements))
    return read


def test_what_is_remembered_is_what_would_be_found(database: Database, fleet: Fleet) -> None:
    queries = Queries(database, load_catalog(), fleet)
    measure(database, 5, 8, now_ms=1_000)
    first = asyncio.run(queries.rank("phone", Constraints(), IMAGENET, 0))
    assert first == asyncio.run(queries.rank("phone", Constraints(), IMAGENET, 0))
    whole = asyncio.run(queries.rank("phone", Constraints(), IMAGENET))
    assert first == listed(whole, 0)
    assert (first.others, first.other_count) == ((), len(whole.others))
    measure(database, 3, 2, now_ms=2_000)
    again = asyncio.run(queries.rank("phone", Constraints(), IMAGENET, 0))
    assert again.winner != first.winner
    rename(database, PHONE, "tablet", Caller(caller=CallerKind.OWNER), 3_000)
    renamed = asyncio.run(queries.rank("tablet", Constraints(), IMAGENET, 0))
    assert renamed.winner is not None
    assert renamed.winner.measurement.device == "tablet"
    assert renamed.winner.measurement.runtime is Runtime.ONNXRUNTIME


def rounded(page: RankingPage) -> list[int]:
    """Medians, ms."""
    figures = [each.measurement.latency for each in page.others]
    return [round(each.median_ms) for each in figures if each is not None]


def test_a_page_goes_on_where_the_one_before_ended(database: Database, fleet: Fleet) -> None:
    queries = Queries(database, load_catalog(), fleet)
    measure(database, 5, 50, 70, 90, now_ms=1_000, threads=4)
    asked = RankingPageQuestion(device="phone", most=2)
    first = asyncio.run(queries.ranking_page(asked))
    assert rounded(first) == [50, 70]
    # Who stood where it ended is measured again, and what stood there is no candidate any more.
    again = first.others[-1].measurement.threads
    measure(database, 99, now_ms=2_000, threads=again, first=again)
    rest = asyncio.run(queries.ranking_page(replace(asked, after=first.last)))
    assert (rounded(rest), rest.last) == ([90, 99], None)


def test_a_name_that_was_free_again_is_explained_once(database: Database, fleet: Fleet) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    owner = Caller(caller=CallerKind.OWNER)
    rename(database, PHONE, "other", owner, 1)
    second = replace(hello("phone"), device_id="id-of-second")
    enrol(database, second, now_unix_ms=2)
    remove(database, "id-of-second", owner, 3)
    rename(database, PHONE, "phone", owner, 4)
    measure(database, 5, 8, now_ms=1_000)
    question = ExplainQuestion(backbone="MobileNetV1")
    found = asyncio.run(Queries(database, load_catalog(), fleet).explain(question))
    assert [each.device for each in found.on_devices] == ["phone"]


def test_the_newest_are_found_by_their_own_index(database: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, told: str, values: Any, *_: object) -> None:
        asked.append((told, values))

    event.listen(database.engine, "before_cursor_execute", note)
    for wanted in (ALL, MeasurementFilter(device="phone"), MeasurementFilter(backbone="X")):
        asked.clear()
        list_newest(database, wanted)
        [(statement, values)] = [each for each in asked if each[0].startswith("SELECT")]
        with database.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [step.detail for step in plan]
        [of_measurements] = [each for each in steps if "measurements" in each]
        assert "ix_measurements_newest" in of_measurements


def test_what_came_since_is_found_by_the_number_on_its_device(database: Database) -> None:
    measure(database, 5, now_ms=1_000)
    with heard(database) as asked:
        read_figures(database, PHONE)
    of_measurements = [each for each in asked if "FROM measurements" in each.text]
    assert len(of_measurements) == 2
    with database.engine.connect() as connection:
        for each in of_measurements:
            told = f"EXPLAIN QUERY PLAN {each.text}"
            plan = connection.exec_driver_sql(told, each.parameters)
            (found,) = [step.detail for step in plan if "measurements" in step.detail]
            assert found.startswith("SEARCH")
            assert "ix_measurements_device_id_ordinal" in found


def test_counts_follow_what_is_measured_and_what_goes(database: Database) -> None:
    assert counts_by_device(database) == {}
    measure(database, 5, 8, now_ms=1_000)
    assert counts_by_device(database) == counts_by_device(database, PHONE) == {PHONE: 2}
    # Of a sweep that is known, and of one that is not.
    measure(database, 6, now_ms=2_000)
    measure(database, 7, 0, now_ms=3_000)
    assert counts_by_device(database) == {PHONE: len(list_measurements(database, ALL))}
    forget(database, PHONE)
    assert counts_by_device(database) == {}
    enrol(database, hello("phone"), now_unix_ms=4_000)
    measure(database, 5, now_ms=5_000)
    assert counts_by_device(database) == {PHONE: 1}
