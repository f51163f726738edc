"""A job whose settings rotted in the database fails by name, and the others go on."""

import pytest
from sqlalchemy import select, text

from controller.domain.jobs import JobState
from controller.fleet.agents import Fleet
from controller.state.database import Database
from controller.state.rounds.counts import read_counts
from controller.state.schema import jobs, measurements
from protos.fleet import ReportCommitted
from protos.reasons import ReasonCode
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said


def spoil(database: Database, settings: str, job_id: str | None = None) -> None:
    """Lets the settings of a job rot, or those of every job."""
    which = "" if job_id is None else " WHERE job_id = :job_id"
    with database.writing() as transaction:
        transaction.execute(
            text(f"UPDATE jobs SET settings = :settings{which}"),
            {"settings": settings, "job_id": job_id},
        )


def reasons(database: Database, sweep_id: str) -> list[ReasonCode]:
    """Why its jobs gave no figure, as it is stored; a listing leaves out what has no settings."""
    with database.transaction() as transaction:
        stored = transaction.scalars(
            select(measurements.c.reasons)
            .join(jobs, jobs.c.job_id == measurements.c.job_id)
            .where(jobs.c.sweep_id == sweep_id)
        ).all()
    return [each.code for reasons in stored for each in reasons]


@pytest.mark.parametrize("rotten", ["{", "[]", "null", '{"runtime": "onnxruntime"}'])
async def test_it_ends_and_a_sweep_behind_it_is_measured(
    database: Database, fleet: Fleet, rotten: str
) -> None:
    first = start_sweep(database, "phone", batches=(1, 2))
    spoil(database, rotten)
    second = start_sweep(database, "phone", batches=(3,))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    # Of two sweeps of one moment either is first.
    await fleet.ready(session)
    assert said(session) == []
    assert read_counts(database, first).jobs == {JobState.FAILED: 2}
    assert reasons(database, first) == [ReasonCode.JOB_UNREADABLE] * 2
    assert read_counts(database, second).jobs == {JobState.DONE: 1}


async def test_what_rots_while_it_is_measured_ends_with_the_report(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone", batches=(1, 2))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    spoil(database, "{", given.job_id)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    other = await lease(fleet, session)
    await fleet.report(session, measured_report(other.attempt_id, other.job_id))
    await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1, JobState.DONE: 1}
    assert ReasonCode.JOB_UNREADABLE in reasons(database, sweep_id)


async def test_its_agent_may_come_back_meanwhile(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone", batches=(1,))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    spoil(database, "{", given.job_id)
    again = await fleet.connect(hello("phone", held=(given.attempt_id,)))
    assert given.attempt_id not in again.leases


async def test_a_repetition_that_rots_fails_its_job_when_it_ends_and_no_other(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=2, batches=(1, 2))
    session = await fleet.connect(hello("phone"))
    for number in range(4):
        given = await lease(fleet, session)
        await fleet.report(session, measured_report(given.attempt_id, given.job_id))
        await fleet.ended()
        if number == 0:
            with database.writing() as transaction:
                transaction.execute(text("UPDATE repetitions SET latency_ns = 'rotten'"))
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1, JobState.DONE: 1}
    assert ReasonCode.JOB_UNREADABLE in reasons(database, sweep_id)
