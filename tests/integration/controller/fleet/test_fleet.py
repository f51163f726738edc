"""Leases survive what breaks between an agent and its controller; nothing is lost or doubled."""

import asyncio
import math
from dataclasses import replace

import pytest

from controller.domain.errors import EdgerankError
from controller.domain.jobs import MAX_ATTEMPTS, JobState
from controller.domain.measurements import MeasurementFilter
from controller.domain.sweeps import Activity, ActivityKind
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes, Happening
from controller.fleet.host_gate import TURN_MS
from controller.fleet.leasing.leases import LEASE_MS
from controller.fleet.sessions import AgentSession
from controller.state import attempts
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.rounds.counts import read_counts
from protos.fleet import (
    Cancel,
    Heartbeat,
    Lease,
    Progress,
    ReportCommitted,
    Stage,
    ToAgent,
    Welcome,
)
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report


def said(session: AgentSession) -> list[ToAgent | EdgerankError | None]:
    """What the agent was told since the last look."""
    told = []
    while not session.outbox.empty():
        told.append(session.outbox.get_nowait())
    return told


async def lease(fleet: Fleet, session: AgentSession) -> Lease:
    """Lets the agent ask for work; gives its lease."""
    said(session)
    await fleet.ready(session)
    (given,) = said(session)
    assert isinstance(given, Lease)
    return given


