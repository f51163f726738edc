"""A device on which too much fails, or that reports nothing, takes no jobs until it is woken."""

from dataclasses import replace

import pytest

from controller.access.callers import OWNER
from controller.domain.devices import ACTIVE, DeviceCondition, DeviceEventKind, DeviceStanding
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from controller.fleet.leasing.leases import LEASE_MS, longest_ms
from controller.fleet.sessions import AgentSession
from controller.fleet.standing.rules import MOST_FAILING, MOST_UNREPORTED
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.devices.events import list_events
from controller.state.devices.standings import list_held_up
from protos.fleet import Heartbeat, Lease, failed
from protos.reasons import ReasonCode
from protos.runtimes import OnnxRuntimeOptions
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said

BACKBONES = (
    *("MobileNetV1", "PPLCNet_x0_25", "PPLCNet_x0_35", "PPLCNet_x0_5", "PPLCNet_x0_75"),
    *("PPLCNet_x1_0", "PPLCNet_x1_5", "PPLCNet_x2_0"),
)
Kind = DeviceEventKind


def standing(database: Database) -> DeviceStanding:
    return find_device(list_devices(database, frozenset()), "phone").standing


def kinds(database: Database) -> list[DeviceEventKind]:
    """What befell the device since it came, in order."""
    told = [event.kind for event in reversed(list_events(database, "id-of-phone", 100))]
    return [kind for kind in told if kind not in (Kind.JOINED, Kind.CONNECTED)]


async def fail(fleet: Fleet, session: AgentSession) -> Lease:
    given = await lease(fleet, session)
    await fleet.report(session, failed_report(given.attempt_id, given.job_id))
    return given


async def free(fleet: Fleet, session: AgentSession) -> list[object]:
    """What an agent that says that it is free is told."""
    said(session)
    await fleet.ready(session)
    return list(said(session))


async def wake(database: Database, fleet: Fleet) -> DeviceStanding:
    device = find_device(list_devices(database, frozenset()), "phone")
    return await fleet.tending.wake(device, OWNER)


