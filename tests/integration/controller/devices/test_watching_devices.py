"""Who watches devices is told all of them, then each that something befell, and no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from controller.access.callers import OWNER
from controller.domain.devices import Device, DeviceChanges, DeviceCondition
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from protos.fleet import Heartbeat
from tests.integration.controller.domain_samples import hello
from tests.integration.controller.fleet.statements import heard, walking

MANY = 20


def found(database: Database, name: str) -> Device:
    return find_device(list_devices(database, frozenset()), name)


async def until_told(
    told: AsyncIterator[DeviceChanges], name: str, *, connected: bool, condition: DeviceCondition
) -> list[str]:
    """Hears changes until a device is so; gives the names that were told."""
    names = []
    async for changes in told:
        names += [device.name for device in changes.devices]
        if any(
            (device.name, device.connected, device.standing.condition)
            == (name, connected, condition)
            for device in changes.devices
        ):
            return names
    raise AssertionError("nothing more is told")


async def test_all_are_told_and_then_those_that_change(database: Database, fleet: Fleet) -> None:
    for number in range(MANY):
        enrol(database, hello(f"board-{number}"), now_unix_ms=0)
    session = await fleet.connect(hello("phone"))
    async with aclosing(fleet.watching.watch()) as told:
        first = await anext(told)
        assert len(first.devices) == MANY + 1
        assert [device.name for device in first.devices if device.connected] == ["phone"]
        active, resting = DeviceCondition.ACTIVE, DeviceCondition.RESTING
        await fleet.tending.rest(found(database, "phone"), OWNER)
        names = await until_told(told, "phone", connected=True, condition=resting)
        await fleet.disconnect(session)
        names += await until_told(told, "phone", connected=False, condition=resting)
        await fleet.tending.wake(found(database, "phone"), OWNER)
        names += await until_told(told, "phone", connected=False, condition=active)
        await fleet.connect(hello("tablet"))
        names += await until_told(told, "tablet", connected=True, condition=active)
        assert set(names) == {"phone", "tablet"}


async def test_those_that_go_are_told_with_and_without_their_figures(
    database: Database, fleet: Fleet
) -> None:
    for name in ("phone", "board"):
        enrol(database, hello(name), now_unix_ms=0)
    async with aclosing(fleet.watching.watch()) as told:
        await anext(told)
        gone: list[str] = []
        for name, with_measurements in (("phone", True), ("board", False)):
            await fleet.tending.remove(
                found(database, name), OWNER, with_measurements=with_measurements
            )
            while f"id-of-{name}" not in gone:
                gone += (await anext(told)).gone_ids


async def test_one_looks_for_all_who_watch_and_at_no_device_that_did_not_change(
    database: Database, fleet: Fleet
) -> None:
    for number in range(MANY):
        enrol(database, hello(f"board-{number}"), now_unix_ms=0)
    session = await fleet.connect(hello("phone"))

    async def watch() -> None:
        async with aclosing(fleet.watching.watch()) as told:
            await anext(told)
            begun.release()
            await until_told(told, "phone", connected=True, condition=DeviceCondition.RESTING)

    begun = asyncio.Semaphore(0)
    watchers = [asyncio.create_task(watch()) for _ in range(MANY)]
    for _ in range(MANY):
        await begun.acquire()
    with heard(database) as asked:
        await fleet.heartbeat(session, Heartbeat())
        await fleet.tending.rest(found(database, "phone"), OWNER)
        await asyncio.gather(*watchers)
    looked = [each for each in asked if each.thread.startswith("watching-devices")]
    assert walking(database, looked) == {}
    # A look or two for all of them, and what changed each time.
    assert len(looked) <= 6
