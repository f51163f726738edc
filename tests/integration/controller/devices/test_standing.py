"""Devices drain, rest and wake: what they measure, what waits, and what survives."""

from dataclasses import replace

import pytest

from controller.access.callers import OWNER
from controller.domain.access import Caller, CallerKind
from controller.domain.devices import Device, DeviceCondition, DeviceStanding, HeldUp
from controller.domain.jobs import MAX_ATTEMPTS
from controller.domain.names import find_device
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.leasing.leases import LEASE_MS
from controller.state import attempts, sweeps
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.devices.standings import list_held_up
from controller.state.measurements import list_outcomes
from protos.fleet import Cancel, GiveBack, Lease, Report, failed
from protos.reasons import ReasonCode
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said

NIGHT = Caller(caller=CallerKind.TOKEN, caller_name="night")


def found(database: Database) -> Device:
    return find_device(list_devices(database, frozenset()), "phone")


def condition(database: Database) -> DeviceCondition:
    return found(database).standing.condition


def cancelled_report(attempt_id: str, job_id: str) -> Report:
    return replace(
        measured_report(attempt_id, job_id),
        measured=None,
        failure=failed(ReasonCode.ATTEMPT_CANCELLED, "the controller cancelled this job"),
    )


async def test_a_device_that_drains_finishes_what_it_measures_and_rests_then(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = 7
    standing = await fleet.tending.drain(found(database), NIGHT)
    assert standing == DeviceStanding(
        condition=DeviceCondition.DRAINING,
        since_unix_ms=7,
        caller=CallerKind.TOKEN,
        caller_name="night",
    )
    assert list(attempts.leased_attempts(database)) == [given.attempt_id]
    assert list_held_up(database, sweep_id) == (HeldUp(device="phone", standing=standing),)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_outcomes(database, sweep_id)) == 1
    assert found(database).standing == replace(standing, condition=DeviceCondition.RESTING)
    said(session)
    await fleet.ready(session)
    assert session.outbox.empty()


@pytest.mark.parametrize("way", ["given back", "lost"])
async def test_a_device_that_drains_rests_however_its_attempt_ends(
    database: Database, fleet: Fleet, clock: OwnedClock, way: str
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.tending.drain(found(database), NIGHT)
    if way == "given back":
        await fleet.take_back(session, GiveBack(attempt_id=given.attempt_id))
    else:
        clock.now_ms = LEASE_MS
        await fleet.look_after_leases()
    assert condition(database) is DeviceCondition.RESTING
    said(session)
    await fleet.ready(session)
    assert session.outbox.empty()


async def test_a_device_that_measures_nothing_rests_at_once_when_it_is_drained(
    database: Database, fleet: Fleet
) -> None:
    await fleet.connect(hello("phone"))
    await fleet.tending.drain(found(database), NIGHT)
    assert condition(database) is DeviceCondition.RESTING


async def test_a_device_that_rests_stops_at_once_and_what_it_measured_is_taken_again(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    # As often as a job may lose attempts, and once more: none of it counts against the job.
    for _ in range(MAX_ATTEMPTS + 1):
        given = await lease(fleet, session)
        await fleet.tending.rest(found(database), NIGHT)
        assert said(session) == [Cancel(attempt_id=given.attempt_id)]
        assert attempts.leased_attempts(database) == {}
        # Its agent says that it ended; twice, as the answer may get lost.
        for _ in range(2):
            await fleet.report(session, cancelled_report(given.attempt_id, given.job_id))
        said(session)
        await fleet.ready(session)
        assert session.outbox.empty()
        assert list_outcomes(database, sweep_id) == []
        await fleet.tending.wake(found(database), NIGHT)
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert sweeps.find_sweep(database, sweep_id).phase is SweepPhase.ENDED


async def test_what_was_measured_before_it_heard_that_it_rests_is_kept(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.tending.rest(found(database), NIGHT)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert [each.reasons for each in list_outcomes(database, sweep_id)] != []
    assert condition(database) is DeviceCondition.RESTING


async def test_a_device_rests_on_over_restarts_of_controller_and_agent_until_it_is_woken(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone")
    first = await fleet.connect(hello("phone"))
    standing = await fleet.tending.rest(found(database), NIGHT)
    await fleet.disconnect(first)
    after = Fleet(database, Changes(), clock, "the-controllers-host")
    await after.recover()
    session = await after.connect(hello("phone"))
    await after.ready(session)
    said(session)
    assert session.outbox.empty()
    assert found(database).standing == standing
    assert list_held_up(database, sweep_id) == (HeldUp(device="phone", standing=standing),)
    assert await after.tending.wake(found(database), NIGHT) == DeviceStanding()
    assert isinstance(await session.outbox.get(), Lease)
    assert list_held_up(database, sweep_id) == ()


async def test_a_device_drains_on_when_the_controller_is_started_again(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone", threads=(1, 2))
    given = await lease(fleet, await fleet.connect(hello("phone")))
    await fleet.tending.drain(found(database), NIGHT)
    after = Fleet(database, Changes(), clock, "the-controllers-host")
    await after.recover()
    session = await after.connect(hello("phone", held=(given.attempt_id,)))
    await after.report(session, measured_report(given.attempt_id, given.job_id))
    assert condition(database) is DeviceCondition.RESTING


async def test_to_drain_or_wake_again_changes_nothing(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    await fleet.connect(hello("phone"))
    rests = await fleet.tending.rest(found(database), NIGHT)
    clock.now_ms = 9
    day = replace(NIGHT, caller_name="day")
    assert await fleet.tending.drain(found(database), day) == rests
    assert await fleet.tending.rest(found(database), day) == rests
    for _ in range(2):
        assert await fleet.tending.wake(found(database), NIGHT) == DeviceStanding()


async def test_other_devices_go_on_and_hold_nothing_up(database: Database, fleet: Fleet) -> None:
    sweep_id = start_sweep(database, "board")
    start_sweep(database, "phone")
    await fleet.connect(hello("phone"))
    await fleet.tending.rest(found(database), NIGHT)
    assert list_held_up(database, sweep_id) == ()
    await lease(fleet, await fleet.connect(hello("board")))


async def test_a_device_that_rests_may_be_removed_with_its_figures(
    database: Database, fleet: Fleet
) -> None:
    session = await fleet.connect(hello("phone"))
    await fleet.tending.rest(found(database), NIGHT)
    await fleet.disconnect(session)
    await fleet.tending.remove(found(database), OWNER, with_measurements=True)
    assert list_devices(database, frozenset()) == ()
