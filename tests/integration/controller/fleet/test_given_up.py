"""Attempts that are given back, never reported, or judged by a controller that stood still."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from controller.api.limits import DEFAULTS, Room
from controller.api.rpc.fleet_service import FleetService
from controller.domain.devices import DeviceCondition
from controller.domain.jobs import MAX_ATTEMPTS
from controller.domain.measurements import MeasurementFilter
from controller.fleet.agents import Fleet
from controller.fleet.leasing import dispatching, giving_back
from controller.fleet.leasing.leases import LEASE_MS, longest_ms
from controller.fleet.leasing.next_lease import NextLease
from controller.fleet.leasing.said import commit_lease
from controller.state import attempts
from controller.state.committing import Commits
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.measurements import list_measurements, list_outcomes
from protos.codec import to_message
from protos.fleet import Cancel, GiveBack, Heartbeat
from protos.reasons import ReasonCode, reason
from protos.v1 import fleet_pb2
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said


async def test_a_lease_that_is_given_back_is_leased_again_and_counts_for_nothing(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    for _ in range(MAX_ATTEMPTS + 1):
        session = await fleet.connect(hello("phone"))
        given = await lease(fleet, session)
        await fleet.take_back(session, GiveBack(attempt_id=given.attempt_id))
        assert attempts.leased_attempts(database) == {}
        await fleet.disconnect(session)
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_what_is_leased_beside_a_report_that_was_not_written_goes_back_and_counts_for_nothing(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))

    async def report_fails(commits: Commits, ask: attempts.Ask) -> NextLease:
        found = await commit_lease(commits, ask)
        assert found.lease is not None
        session.is_broken = True
        return found

    with monkeypatch.context() as patch:
        patch.setattr(dispatching, "commit_lease", report_fails)
        for _ in range(MAX_ATTEMPTS + 1):
            session.is_broken = False
            await fleet.ready(session)
            assert session.leases == {}
            assert attempts.leased_attempts(database) == {}
    await fleet.disconnect(session)
    again = await fleet.connect(hello("phone"))
    given = await lease(fleet, again)
    assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}


async def test_an_agent_that_gives_back_without_end_holds_no_sweep(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_back, "MOST_GIVEN_BACK", 3)
    sweep_id = start_sweep(database, "phone", (1, 2, 3))
    session = await fleet.connect(hello("phone"))
    for ended in range(3):
        for _ in range(4):
            assert len(list_outcomes(database, sweep_id)) == ended
            given = await lease(fleet, session)
            await fleet.take_back(session, GiveBack(attempt_id=given.attempt_id))
    outcomes = list_outcomes(database, sweep_id)
    why = (reason(ReasonCode.NEVER_REPORTED, attempts=4),)
    assert [outcome.reasons for outcome in outcomes] == [why] * 3
    assert attempts.leased_attempts(database) == {}
    (device,) = list_devices(database, frozenset())
    assert device.standing.condition is DeviceCondition.QUARANTINED


async def test_a_strangers_lease_cannot_be_given_back(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone")
    owner = await fleet.connect(hello("phone"))
    given = await lease(fleet, owner)
    stranger = await fleet.connect(hello("board"))
    await fleet.take_back(stranger, GiveBack(attempt_id=given.attempt_id))
    assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}


async def test_an_attempt_that_is_never_reported_is_given_up_though_its_agent_lives(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    for _ in range(MAX_ATTEMPTS):
        given = await lease(fleet, session)
        end_ms = clock.now_ms + longest_ms(given)
        while clock.now_ms < end_ms:
            await fleet.look_after_leases()
            assert given.attempt_id in attempts.leased_attempts(database)
            clock.now_ms += LEASE_MS - 1
            await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
        await fleet.look_after_leases()
        assert given.attempt_id not in attempts.leased_attempts(database)
        assert Cancel(attempt_id=given.attempt_id) in said(session)
    (outcome,) = list_outcomes(database, sweep_id)
    assert outcome.reasons == (reason(ReasonCode.NEVER_REPORTED, attempts=MAX_ATTEMPTS),)


async def test_a_job_that_was_measured_before_is_waited_for_as_long_as_that_lets_expect(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone", repetitions=2)
    session = await fleet.connect(hello("phone"))
    first = await lease(fleet, session)
    clock.now_ms = 10_000
    await fleet.report(session, measured_report(first.attempt_id, first.job_id))
    given = await lease(fleet, session)
    assert given.job_id == first.job_id
    # What the report says.
    end_ms = clock.now_ms + longest_ms(given, before_ms=1_000)
    assert end_ms < clock.now_ms + longest_ms(given)
    while clock.now_ms < end_ms:
        await fleet.look_after_leases()
        assert given.attempt_id in attempts.leased_attempts(database)
        clock.now_ms = min(end_ms, clock.now_ms + LEASE_MS - 1)
        await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
    await fleet.look_after_leases()
    assert given.attempt_id not in attempts.leased_attempts(database)


async def test_no_lease_ends_for_the_time_in_which_the_controller_stood_still(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = 10 * LEASE_MS
    fleet.stood_still(10 * LEASE_MS)
    await fleet.look_after_leases()
    assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}
    clock.now_ms += LEASE_MS
    await fleet.look_after_leases()
    assert attempts.leased_attempts(database) == {}


async def test_no_attempt_is_overdue_for_the_time_in_which_the_controller_stood_still(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone", repetitions=2)
    session = await fleet.connect(hello("phone"))
    first = await lease(fleet, session)
    await fleet.report(session, measured_report(first.attempt_id, first.job_id))
    given = await lease(fleet, session)
    gap_ms = longest_ms(given)
    clock.now_ms += gap_ms
    fleet.stood_still(gap_ms)
    await fleet.look_after_leases()
    assert given.attempt_id in attempts.leased_attempts(database)


async def test_an_agent_that_hangs_up_while_it_is_greeted_is_not_taken_for_connected(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    def hang_up(*_: object) -> tuple[str, ...]:
        loop.call_soon_threadsafe(greeting.cancel)
        return ()

    monkeypatch.setattr(attempts, "list_unwanted", hang_up)
    greeting = asyncio.create_task(fleet.connect(hello("phone", held=("measured",))))
    with pytest.raises(asyncio.CancelledError):
        await greeting
    assert fleet.connected() == frozenset()


async def test_no_lease_ends_while_a_report_waits_for_its_room(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    report = measured_report(given.attempt_id, given.job_id)

    async def says() -> AsyncIterator[bytes]:
        message = to_message(report, fleet_pb2.Report)
        yield fleet_pb2.ConnectRequest(report=message).SerializeToString()

    limits = replace(DEFAULTS, reports_bytes=Room(1, 1))
    unused: Any = Mock()
    service = FleetService(
        fleet, unused, unused, limits, bandwidth=unused, meters=unused, tracing=unused, clock=clock
    )
    scales = service._decoding.scales
    of_another = await scales.take("another", 1, waits_as_bytes=1)
    hearing = asyncio.create_task(service._hear(session, says(), "phone"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert session.is_held_up
    for step_ms in (2 * LEASE_MS, 2 * LEASE_MS, longest_ms(given)):
        clock.now_ms += step_ms
        await fleet.look_after_leases()
        assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}
    scales.give_back(of_another)
    await hearing
    assert not session.is_held_up
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1
