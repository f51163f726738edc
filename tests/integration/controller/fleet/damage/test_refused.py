"""A report that cannot be taken ends its job as a failure, once, and its agent is told so."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.domain.jobs import JobState
from controller.fleet.agents import Fleet
from controller.fleet.reports import SaidReport, UnreadableReport
from controller.state.database import Database
from controller.state.measurements import list_outcomes
from controller.state.rounds.counts import read_counts
from protos.fleet import FEATURES, Hello, ReportCommitted, ReportRefused
from protos.reasons import ReasonCode
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said


def knowing_refusals() -> Hello:
    return replace(hello("phone"), features=FEATURES)


def unbelievable(attempt_id: str, job_id: str) -> SaidReport:
    return replace(measured_report(attempt_id, job_id), ended_at_unix_ms=-1)


def unreadable(attempt_id: str, job_id: str) -> SaidReport:
    return UnreadableReport(
        attempt_id=attempt_id,
        job_id=job_id,
        started_at_unix_ms=0,
        ended_at_unix_ms=2**63 - 1,
        waited_ms=2**64 - 1,
        detail="Runtime 9 is not known",
    )


@pytest.mark.parametrize("spoil", [unbelievable, unreadable])
async def test_the_job_fails_once_and_the_agent_is_told_why_as_often_as_it_asks(
    database: Database, fleet: Fleet, spoil: Callable[[str, str], SaidReport]
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(knowing_refusals())
    given = await lease(fleet, session)
    for _ in range(2):
        await fleet.report(session, spoil(given.attempt_id, given.job_id))
        await fleet.ended()
    first, second = said(session)
    assert first == second
    assert isinstance(first, ReportRefused)
    assert first.attempt_id == given.attempt_id
    (outcome,) = list_outcomes(database, sweep_id)
    assert [each.code for each in outcome.reasons] == [ReasonCode.RUBBISH]
    assert outcome.reasons[0].words["detail"] == first.why
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}


async def test_a_sound_report_after_a_refused_one_of_the_same_attempt_changes_nothing(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(knowing_refusals())
    given = await lease(fleet, session)
    await fleet.report(session, unreadable(given.attempt_id, given.job_id))
    (refused,) = said(session)
    assert isinstance(refused, ReportRefused)
    assert "Runtime 9" in refused.why
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}


@pytest.mark.parametrize("attempt_id", ["of-nobody", "", "a\0b", "x" * 20_000])
async def test_a_report_of_an_attempt_that_nobody_made_is_refused_and_ends_nothing(
    database: Database, fleet: Fleet, attempt_id: str
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(knowing_refusals())
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(attempt_id, "j"))
    await fleet.ended()
    (refused,) = said(session)
    assert isinstance(refused, ReportRefused)
    assert refused.attempt_id == attempt_id
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}


async def test_a_report_of_which_not_even_the_attempt_can_be_read_is_refused_and_ends_nothing(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(knowing_refusals())
    given = await lease(fleet, session)
    await fleet.report(session, unreadable("", ""))
    (refused,) = said(session)
    assert isinstance(refused, ReportRefused)
    assert (refused.attempt_id, "Runtime 9" in refused.why) == ("", True)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}


async def test_an_agent_that_knows_no_refusal_is_told_to_forget_its_report(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.report(session, unreadable(given.attempt_id, given.job_id))
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)]
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}
