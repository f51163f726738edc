"""Figures of an emulated device are marked, by its own word or by a person's."""

from dataclasses import replace

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from controller.fleet.rounds.concluding import conclude_so_far
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.measurements import list_measurements
from controller.state.rounds.underway import list_underway
from protos.fleet import Hello
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.devices.test_devices import measure
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease


def emulated(name: str, emulator: str = "qemu-user") -> Hello:
    greeting = hello(name)
    return replace(greeting, profile=replace(greeting.profile, emulator=emulator))


def measured(database: Database) -> list[Measurement]:
    return list_measurements(database, MeasurementFilter())


def told(database: Database, name: str = "phone") -> str:
    return find_device(list_devices(database, frozenset()), name).profile.emulator


async def mark(database: Database, fleet: Fleet, emulated_by: str | None) -> None:
    device = find_device(list_devices(database, frozenset()), "phone")
    await fleet.tending.mark(device, emulated_by)


async def test_a_measurement_has_what_its_device_says_of_itself(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    assert [each.emulator for each in measured(database)] == [""]
    enrol(database, emulated("phone"), now_unix_ms=0)
    assert [each.emulator for each in measured(database)] == ["qemu-user"]


async def test_so_has_one_that_is_still_measured(database: Database, fleet: Fleet) -> None:
    start_sweep(database, "phone", repetitions=2)
    session = await fleet.connect(emulated("phone"))
    given = await lease(fleet, session)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    (underway,) = list_underway(database, MeasurementFilter(), conclude_so_far)
    assert underway.emulator == "qemu-user"


async def test_a_person_marks_a_device_and_takes_that_back(
    database: Database, fleet: Fleet
) -> None:
    await measure(database, fleet, "phone")
    await mark(database, fleet, "qemu-system")
    assert [each.emulator for each in measured(database)] == ["qemu-system"]
    assert told(database) == "qemu-system"
    # Its agent knows nothing of it, and takes it not away.
    enrol(database, hello("phone"), now_unix_ms=0)
    assert told(database) == "qemu-system"
    await mark(database, fleet, None)
    assert [each.emulator for each in measured(database)] == [""]
    assert told(database) == ""


async def test_what_was_found_stays_when_a_mark_is_taken_away(
    database: Database, fleet: Fleet
) -> None:
    enrol(database, emulated("phone"), now_unix_ms=0)
    await mark(database, fleet, "gem5")
    assert told(database) == "gem5"
    await mark(database, fleet, None)
    assert told(database) == "qemu-user"


@pytest.mark.parametrize("word", ["", "a b", "\x1b[2J", "x" * 65])
async def test_a_mark_is_a_name(database: Database, fleet: Fleet, word: str) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    with pytest.raises(EdgerankError) as refused:
        await mark(database, fleet, word)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert told(database) == ""
