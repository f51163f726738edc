"""Figures that come after a report was acknowledged: none is lost, none is there twice."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import insert, select

from controller.api.rpc.reporting import Reporting
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.measurements import MeasurementFilter
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.rounds import deriving
from controller.fleet.rounds.finishing import Derived, Finished, derive
from controller.state import jobs
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.rounds.counts import read_counts
from controller.state.schema import jobs as jobs_table
from controller.state.schema import repetitions, turns
from controller.state.sweeps import find_sweep
from protos.fleet import ReportCommitted
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said


def refuse(_database: Database, _finished: Sequence[Finished]) -> list[Derived]:
    raise EdgerankError(ErrorCode.STORAGE, "the disk is full")


def repeat(database: Database, job_id: str) -> None:
    """Another repetition, like the first one."""
    with database.writing() as transaction:
        for table in (turns, repetitions):
            (row,) = transaction.execute(select(table).where(table.c.job_id == job_id)).mappings()
            transaction.execute(insert(table).values({**row, "ordinal": row["ordinal"] + 1}))


async def acknowledged(fleet: Fleet, name: str) -> None:
    """The one report of a device, which says that it has what it needs."""
    session = await fleet.connect(hello(name))
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]


async def test_what_is_acknowledged_ends_where_a_controller_is_started_again(
    database: Database, fleet: Fleet, clock: OwnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone")
    with monkeypatch.context() as patch:
        patch.setattr(deriving, "derive", refuse)
        await acknowledged(fleet, "phone")
        await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.QUEUED: 1}
    await fleet.close()
    again = Fleet(database, Changes(), clock, "the-controllers-host")
    await again.recover()
    await again.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}
    assert find_sweep(database, sweep_id).phase is SweepPhase.ENDED
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_what_cannot_be_ended_holds_up_no_other_and_ends_at_the_next_look(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps = {name: start_sweep(database, name) for name in ("phone", "board")}
    with database.transaction() as transaction:
        asked = select(jobs_table.c.job_id).where(jobs_table.c.sweep_id == sweeps["phone"])
        mine = transaction.scalars(asked).one()

    def fails_of_phone(database: Database, finished: Sequence[Finished]) -> list[Derived]:
        derived = derive(database, finished)
        if any(each.job_id == mine for each in derived):
            raise EdgerankError(ErrorCode.STORAGE, "the disk is full")
        return derived

    with monkeypatch.context() as patch:
        patch.setattr(deriving, "derive", fails_of_phone)
        await asyncio.gather(*(acknowledged(fleet, name) for name in sweeps))
        await fleet.ended()
    states = {name: read_counts(database, sweep_id).jobs for name, sweep_id in sweeps.items()}
    assert states == {"phone": {JobState.QUEUED: 1}, "board": {JobState.DONE: 1}}
    await fleet.look_after_leases()
    await fleet.ended()
    assert read_counts(database, sweeps["phone"]).jobs == {JobState.DONE: 1}
    assert len(list_measurements(database, MeasurementFilter())) == 2


async def test_one_job_without_figures_for_a_defect_of_ours_keeps_no_other_of_its_sweep_open(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    bad: list[str] = []

    def fails_of_one(database: Database, finished: Sequence[Finished]) -> list[Derived]:
        derived = derive(database, finished)
        bad.extend([] if bad else [derived[0].job_id])
        if any(each.job_id in bad for each in derived):
            raise ZeroDivisionError
        return derived

    with monkeypatch.context() as patch:
        patch.setattr(deriving, "derive", fails_of_one)
        session = await fleet.connect(hello("phone"))
        for _ in range(2):
            given = await lease(fleet, session)
            await fleet.report(session, measured_report(given.attempt_id, given.job_id))
        await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.QUEUED: 1, JobState.DONE: 1}
    # It failed twice, and is tried at every second look.
    for _ in range(2):
        await fleet.look_after_leases()
    await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 2}


async def test_who_cancels_a_sweep_has_the_figures_of_what_was_acknowledged(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone")
    with monkeypatch.context() as patch:
        patch.setattr(deriving, "derive", refuse)
        await acknowledged(fleet, "phone")
        await fleet.ended()
    await fleet.end_complete(lambda place: place.sweep_id == sweep_id)
    jobs.cancel_jobs(database, sweep_id)
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_what_is_repeated_while_figures_are_derived_is_among_what_they_are_of(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone")
    derived_of: list[int] = []

    def derive_meanwhile(database: Database, finished: Sequence[Finished]) -> list[Derived]:
        derived = derive(database, finished)
        derived_of.extend(each.own_count for each in derived)
        if len(derived_of) == 1:
            repeat(database, finished[0].job_id)
        return derived

    monkeypatch.setattr(deriving, "derive", derive_meanwhile)
    await acknowledged(fleet, "phone")
    await fleet.ended()
    assert derived_of == [1, 2]
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}
    (measured,) = list_measurements(database, MeasurementFilter())
    assert measured.latency is not None
    assert measured.latency.repetition_count == 2


async def test_a_stream_that_breaks_while_its_report_is_committed_leaves_no_job_open(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    report = measured_report(given.attempt_id, given.job_id)

    async def hear() -> None:
        reporting = Reporting()
        with reporting.heard_beside():
            reporting.begin(fleet.report(session, report))
            await reporting.rest()

    hearing = asyncio.create_task(hear())
    await asyncio.sleep(0)
    hearing.cancel()
    await asyncio.wait([hearing])
    # Written after it, as one thread writes.
    assert hearing.cancelled()
    assert await fleet.commits.write(read_counts, sweep_id)
    await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}
