"""Devices are renamed and removed, and what was measured on them stays unless it is to go."""

from dataclasses import replace

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.domain.sweeps import Device, SweepPhase
from controller.fleet.agents import Fleet
from controller.state import sweeps
from controller.state.database import Database
from controller.state.devices import enrol, list_devices, list_removed
from controller.state.measurements import list_measurements
from controller.state.sweeps import list_sweeps
from protos.fleet import Lease
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.test_fleet import lease


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
    await fleet.disconnect(session)
    return sweep_id


async def test_a_renamed_device_has_its_figures_and_keeps_the_name(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    await fleet.rename(found(database, "phone"), "pocket")
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
    await fleet.rename(found(database, "phone"), "pocket")
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
        await fleet.rename(found(database, "phone"), name)
    assert refused.value.code is code
    assert names(database) == ["phone", "pi"]


async def test_a_connected_device_is_not_removed(database: Database, fleet: Fleet) -> None:
    await fleet.connect(hello("phone"))
    with pytest.raises(EdgerankError) as refused:
        await fleet.remove(found(database, "phone"), with_measurements=True)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert names(database) == ["phone"]


async def test_a_removed_device_leaves_its_figures_and_frees_its_name(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    assert await fleet.remove(found(database, "phone"), with_measurements=False) == 1
    assert names(database) == []
    assert [device.name for device in list_removed(database)] == ["phone"]
    assert len(measured_on(database, "phone")) == 1
    # Another device of that name has none of them.
    await fleet.connect(replace(hello("phone"), device_id="another"))
    assert names(database) == ["phone"]
    assert measured_on(database, "phone") == []
    assert len(list_measurements(database, MeasurementFilter())) == 1


async def test_a_removed_device_that_comes_back_is_itself_again(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    await fleet.remove(found(database, "phone"), with_measurements=False)
    await fleet.connect(hello("phone"))
    assert names(database) == ["phone"]
    assert len(measured_on(database, "phone")) == 1
    assert list_removed(database) == ()


async def test_figures_go_with_their_device_when_they_are_to(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "pi")
    await measure(database, fleet, "phone")
    assert await fleet.remove(found(database, "phone"), with_measurements=True) == 1
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
    await fleet.remove(found(database, "phone"), with_measurements=with_measurements)
    if with_measurements:
        assert list_sweeps(database) == ()
    else:
        assert sweeps.find_sweep(database, sweep_id).phase is SweepPhase.ENDED
    # Its agent, which was gone all the while, may forget what it measured.
    back = await fleet.connect(hello("phone", held=(given.attempt_id,)))
    await fleet.report(back, measured_report(given.attempt_id, given.job_id))
    assert measured_on(database, "phone") == []