async def test_different_backbones_that_fail_in_a_row_bring_a_device_into_quarantine(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    for _ in range(MOST_FAILING):
        assert standing(database).takes_jobs
        clock.now_ms += 1
        await fail(fleet, session)
    assert standing(database).condition is DeviceCondition.QUARANTINED
    assert standing(database).since_unix_ms == MOST_FAILING
    codes = [each.code for each in standing(database).reasons]
    assert codes == [ReasonCode.FAILED_IN_A_ROW, ReasonCode.CRASHED]
    assert kinds(database) == [Kind.QUARANTINED]
    assert await free(fleet, session) == []
    assert [each.device for each in list_held_up(database, sweep_id)] == ["phone"]
    assert await wake(database, fleet) == ACTIVE == standing(database)
    assert kinds(database) == [Kind.QUARANTINED, Kind.WOKEN]
    assert isinstance(await session.outbox.get(), Lease)


async def test_one_that_does_not_fail_begins_the_count_anew(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    for _ in range(MOST_FAILING - 1):
        await fail(fleet, session)
    assert len(standing(database).failing_backbones) == MOST_FAILING - 1
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    assert standing(database) == ACTIVE
    await fail(fleet, session)
    assert standing(database).takes_jobs


async def test_what_a_person_told_the_runtime_is_no_devices_fault(
    database: Database, fleet: Fleet
) -> None:
    told = OnnxRuntimeOptions(arena=False)
    start_sweep(database, "phone", backbones=BACKBONES, onnxruntime=told)
    session = await fleet.connect(hello("phone"))
    for _ in range(MOST_FAILING + 1):
        given = await lease(fleet, session)
        refused = replace(
            failed_report(given.attempt_id, given.job_id),
            failure=failed(ReasonCode.RUNTIME_ERROR, "no kernel for these options"),
        )
        await fleet.report(session, refused)
    assert standing(database) == ACTIVE


@pytest.mark.parametrize("vanishes", [False, True])
async def test_what_failed_on_another_device_is_not_this_ones_fault(
    database: Database, fleet: Fleet, clock: OwnedClock, vanishes: bool
) -> None:
    start_sweep(database, "board", backbones=BACKBONES, also=("phone",))
    for name in ("board", "phone"):
        session = await fleet.connect(hello(name))
        while (given := next(iter(await free(fleet, session)), None)) is not None:
            assert isinstance(given, Lease)
            if not vanishes:
                await fleet.report(session, failed_report(given.attempt_id, given.job_id))
                continue
            await fleet.disconnect(session)
            clock.now_ms += LEASE_MS
            await fleet.look_after_leases()
            session = await fleet.connect(hello(name))
        if name == "board":
            device = find_device(list_devices(database, frozenset()), "board")
            assert device.standing.condition is DeviceCondition.QUARANTINED
    # All but those that failed on the board; a lost attempt is tried again, and has not yet.
    count = len(BACKBONES) - MOST_FAILING + vanishes
    assert len(standing(database).failing_backbones) == count
    assert standing(database).takes_jobs


async def test_one_backbone_however_often_it_fails_is_no_devices_fault(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", batches=tuple(range(1, 2 * MOST_FAILING)))
    session = await fleet.connect(hello("phone"))
    for _ in range(2 * MOST_FAILING - 1):
        await fail(fleet, session)
    assert standing(database) == DeviceStanding(failing_backbones=("MobileNetV1",))


async def test_a_report_that_comes_twice_counts_once(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    first = await fail(fleet, session)
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.report(session, failed_report(first.attempt_id, first.job_id))
    assert standing(database) == ACTIVE


async def test_a_device_that_takes_jobs_and_reports_nothing_is_told_as_such_and_left_out(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    for times in range(1, MOST_UNREPORTED + 1):
        given = await lease(fleet, session)
        end_ms = clock.now_ms + longest_ms(given)
        while clock.now_ms < end_ms:
            clock.now_ms += LEASE_MS - 1
            await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
        await fleet.look_after_leases()
        assert standing(database).unreported == times
    assert kinds(database) == [Kind.SILENT, Kind.QUARANTINED]
    (why,) = standing(database).reasons
    assert (why.code, why.figures) == (ReasonCode.REPORTS_NOTHING, {"attempts": MOST_UNREPORTED})
    assert await free(fleet, session) == []
    assert await wake(database, fleet) == ACTIVE


@pytest.mark.parametrize("reports_failure", [False, True])
async def test_whoever_reports_is_not_silent_any_more(
    database: Database, fleet: Fleet, clock: OwnedClock, reports_failure: bool
) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = longest_ms(given)
    await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
    await fleet.look_after_leases()
    assert standing(database).unreported == 1
    given = await lease(fleet, session)
    report = failed_report if reports_failure else measured_report
    await fleet.report(session, report(given.attempt_id, given.job_id))
    assert standing(database).unreported == 0


async def test_a_device_whose_agent_vanishes_with_one_backbone_after_another_is_left_out(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    for backbone in BACKBONES[:MOST_FAILING]:
        start_sweep(database, "phone", backbones=(backbone,))
    session = await fleet.connect(hello("phone"))
    seen = set()
    # A turn whose attempt is lost is the next one again, until its job has failed.
    while standing(database).takes_jobs:
        seen.add((await lease(fleet, session)).backbone)
        await fleet.disconnect(session)
        clock.now_ms += LEASE_MS
        await fleet.look_after_leases()
        session = await fleet.connect(hello("phone"))
    assert seen == set(BACKBONES[:MOST_FAILING])
    assert standing(database).condition is DeviceCondition.QUARANTINED
    assert [each.code for each in standing(database).reasons] == [ReasonCode.FAILED_IN_A_ROW]


async def test_who_is_in_quarantine_may_be_let_rest_and_stays_where_it_is_when_drained(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", backbones=BACKBONES)
    session = await fleet.connect(hello("phone"))
    for _ in range(MOST_FAILING):
        await fail(fleet, session)
    device = find_device(list_devices(database, frozenset()), "phone")
    drained = await fleet.tending.drain(device, OWNER)
    assert drained.condition is DeviceCondition.QUARANTINED
    assert (await fleet.tending.rest(device, OWNER)).condition is DeviceCondition.RESTING
    assert standing(database).reasons == ()
