"""Leases survive what breaks between an agent and its controller; nothing is lost or doubled."""

from sqlalchemy import Engine

from controller.conversation import Cancel, Heartbeat, Lease, ReportCommitted, ToAgent, Welcome
from controller.domain import MeasurementFilter
from controller.fleet import Fleet, Session
from controller.leases import LEASE_MS, MAX_ATTEMPTS, JobState
from controller.state import attempts, jobs
from controller.state.measurements import list_measurements, list_outcomes
from tests.integration.controller.conftest import Clock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report


def said(session: Session) -> list[ToAgent | None]:
    """What the agent was told since the last look."""
    told = []
    while not session.outbox.empty():
        told.append(session.outbox.get_nowait())
    return told


async def lease(fleet: Fleet, session: Session) -> Lease:
    """Lets the agent ask for work; gives its lease."""
    said(session)
    await fleet.ready(session)
    (given,) = said(session)
    assert isinstance(given, Lease)
    return given


async def test_an_agent_is_welcomed_and_gets_one_lease_at_a_time(
    engine: Engine, fleet: Fleet
) -> None:
    start_sweep(engine, "phone", threads=(1, 2))
    session = await fleet.connect(hello("phone"))
    assert [type(told) for told in said(session)] == [Welcome]
    given = await lease(fleet, session)
    assert (given.backbone, given.settings.threads) == ("MobileNetV1", 1)
    await fleet.dispatch_all()
    assert said(session) == []


async def test_an_agent_that_is_free_before_there_is_work_gets_it_later(
    engine: Engine, fleet: Fleet
) -> None:
    session = await fleet.connect(hello("phone"))
    await fleet.ready(session)
    said(session)
    start_sweep(engine, "phone")
    await fleet.dispatch_all()
    assert [type(told) for told in said(session)] == [Lease]


async def test_a_report_is_acknowledged_after_it_is_committed(engine: Engine, fleet: Fleet) -> None:
    start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    report = measured_report(given.attempt_id, given.job_id)
    await fleet.report(session, report)
    await fleet.report(session, report)
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)] * 2
    assert len(list_measurements(engine, MeasurementFilter())) == 1


async def test_heartbeats_keep_a_lease_and_silence_ends_it(
    engine: Engine, fleet: Fleet, clock: Clock
) -> None:
    start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = LEASE_MS - 1
    await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
    clock.now_ms = LEASE_MS
    await fleet.expire_leases()
    assert attempts.leased_attempts(engine) == {given.attempt_id: "id-of-phone"}
    clock.now_ms = 2 * LEASE_MS
    await fleet.expire_leases()
    assert attempts.leased_attempts(engine) == {}
    assert (await lease(fleet, session)).job_id == given.job_id


async def test_a_job_whose_agent_keeps_vanishing_fails_with_its_reason(
    engine: Engine, fleet: Fleet, clock: Clock
) -> None:
    sweep_id = start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    for _ in range(MAX_ATTEMPTS):
        await lease(fleet, session)
        clock.now_ms += LEASE_MS
        await fleet.expire_leases()
    (outcome,) = list_outcomes(engine, sweep_id)
    assert outcome.reason == "its agent vanished 3 times while it worked on this job"
    assert jobs.count_jobs(engine, sweep_id) == {JobState.FAILED: 1}


async def test_a_broken_stream_keeps_the_lease_of_an_agent_that_still_works(
    engine: Engine, fleet: Fleet, clock: Clock
) -> None:
    start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.disconnect(session)
    clock.now_ms = LEASE_MS - 1
    again = await fleet.connect(hello("phone", held=(given.attempt_id,)))
    clock.now_ms = LEASE_MS + 1
    await fleet.expire_leases()
    await fleet.report(again, measured_report(given.attempt_id, given.job_id))
    assert len(list_measurements(engine, MeasurementFilter())) == 1


async def test_an_agent_that_restarted_loses_its_attempt_at_once(
    engine: Engine, fleet: Fleet
) -> None:
    start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    again = await fleet.connect(hello("phone"))
    assert said(session) == [None]
    second = await lease(fleet, again)
    assert (second.job_id, second.attempt_id != given.attempt_id) == (given.job_id, True)


async def test_a_restarted_controller_waits_for_the_agents_of_its_leases(
    engine: Engine, fleet: Fleet, clock: Clock
) -> None:
    start_sweep(engine, "phone")
    given = await lease(fleet, await fleet.connect(hello("phone")))
    restarted = Fleet(engine, fleet._changes, clock, "the-controllers-host")
    await restarted.recover()
    session = await restarted.connect(hello("phone", held=(given.attempt_id,)))
    await restarted.report(session, measured_report(given.attempt_id, given.job_id))
    assert len(list_measurements(engine, MeasurementFilter())) == 1
    clock.now_ms = LEASE_MS
    await restarted.expire_leases()
    assert len(list_measurements(engine, MeasurementFilter())) == 1


async def test_cancelling_tells_the_agent_that_works(engine: Engine, fleet: Fleet) -> None:
    sweep_id = start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.cancel(attempts.attempts_of_sweep(engine, sweep_id))
    assert said(session) == [Cancel(attempt_id=given.attempt_id)]


async def test_nothing_is_leased_on_the_controllers_machine_while_it_converts(
    engine: Engine, fleet: Fleet
) -> None:
    start_sweep(engine, "phone")
    session = await fleet.connect(hello("phone", hostname="the-controllers-host"))
    said(session)
    async with fleet.gate.converting():
        await fleet.ready(session)
        assert said(session) == []
    await fleet.dispatch_all()
    assert [type(told) for told in said(session)] == [Lease]
