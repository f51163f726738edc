"""What fails halfway is done whole the next time, and is told once, when it is committed."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import MAX_ATTEMPTS, JobState
from controller.fleet.agents import Fleet
from controller.fleet.leasing import losing, next_lease
from controller.fleet.leasing.leases import LEASE_MS
from controller.fleet.standing.rules import MOST_FAILING
from controller.state.database import Database
from controller.state.rounds.counts import read_counts
from protos.fleet import GiveBack, failed
from protos.reasons import ReasonCode
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.devices.test_quarantine import BACKBONES
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.damage.test_unreadable_jobs import spoil
from tests.integration.controller.fleet.test_fleet import lease

FULL = EdgerankError(ErrorCode.STORAGE, "the disk is full")


def refuse(*_: object) -> None:
    raise FULL


async def in_one_group(
    database: Database, fleet: Fleet, *work: Coroutine[Any, Any, object]
) -> list[object]:
    """Lets what several callers write be committed together; gives how each ended."""
    has_begun, may_go_on = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        has_begun.set()
        may_go_on.wait()

    event.listen(database.of_groups().engine, "commit", hold, once=True)
    first = asyncio.create_task(fleet.end_finished_sweeps())
    await asyncio.to_thread(has_begun.wait)
    rest = [asyncio.create_task(each) for each in work]
    # Each has to be among those that wait.
    await asyncio.sleep(0)
    may_go_on.set()
    await first
    return list(await asyncio.gather(*rest, return_exceptions=True))


async def with_a_failure(
    database: Database, fleet: Fleet, work: Coroutine[Any, Any, object]
) -> None:
    """Lets it be written twice, as something else of its group fails."""
    twice = replace(hello("board"), name="phone")
    ended = await in_one_group(database, fleet, work, fleet.connect(twice))
    assert [isinstance(each, EdgerankError) for each in ended] == [False, True]


def told(caplog: pytest.LogCaptureFixture, what: str) -> int:
    return sum(what in record.getMessage() for record in caplog.records)


async def test_a_loss_whose_end_could_not_be_settled_is_settled_at_the_next_look(
    database: Database, fleet: Fleet, clock: OwnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 2))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    # It wants another repetition, which follows when the round has ended.
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    for times in range(1, MAX_ATTEMPTS + 1):
        await lease(fleet, session)
        clock.now_ms += LEASE_MS
        with monkeypatch.context() as patch:
            if times == MAX_ATTEMPTS:
                patch.setattr(losing, "settle_report", refuse)
                with pytest.raises(EdgerankError):
                    await fleet.look_after_leases()
        await fleet.look_after_leases()
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1, JobState.QUEUED: 1}
    assert (await lease(fleet, session)).job_id == given.job_id


async def test_a_job_that_cannot_be_read_ends_whole_or_not_at_all(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone", (1, 2), (1, 2))
    session = await fleet.connect(hello("phone"))
    measured = await lease(fleet, session)
    await fleet.report(session, measured_report(measured.attempt_id, measured.job_id))
    await fleet.ended()
    other = await lease(fleet, session)
    await fleet.take_back(session, GiveBack(attempt_id=other.attempt_id))
    spoil(database, "{", other.job_id)
    with monkeypatch.context() as patch:
        patch.setattr(next_lease, "settle_report", refuse)
        with pytest.raises(EdgerankError):
            await fleet.ready(session)
    assert read_counts(database, sweep_id).jobs == {JobState.QUEUED: 2}
    assert (await lease(fleet, session)).job_id == measured.job_id
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1, JobState.LEASED: 1}


async def test_a_quarantine_is_told_once(
    database: Database, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    for times in range(1, MOST_FAILING + 1):
        given = await lease(fleet, session)
        report = fleet.report(session, failed_report(given.attempt_id, given.job_id))
        await (with_a_failure(database, fleet, report) if times == MOST_FAILING else report)
    assert told(caplog, "a device is in quarantine") == 1


async def test_an_artifact_that_did_not_come_whole_is_told_once(
    database: Database, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    damaged = replace(
        failed_report(given.attempt_id, given.job_id),
        failure=failed(ReasonCode.ARTIFACT_DAMAGED, "arrived with other bytes"),
    )
    await with_a_failure(database, fleet, fleet.report(session, damaged))
    assert told(caplog, "an artifact did not come whole") == 1


async def test_a_job_that_cannot_be_read_is_told_once(
    database: Database, fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    spoil(database, "{")
    await with_a_failure(database, fleet, fleet.ready(session))
    assert told(caplog, "a job cannot be read") == 1
