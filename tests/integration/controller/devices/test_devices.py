"""Devices are renamed and removed, and what was measured on them stays unless it is to go."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.access.callers import OWNER
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.arriving.takeover import OPEN_FOR_MS
from controller.state import sweeps
from controller.state.database import Database
from controller.state.devices import enrol, list_devices, list_removed
from controller.state.measurements import list_measurements
from controller.state.sweeps import list_sweeps
from protos.fleet import Hello, Lease
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease
from tests.processes import edgerank, running_controller


def found(database: Database, name: str) -> Device:
    return find_device(list_devices(database, frozenset()), name)


def names(database: Database) -> list[str]:
    return [device.name for device in list_devices(database, frozenset())]


def measured_on(database: Database, name: str) -> list[Measurement]:
    return list_measurements(database, MeasurementFilter(device=name))


async def measure(database: Database, fleet: Fleet, name: str) -> str:
    """Measures on a device, which goes away then; gives the sweep's id."""
    sweep_id = start_sweep(database, name)
    session = await fleet.connect(hello(name))
    given: Lease = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    await fleet.disconnect(session)
    return sweep_id


async def test_a_renamed_device_has_its_figures_and_keeps_the_name(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    await fleet.tending.rename(found(database, "phone"), "pocket", OWNER)
    assert [each.device for each in measured_on(database, "pocket")] == ["pocket"]
    session = await fleet.connect(hello("phone"))
    assert (names(database), session.hello.name) == (["pocket"], "pocket")
    # Whoever starts its agent under another name means that one.
    await fleet.connect(replace(hello("phone"), name="tablet"))
    assert names(database) == ["tablet"]


async def test_a_device_is_renamed_while_it_is_connected(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    await lease(fleet, session)
    await fleet.tending.rename(found(database, "phone"), "pocket", OWNER)
    assert [activity.device for activity in fleet.activities()] == ["pocket"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("all", ErrorCode.INVALID_INPUT), ("", ErrorCode.INVALID_INPUT), ("pi", ErrorCode.NAME_TAKEN)],
)
async def test_a_name_that_none_or_another_has_is_refused(
    database: Database, fleet: Fleet, name: str, code: ErrorCode
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    enrol(database, hello("pi"), now_unix_ms=0)
    with pytest.raises(EdgerankError) as refused:
        await fleet.tending.rename(found(database, "phone"), name, OWNER)
    assert refused.value.code is code
    assert names(database) == ["phone", "pi"]


async def test_a_connected_device_is_not_removed(database: Database, fleet: Fleet) -> None:
    await fleet.connect(hello("phone"))
    with pytest.raises(EdgerankError) as refused:
        await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=True)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert names(database) == ["phone"]


async def test_a_removed_device_leaves_its_figures_and_frees_its_name(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    assert await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=False) == 1
    assert names(database) == []
    assert [device.name for device in list_removed(database)] == ["phone"]
    assert len(measured_on(database, "phone")) == 1
    # Another device of that name has none of them.
    await fleet.connect(replace(hello("phone"), device_id="another"))
    assert names(database) == ["phone"]
    assert measured_on(database, "phone") == []
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_what_a_removed_device_left_is_ranked_and_reported(
    database: Database, fleet: Fleet, tmp_path: Path
) -> None:
    await measure(database, fleet, "phone")
    await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=False)
    database.close()
    page = tmp_path / "phone.html"
    with running_controller(tmp_path) as (_controller, address):
        ranked = edgerank("best", "--device", "phone", address=address)
        reported = edgerank("report", "--device", "phone", "-o", str(page), address=address)
        listed = edgerank("devices", address=address)
    assert ranked.returncode == 0, ranked.stderr
    assert "MobileNetV1" in ranked.stdout
    assert reported.returncode == 0, reported.stderr
    assert "<dd>phone" in page.read_text()
    assert "phone" not in listed.stdout


async def test_a_removed_device_that_comes_back_is_itself_again(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=False)
    await fleet.connect(hello("phone"))
    assert names(database) == ["phone"]
    assert len(measured_on(database, "phone")) == 1
    assert list_removed(database) == ()


async def test_figures_go_with_their_device_when_they_are_to(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "pi")
    await measure(database, fleet, "phone")
    assert await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=True) == 1
    left = list_measurements(database, MeasurementFilter())
    assert [each.device for each in left] == ["pi"]
    assert [sweep.devices for sweep in list_sweeps(database)] == [("pi",)]


