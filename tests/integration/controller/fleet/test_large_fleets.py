"""A large fleet beats slowly, is told so, and keeps its leases while it comes back."""

import pytest

from controller.api.queries import Queries
from controller.domain.devices import DeviceEventKind
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.leasing import leases
from controller.fleet.leasing.leases import HEARTBEAT_INTERVAL_MS, LEASE_MS
from controller.state import attempts
from controller.state.database import Database
from models.catalog.catalog import load_catalog
from protos.fleet import Heartbeat, SlowDown, Welcome
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello
from tests.integration.controller.fleet.statements import heard, walking
from tests.integration.controller.fleet.test_fleet import lease, said


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two agents beat as slowly as thousands would."""
    monkeypatch.setattr(leases, "MOST_BEATS_A_S", 1_000 / HEARTBEAT_INTERVAL_MS)


async def test_who_was_there_before_the_fleet_grew_is_slowed_down_at_its_next_beat(
    fleet: Fleet,
) -> None:
    first = await fleet.connect(hello("phone"))
    second = await fleet.connect(hello("board"))
    (told_first,), (told_second,) = said(first), said(second)
    assert isinstance(told_first, Welcome)
    assert isinstance(told_second, Welcome)
    assert told_first.heartbeat_interval_ms == HEARTBEAT_INTERVAL_MS
    assert told_second.heartbeat_interval_ms == 2 * HEARTBEAT_INTERVAL_MS
    for session in (first, second) * 2:
        await fleet.heartbeat(session, Heartbeat())
    assert [type(told) for told in said(first)] == [SlowDown]
    assert said(second) == []


async def test_leases_live_on_while_a_large_fleet_comes_back(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    start_sweep(database, "phone")
    given = await lease(fleet, await fleet.connect(hello("phone")))
    await fleet.connect(hello("board"))
    again = Fleet(database, Changes(), clock, "the-controllers-host")
    await again.recover()
    clock.now_ms = 2 * LEASE_MS - 1
    await again.look_after_leases()
    assert attempts.leased_attempts(database) == {given.attempt_id: "id-of-phone"}
    clock.now_ms = 2 * LEASE_MS
    await again.look_after_leases()
    assert attempts.leased_attempts(database) == {}


async def test_devices_that_were_not_seen_for_a_day_slow_nobody_down(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    for name in ("phone", "board"):
        await fleet.connect(hello(name))
    clock.now_ms = 25 * 3_600_000
    again = Fleet(database, Changes(), clock, "the-controllers-host")
    await again.recover()
    (told,) = said(await again.connect(hello("phone")))
    assert isinstance(told, Welcome)
    assert told.heartbeat_interval_ms == HEARTBEAT_INTERVAL_MS


async def test_a_question_about_one_device_walks_through_no_others(
    database: Database, fleet: Fleet
) -> None:
    for name in ("phone", "board"):
        await fleet.connect(hello(name))
    queries = Queries(database, load_catalog(), fleet)
    with heard(database) as asked:
        (connected, _joined) = await queries.device_events("phone", 5)
    assert connected.kind is DeviceEventKind.CONNECTED
    assert asked
    assert walking(database, asked) == {}
