"""Races go on beside what devices report: nobody's report waits for what a race computes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.sweeps.races import Race
from controller.fleet.clock import SystemClock
from controller.fleet.reports import Recorded, record_report
from controller.fleet.rounds.following import Races
from controller.state import attempts
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, Transaction
from controller.state.rounds.counts import SweepCounts, read_counts
from controller.state.rounds.courses import Place
from models.catalog.catalog import load_catalog
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import measured_report

PHONE = "id-of-phone"


def raced(database: Database) -> tuple[Place, list[Recorded]]:
    """Where one and two threads race, each of which had a process, and what became of these."""
    store_catalog(database, load_catalog())
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 10), race=Race())
    recorded: list[Recorded] = []
    while (leased := attempts.lease_next(database, PHONE, 0)) is not None:
        latency_ns = 8_000_000 // leased.settings.threads
        report = measured_report(leased.attempt_id, leased.job_id, latency_ns)
        recorded.append(record_report(database, PHONE, report, 1_000))
    return Place(sweep_id=sweep_id, device_id=PHONE), recorded


def counts(database: Database, place: Place) -> SweepCounts:
    return read_counts(database, place.sweep_id)


def failing_once(database: Database) -> Database:
    """The same, whose first transaction fails as that of a full disk does."""
    failures = [EdgerankError(ErrorCode.STORAGE, "the disk is full")]

    @contextmanager
    def part() -> Iterator[Transaction]:
        if failures:
            raise failures.pop()
        with database.writing() as transaction:
            yield transaction

    return replace(database, part=part)


def test_the_last_report_of_a_round_says_where_the_race_is_to_go_on_and_decides_nothing(
    database: Database,
) -> None:
    place, recorded = raced(database)
    assert [each.race for each in recorded[:-1]] == [None] * (len(recorded) - 1)
    assert recorded[-1].race == place
    assert counts(database, place).still_racing is None
    assert JobState.QUEUED in counts(database, place).jobs


def test_a_race_that_could_not_go_on_goes_on_at_the_next_look(database: Database) -> None:
    place, _ = raced(database)
    told: list[str] = []

    async def look_twice() -> None:
        races = Races(failing_once(database), SystemClock(), told.append)
        races.soon((place,))
        await races.rest()
        assert told == []
        assert counts(database, place).still_racing is None
        races.soon()
        await races.rest()

    asyncio.run(look_twice())
    assert told == [PHONE]
    assert counts(database, place).still_racing == 0
    assert counts(database, place).jobs == {JobState.DONE: 2}