@pytest.mark.parametrize("with_measurements", [False, True])
async def test_what_was_not_measured_yet_is_cancelled_so_that_its_sweep_ends(
    database: Database, fleet: Fleet, with_measurements: bool
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await fleet.disconnect(session)
    await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=with_measurements)
    if with_measurements:
        assert list_sweeps(database) == ()
    else:
        assert sweeps.find_sweep(database, sweep_id).phase is SweepPhase.ENDED
    # Its agent, which was gone all the while, may forget what it measured.
    back = await fleet.connect(hello("phone", held=(given.attempt_id,)))
    await fleet.report(back, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert measured_on(database, "phone") == []


def newcomer(name: str, device_id: str = "new", **changes: Any) -> Hello:
    """The first words of an agent with a new state folder that asks for a device's place."""
    return replace(hello(name), device_id=device_id, replace=True, **changes)


async def test_a_new_agent_takes_over_what_it_asks_for_and_a_person_allows(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    waiting = start_sweep(database, "phone", threads=(2,))
    device = found(database, "phone")
    assert fleet.takeovers.allow(device, fleet.connected()) == OPEN_FOR_MS
    session = await fleet.connect(newcomer("phone"))
    # The same device: by its id, its name and what was measured on it.
    assert (session.device_id, session.hello.name) == (device.device_id, "phone")
    assert [each.device_id for each in list_devices(database, fleet.connected())] == ["id-of-phone"]
    assert len(measured_on(database, "phone")) == 1
    # What waited for the device is measured on it.
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert sweeps.find_sweep(database, waiting).phase is SweepPhase.ENDED
    assert len(measured_on(database, "phone")) == 2
    await fleet.disconnect(session)
    # The agent of before is told, whatever it calls itself; the new one needs no permission.
    for name in ("phone", "tablet"):
        with pytest.raises(EdgerankError, match="'phone'") as refused:
            await fleet.connect(replace(hello("phone"), name=name))
        assert refused.value.code is ErrorCode.INVALID_INPUT
    for asks in (True, False):
        await fleet.disconnect(await fleet.connect(replace(newcomer("phone"), replace=asks)))
    # Taken back, as it was taken.
    fleet.takeovers.allow(found(database, "phone"), fleet.connected())
    back = await fleet.connect(replace(hello("phone"), replace=True))
    assert back.device_id == "id-of-phone"
    await fleet.disconnect(back)
    with pytest.raises(EdgerankError, match="'phone'"):
        await fleet.connect(replace(newcomer("phone"), replace=False))


async def test_nothing_is_taken_over_that_nobody_allowed(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    enrol(database, hello("pi"), now_unix_ms=0)

    async def refusal(greeting: Hello) -> ErrorCode:
        with pytest.raises(EdgerankError) as refused:
            await fleet.connect(greeting)
        return refused.value.code

    assert await refusal(newcomer("phone")) is ErrorCode.NAME_TAKEN
    # For another device, for too long, while its agent is there, or by an agent that did not ask.
    fleet.takeovers.allow(found(database, "pi"), fleet.connected())
    assert await refusal(newcomer("phone")) is ErrorCode.NAME_TAKEN
    fleet.takeovers.allow(found(database, "phone"), fleet.connected())
    assert await refusal(replace(newcomer("phone"), replace=False)) is ErrorCode.NAME_TAKEN
    clock.now_ms += OPEN_FOR_MS
    assert await refusal(newcomer("phone")) is ErrorCode.NAME_TAKEN
    fleet.takeovers.allow(found(database, "phone"), fleet.connected())
    session = await fleet.connect(hello("phone"))
    assert await refusal(newcomer("phone")) is ErrorCode.NAME_TAKEN
    with pytest.raises(EdgerankError) as refused:
        fleet.takeovers.allow(found(database, "phone"), fleet.connected())
    assert refused.value.code is ErrorCode.PRECONDITION
    await fleet.disconnect(session)
    # By another device's agent, or on another processor.
    assert await refusal(newcomer("phone", device_id="id-of-pi")) is ErrorCode.NAME_TAKEN
    other = replace(hello("phone").profile, architecture="aarch64")
    assert await refusal(newcomer("phone", profile=other)) is ErrorCode.INVALID_INPUT
    # Once allowed is for one.
    await fleet.disconnect(await fleet.connect(newcomer("phone")))
    assert await refusal(newcomer("phone", device_id="newer")) is ErrorCode.NAME_TAKEN


async def test_asking_for_a_name_that_nobody_has_is_joining(
    database: Database, fleet: Fleet
) -> None:
    session = await fleet.connect(newcomer("phone"))
    assert (session.device_id, names(database)) == ("new", ["phone"])


async def test_an_agent_whose_device_was_deleted_joins_anew(
    database: Database, fleet: Fleet
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    fleet.takeovers.allow(found(database, "phone"), fleet.connected())
    await fleet.disconnect(await fleet.connect(newcomer("phone")))
    await fleet.tending.remove(found(database, "phone"), OWNER, with_measurements=True)
    session = await fleet.connect(hello("phone"))
    assert session.device_id == "id-of-phone"
