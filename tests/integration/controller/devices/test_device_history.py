"""What befell a device is written with what it tells, is bounded, and stays the device's own."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller.access.callers import OWNER
from controller.domain.access import Caller, CallerKind
from controller.domain.devices import MOST_EVENTS, Device, DeviceEvent, DeviceEventKind
from controller.domain.errors import EdgerankError
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from controller.state.database import Database
from controller.state.devices import came, enrol, list_devices, rename
from controller.state.devices.events import list_events
from protos.fleet import Heartbeat
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.statements import heard
from tests.integration.controller.fleet.test_fleet import lease, said

NIGHT = Caller(caller=CallerKind.TOKEN, caller_name="night")
Kind = DeviceEventKind


def found(database: Database, name: str = "phone") -> Device:
    return find_device(list_devices(database, frozenset()), name)


def events(database: Database, device: str = "phone") -> tuple[DeviceEvent, ...]:
    return list_events(database, f"id-of-{device}", MOST_EVENTS)


def kinds(told: Sequence[DeviceEvent]) -> list[DeviceEventKind]:
    """In the order in which they befell it."""
    return [event.kind for event in reversed(told)]


async def test_a_device_comes_goes_and_comes_again(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    for how in (Kind.LEFT, Kind.LOST, None):
        clock.now_ms += 1
        await fleet.disconnect(await fleet.connect(hello("phone")), how)
    came = [Kind.JOINED, Kind.CONNECTED, Kind.LEFT, Kind.CONNECTED, Kind.LOST, Kind.CONNECTED]
    assert kinds(events(database)) == came
    assert [event.at_unix_ms for event in events(database)] == [3, 2, 2, 1, 1, 1]
    assert {event.caller for event in events(database)} == {None}


async def test_an_older_stream_that_ends_is_not_told_as_the_devices_end(
    database: Database, fleet: Fleet
) -> None:
    older = await fleet.connect(hello("phone"))
    await fleet.connect(hello("phone"))
    await fleet.disconnect(older)
    assert kinds(events(database)) == [Kind.JOINED, Kind.CONNECTED]


async def test_an_agent_that_takes_its_own_place_was_never_away(
    database: Database, fleet: Fleet
) -> None:
    """As with each certificate that it renews."""
    older = await fleet.connect(replace(hello("phone"), run_id="run"))
    for _ in range(3):
        newer = await fleet.connect(replace(hello("phone"), run_id="run"))
        assert said(older)[-1] is None
        await fleet.disconnect(older, None)
        older = newer
    assert kinds(events(database)) == [Kind.JOINED, Kind.CONNECTED]


async def test_what_it_was_given_and_did_not_hear_is_given_again(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    older = await fleet.connect(replace(hello("phone"), run_id="run"))
    given = await lease(fleet, older)
    newer = await fleet.connect(replace(hello("phone"), run_id="run"))
    assert said(newer)[-1] == given
    assert newer.leases.keys() == {given.attempt_id}
    # What it names it has heard, and another run heard nothing of it.
    held = (given.attempt_id,)
    third = await fleet.connect(replace(hello("phone"), run_id="run", held_attempt_ids=held))
    assert given not in said(third)
    fourth = await fleet.connect(replace(hello("phone"), run_id="another"))
    assert (given in said(fourth), fourth.leases) == (False, {})


async def test_two_agents_of_one_identity_fill_no_history(database: Database, fleet: Fleet) -> None:
    first = replace(hello("phone"), run_id="first")
    second = replace(hello("phone"), name="pocket", run_id="second")
    await fleet.connect(first)
    session = await fleet.connect(second)
    before = kinds(events(database))
    assert before == [Kind.JOINED, Kind.CONNECTED, Kind.RENAMED]
    for _ in range(5):
        with pytest.raises(EdgerankError, match="two agents"):
            await fleet.connect(first)
    assert kinds(events(database)) == before
    # Both are told.
    assert any(isinstance(each, EdgerankError) for each in said(session))


async def test_what_somebody_wanted_is_told_with_who_it_was(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    before = len(events(database))
    clock.now_ms = 1
    await fleet.tending.drain(found(database), NIGHT)
    await fleet.tending.drain(found(database), OWNER)
    clock.now_ms = 2
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    clock.now_ms = 3
    await fleet.tending.wake(found(database), OWNER)
    await fleet.tending.rest(found(database), NIGHT)
    told = [
        (event.at_unix_ms, event.kind, event.caller, event.caller_name)
        for event in reversed(events(database)[: -before or None])
    ]
    assert told == [
        (1, Kind.DRAINING, CallerKind.TOKEN, "night"),
        (2, Kind.DRAINED, CallerKind.TOKEN, "night"),
        (3, Kind.WOKEN, CallerKind.OWNER, ""),
        (3, Kind.RESTING, CallerKind.TOKEN, "night"),
    ]


async def test_a_renamed_device_tells_both_names_by_whoever_renamed_it(
    database: Database, fleet: Fleet
) -> None:
    await fleet.connect(hello("phone"))
    await fleet.tending.rename(found(database), "pocket", NIGHT)
    await fleet.tending.rename(found(database, "pocket"), "pocket", NIGHT)
    await fleet.connect(replace(hello("phone"), name="tablet"))
    renamed = [
        (event.former_name, event.name, event.caller_name)
        for event in events(database)
        if event.kind is Kind.RENAMED
    ]
    assert renamed == [("pocket", "tablet", ""), ("phone", "pocket", "night")]


async def test_what_was_refused_is_no_history(database: Database, fleet: Fleet) -> None:
    for name in ("phone", "pi"):
        await fleet.connect(hello(name))
    with pytest.raises(EdgerankError):
        rename(database, "id-of-phone", "pi", NIGHT, 0)
    assert kinds(events(database)) == [Kind.JOINED, Kind.CONNECTED]


async def test_a_removed_device_that_comes_back_has_its_history(
    database: Database, fleet: Fleet
) -> None:
    await fleet.disconnect(await fleet.connect(hello("phone")), Kind.LEFT)
    await fleet.tending.remove(found(database), NIGHT, with_measurements=False)
    await fleet.connect(hello("phone"))
    assert kinds(events(database))[3:] == [Kind.REMOVED, Kind.JOINED, Kind.CONNECTED]
    assert events(database)[2].caller_name == "night"


async def test_history_goes_with_a_device_that_goes_with_its_figures(
    database: Database, fleet: Fleet
) -> None:
    await fleet.connect(hello("pi"))
    await fleet.disconnect(await fleet.connect(hello("phone")))
    await fleet.tending.remove(found(database), NIGHT, with_measurements=True)
    assert (events(database), len(events(database, "pi"))) == ((), 2)


async def test_a_takeover_is_told(database: Database, fleet: Fleet) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    fleet.takeovers.allow(found(database), fleet.connected())
    await fleet.connect(replace(hello("phone"), device_id="new", replace=True))
    assert Kind.REPLACED in kinds(events(database))


def test_the_newest_are_kept_and_no_other_devices_go(database: Database) -> None:
    enrol(database, hello("pi"), now_unix_ms=0)
    enrol(database, hello("phone"), now_unix_ms=0)
    for at in range(MOST_EVENTS + 20):
        came(database, "id-of-phone", now_unix_ms=at)
    told = events(database)
    assert [event.at_unix_ms for event in told] == list(range(MOST_EVENTS + 19, 19, -1))
    assert len(list_events(database, "id-of-phone", 3)) == 3
    assert len(events(database, "pi")) == 1


async def test_nothing_is_written_for_a_heartbeat_or_a_report(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    with heard(database) as asked:
        await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
        await fleet.report(session, measured_report(given.attempt_id, given.job_id))
        await fleet.look_after_leases()
    assert [each for each in asked if "device_events" in each.text] == []


async def test_of_two_streams_that_come_at_once_the_last_one_stays_and_the_other_ends(
    fleet: Fleet,
) -> None:
    hellos = (replace(hello("phone"), run_id=run) for run in ("first", "second"))
    both = await asyncio.gather(*map(fleet.connect, hellos))
    (ended,) = (session for session in both if said(session)[-1] is None)
    await fleet.disconnect(ended, None)
    assert fleet.connected() == {ended.device_id}