async def test_an_agent_is_welcomed_and_gets_one_lease_at_a_time(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", threads=(1, 2), repetitions=3)
    session = await fleet.connect(hello("phone"))
    assert [type(told) for told in said(session)] == [Welcome]
    given = await lease(fleet, session)
    assert given.backbone == "MobileNetV1"
    await fleet.dispatch_all()
    assert said(session) == []


async def test_an_agent_that_is_free_before_there_is_work_gets_it_later(
    database: Database, fleet: Fleet
) -> None:
    session = await fleet.connect(hello("phone"))
    await fleet.ready(session)
    said(session)
    start_sweep(database, "phone")
    await fleet.dispatch_all()
    assert [type(told) for told in said(session)] == [Lease]


async def test_a_report_is_acknowledged_after_it_is_committed(
    database: Database, fleet: Fleet, changes: Changes
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    report = measured_report(given.attempt_id, given.job_id)
    await fleet.report(session, report)
    await fleet.report(session, report)
    assert said(session) == [ReportCommitted(attempt_id=given.attempt_id)] * 2
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1
    assert changes.count_of(Happening.REPORT_COMMITTED) == 1


async def test_heartbeats_keep_a_lease_and_silence_ends_it(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = LEASE_MS - 1
    await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
    clock.now_ms = LEASE_MS
    await fleet.look_after_leases()
    assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}
    clock.now_ms = 2 * LEASE_MS
    await fleet.look_after_leases()
    assert attempts.leased_attempts(database) == {}
    assert (await lease(fleet, session)).job_id == given.job_id


async def test_a_job_whose_agent_keeps_vanishing_fails_with_its_reason(
    database: Database, fleet: Fleet, clock: OwnedClock, changes: Changes
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    for _ in range(MAX_ATTEMPTS):
        await lease(fleet, session)
        clock.now_ms += LEASE_MS
        await fleet.look_after_leases()
    (outcome,) = list_outcomes(database, sweep_id)
    assert outcome.reasons == (reason(ReasonCode.AGENT_VANISHED, attempts=3),)
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}
    assert changes.count_of(Happening.ATTEMPT_LOST) == MAX_ATTEMPTS


async def test_a_broken_stream_keeps_the_lease_of_an_agent_that_still_works(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.disconnect(session)
    clock.now_ms = LEASE_MS - 1
    again = await fleet.connect(hello("phone", held=(given.attempt_id,)))
    clock.now_ms = LEASE_MS + 1
    await fleet.look_after_leases()
    await fleet.report(again, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_an_agent_that_restarted_loses_its_attempt_at_once(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    again = await fleet.connect(hello("phone"))
    assert said(session) == [None]
    second = await lease(fleet, again)
    assert (second.job_id, second.attempt_id != given.attempt_id) == (given.job_id, True)


async def test_a_restarted_controller_waits_for_the_agents_of_its_leases(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    given = await lease(fleet, await fleet.connect(hello("phone")))
    restarted = Fleet(database, Changes(), clock, "the-controllers-host")
    await restarted.recover()
    session = await restarted.connect(hello("phone", held=(given.attempt_id,)))
    await restarted.report(session, measured_report(given.attempt_id, given.job_id))
    await restarted.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1
    clock.now_ms = LEASE_MS
    await restarted.look_after_leases()
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_cancelling_tells_the_agent_that_works(database: Database, fleet: Fleet) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.cancel(attempts.attempts_of_sweep(database, sweep_id))
    assert said(session) == [Cancel(attempt_id=given.attempt_id)]


async def test_nothing_is_leased_on_the_controllers_machine_while_it_converts(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone", hostname="the-controllers-host"))
    said(session)
    async with fleet.gate.converting():
        await fleet.ready(session)
        assert said(session) == []
    await fleet.dispatch_all()
    assert [type(told) for told in said(session)] == [Lease]


async def test_a_job_that_waits_long_for_conversions_here_has_its_turn(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone", hostname="the-controllers-host"))
    said(session)
    async with fleet.gate.converting():
        await fleet.ready(session)
        clock.now_ms += TURN_MS
        converting = asyncio.create_task(convert_one(fleet))
        given = await session.outbox.get()
        assert isinstance(given, Lease)
        assert not converting.done()
        await fleet.report(session, measured_report(given.attempt_id, given.job_id))
        await fleet.ended()
        # Nothing is left to measure, so that the turn ends at once.
        await fleet.ready(session)
        await converting


async def convert_one(fleet: Fleet) -> None:
    async with fleet.gate.working():
        pass


async def test_asking_twice_still_gives_one_lease(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone", threads=(1, 2))
    session = await fleet.connect(hello("phone"))
    await lease(fleet, session)
    await fleet.ready(session)
    assert said(session) == []


async def test_an_attempt_without_a_lease_gets_one_and_then_expires(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    # A stream that breaks between the database and the lease book leaves this behind.
    orphan = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert orphan is not None
    await fleet.look_after_leases()
    clock.now_ms = LEASE_MS
    await fleet.look_after_leases()
    session = await fleet.connect(hello("phone"))
    assert (await lease(fleet, session)).job_id == orphan.job_id


async def test_a_database_that_fails_keeps_the_lease_to_be_looked_at_again(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = LEASE_MS
    with database.engine.connect() as blocking:
        blocking.exec_driver_sql("ALTER TABLE attempts RENAME TO hidden")
        blocking.commit()
        with pytest.raises(EdgerankError, match="database failed"):
            await fleet.look_after_leases()
        blocking.exec_driver_sql("ALTER TABLE hidden RENAME TO attempts")
        blocking.commit()
    await fleet.look_after_leases()
    assert (await lease(fleet, session)).job_id == given.job_id


async def test_a_device_that_could_not_be_enrolled_is_not_connected(
    database: Database, fleet: Fleet
) -> None:
    for name in ("a,b", "", "all", "\x1b[31mx", "x" * 65):
        with pytest.raises(EdgerankError, match="cannot name a device"):
            await fleet.connect(hello(name))
    await fleet.connect(hello("phone"))
    with pytest.raises(EdgerankError, match="already named"):
        await fleet.connect(replace(hello("phone"), device_id="another"))
    assert fleet.connected() == {"id-of-phone"}
    assert len(list_devices(database, frozenset())) == 1


async def test_progress_and_heartbeats_of_strangers_change_nothing(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    owner = await fleet.connect(hello("phone"))
    given = await lease(fleet, owner)
    stranger = await fleet.connect(hello("other"))
    stranger_says = Progress(attempt_id=given.attempt_id, stage=Stage.MEASURING)
    fleet.progress(stranger, stranger_says)
    assert fleet.activities() == (doing(ActivityKind.STARTING),)
    fleet.progress(owner, stranger_says)
    assert fleet.activities() == (doing(ActivityKind.MEASURING),)
    clock.now_ms = LEASE_MS
    await fleet.heartbeat(stranger, Heartbeat(held_attempt_ids=(given.attempt_id,)))
    await fleet.look_after_leases()
    assert fleet.activities() == ()


async def test_a_restarted_controller_does_not_convert_beside_its_own_agents_measuring(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    here = hello("phone", hostname="the-controllers-host")
    given = await lease(fleet, await fleet.connect(here))
    restarted = Fleet(database, Changes(), clock, "the-controllers-host")
    await restarted.recover()
    order: list[str] = []

    async def convert() -> None:
        async with restarted.gate.converting(), restarted.gate.working():
            order.append("converting")

    converting = asyncio.create_task(convert())
    session = await restarted.connect(replace(here, held_attempt_ids=(given.attempt_id,)))
    order.append("report")
    await restarted.report(session, measured_report(given.attempt_id, given.job_id))
    await converting
    assert order == ["report", "converting"]


def doing(kind: ActivityKind) -> Activity:
    """What goes on with the first repetition on the phone."""
    return Activity(kind=kind, backbone="MobileNetV1", device="phone", runtime=Runtime.ONNXRUNTIME)


async def test_a_start_that_waits_for_what_cannot_be_is_shown_without_it(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    lying = reason(ReasonCode.PROCESSOR_WARM, celsius=math.nan)
    fleet.progress(
        session, Progress(attempt_id=given.attempt_id, stage=Stage.WAITING, waiting_for=lying)
    )
    assert fleet.activities() == (doing(ActivityKind.WAITING),)


async def test_who_watches_a_sweep_sees_what_a_start_waits_for(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    hot = reason(ReasonCode.PROCESSOR_WARM, celsius=62, limit_celsius=45)
    waits = Progress(attempt_id=given.attempt_id, stage=Stage.WAITING, waiting_for=hot)
    fleet.progress(session, waits)
    assert fleet.activities() == (replace(doing(ActivityKind.WAITING), waiting_for=hot),)
    fleet.progress(session, replace(waits, stage=Stage.MEASURING, waiting_for=None))
    assert fleet.activities() == (doing(ActivityKind.MEASURING),)


async def test_when_a_device_was_there_is_told_by_the_controllers_clock(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    clock.now_ms = 5
    session = await fleet.connect(hello("phone"))
    clock.now_ms = 7
    await fleet.heartbeat(session, Heartbeat())
    await fleet.look_after_leases()
    (device,) = list_devices(database, frozenset())
    assert (device.enrolled_at_unix_ms, device.last_seen_at_unix_ms) == (5, 7)
