"""What is done for one agent costs the same however many jobs, sweeps and agents there are."""

import asyncio
import re
from collections.abc import Callable
from functools import partial

import pytest

from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.leasing.dispatching import Dispatcher
from controller.fleet.leasing.leases import LEASE_MS
from controller.fleet.leasing.next_lease import next_leases
from controller.fleet.reports import Came, record_reports
from controller.fleet.sessions import AgentSession
from controller.state.attempts import Ask, lease_next
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.sweeps import count_open_jobs
from controller.sweeps.watching import Watching
from protos.fleet import Heartbeat, Lease, Report
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.statements import Statement, heard, walking
from tests.integration.controller.fleet.test_fleet import lease, said

# Statements of a lease and its report together, two BEGINs among them; of a group of them as many.
MOST_OF_A_TURN = 20
# What it tells of the jobs before it is looked at, and how the sweep stands.
MORE_OF_A_READING = 4
# Its samples and settings are read, its state, counts and turns written, its candidate and figures
# looked for and kept; those of its candidate before are the newest no more.
MORE_OF_AN_END = 14


async def one_after_another(
    fleet: Fleet, session: AgentSession, *reports: Callable[[str, str], Report]
) -> None:
    """Leases and reports a turn for each of these."""
    for report in reports:
        given = await lease(fleet, session)
        await fleet.heartbeat(session, Heartbeat(held_attempt_ids=(given.attempt_id,)))
        await fleet.report(session, report(given.attempt_id, given.job_id))
        await fleet.ended()


@pytest.mark.parametrize("sentinel", [False, True])
async def test_no_lease_report_or_look_walks_through_a_table(
    database: Database, fleet: Fleet, sentinel: bool
) -> None:
    sweep_id = start_sweep(
        database, "phone", repetitions=(2, 3), batches=(1, 2, 3, 4), sentinel=sentinel
    )
    session = await fleet.connect(hello("phone"))
    # Far apart, so that another round follows.
    apart = [
        partial(measured_report, latency_ns=5_000_000 + 700_000 * (number % 3))
        for number in range(7)
    ]
    with heard(database) as asked:
        await one_after_another(fleet, session, *apart)
        looked = await anext(
            Watching(database, Changes(), lambda _sweep_id: (), lambda _device_id: True).watch(
                sweep_id
            )
        )
        await one_after_another(fleet, session, failed_report)
        await fleet.look_after_leases()
    assert looked.underway
    assert len(asked) > 50
    assert walking(database, asked) == {}


async def statements_of_a_turn(
    database: Database, fleet: Fleet, device: str, jobs: int
) -> list[Statement]:
    start_sweep(database, device, repetitions=3, batches=tuple(range(1, jobs + 1)))
    session = await fleet.connect(hello(device))
    await one_after_another(fleet, session, measured_report)
    with heard(database) as asked:
        await one_after_another(fleet, session, measured_report)
    return asked


async def test_a_turn_of_many_jobs_asks_no_more_than_one_of_few(
    database: Database, fleet: Fleet
) -> None:
    few = await statements_of_a_turn(database, fleet, "phone", 3)
    many = await statements_of_a_turn(database, fleet, "board", 40)
    assert [each.text for each in many] == [each.text for each in few]


async def statements_of(
    database: Database, fleet: Fleet, *, repetitions: int, sentinel: bool
) -> list[int]:
    """How many statements each lease with its report took, in their order."""
    start_sweep(database, "phone", repetitions=repetitions, batches=(1, 2, 3), sentinel=sentinel)
    session = await fleet.connect(hello("phone"))
    counts = []
    for _ in range(2 * repetitions):
        with heard(database) as asked:
            await one_after_another(fleet, session, measured_report)
        counts.append(len(asked))
    return counts


async def test_a_lease_and_a_report_take_few_statements(database: Database, fleet: Fleet) -> None:
    counts = await statements_of(database, fleet, repetitions=6, sentinel=False)
    assert max(counts) <= MOST_OF_A_TURN


@pytest.mark.parametrize("repetitions", [3, 1], ids=["one of several", "the last of its job"])
async def test_a_group_of_leases_or_reports_takes_as_many_statements_as_one(
    database: Database, repetitions: int
) -> None:
    names = [f"phone-{number}" for number in range(8)]
    also = tuple(names[1:])
    start_sweep(database, names[0], repetitions=repetitions, batches=(1, 2), also=also)
    asks = [Ask(device_id=f"id-of-{name}", now_unix_ms=0) for name in names]
    counts = []
    for some in (asks[:1], asks[1:]):
        with heard(database) as asked:
            leased = [each.lease for each in next_leases(database, some)]
            reports = [measured_report(each.attempt_id, each.job_id) for each in leased if each]
            came = [Came(ask.device_id, said, 0) for ask, said in zip(some, reports, strict=True)]
            assert all(each.is_new for each in record_reports(database, came))
        counts.append(len(asked))
        assert walking(database, asked) == {}
    assert counts[0] == counts[1]


async def test_a_report_that_is_twice_in_a_group_counts_once(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3)
    (leased,) = next_leases(database, [Ask(device_id="id-of-phone", now_unix_ms=0)])
    assert leased.lease is not None
    told = measured_report(leased.lease.attempt_id, leased.lease.job_id)
    twice = [Came("id-of-phone", told, 0)] * 2
    assert [each.is_new for each in record_reports(database, twice)] == [True, False]
    (again,) = next_leases(database, [Ask(device_id="id-of-phone", now_unix_ms=0)])
    assert again.lease is not None
    assert again.lease.attempt_id != leased.lease.attempt_id


async def test_two_asks_of_one_device_in_a_group_give_one_lease(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3)
    both = next_leases(database, [Ask(device_id="id-of-phone", now_unix_ms=0)] * 2)
    leases = {each.lease.attempt_id for each in both if each.lease is not None}
    assert len(leases) == 1


async def test_a_reading_of_the_sentinel_takes_few_statements_more(
    database: Database, fleet: Fleet
) -> None:
    counts = await statements_of(database, fleet, repetitions=6, sentinel=True)
    assert max(counts) <= MOST_OF_A_TURN + MORE_OF_A_READING


async def test_the_end_of_a_job_takes_few_statements_more(database: Database, fleet: Fleet) -> None:
    counts = await statements_of(database, fleet, repetitions=1, sentinel=False)
    assert max(counts) <= MOST_OF_A_TURN + MORE_OF_AN_END


def test_attempts_that_are_out_at_once_lie_together_in_the_index_of_ids(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3)
    leased = []
    # One of a clock that was set far back.
    for now_unix_ms in (-1, 5, 1_800_000_000_000, 1_800_000_000_001):
        given = lease_next(database, "id-of-phone", now_unix_ms)
        if given is not None:
            leased.append(given.attempt_id)
            said = measured_report(given.attempt_id, given.job_id)
            record_reports(database, [Came("id-of-phone", said, now_unix_ms)])
    assert len(leased) == 3
    assert leased == sorted(leased)
    assert {len(each) for each in leased} == {32}


async def test_heartbeats_write_nothing_and_are_remembered_together(
    database: Database, fleet: Fleet, clock: OwnedClock
) -> None:
    sessions = [await fleet.connect(hello(name)) for name in ("phone", "board", "tablet")]
    clock.now_ms = 9
    with heard(database) as asked:
        for session in sessions * 5:
            await fleet.heartbeat(session, Heartbeat())
        assert asked == []
        await fleet.look_after_leases()
    assert sum("last_seen_at_unix_ms" in each.text for each in asked) == 1
    seen = {each.last_seen_at_unix_ms for each in list_devices(database, frozenset())}
    assert seen == {9}


async def test_agents_that_lose_their_leases_at_once_are_dispatched_to_once_each(
    database: Database, fleet: Fleet, clock: OwnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"phone-{number}" for number in range(8)]
    for name in names:
        start_sweep(database, name)
        await lease(fleet, await fleet.connect(hello(name)))
    dispatched: list[str] = []

    async def dispatch(_self: Dispatcher, session: AgentSession) -> None:
        dispatched.append(session.hello.name)

    clock.now_ms = LEASE_MS
    with monkeypatch.context() as patch:
        patch.setattr(Dispatcher, "dispatch", dispatch)
        await fleet.look_after_leases()
        await asyncio.sleep(0)
    assert sorted(dispatched) == names


async def test_an_agent_that_asks_waits_for_no_other_agent(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone")
    start_sweep(database, "board")
    slow = await fleet.connect(hello("phone"))
    async with slow.dispatching:
        fleet.ready_soon(slow)
        given = await lease(fleet, await fleet.connect(hello("board")))
        assert given.backbone == "MobileNetV1"
        said(slow)
    assert isinstance(await slow.outbox.get(), Lease)


def test_a_scrape_of_the_metrics_looks_at_no_job(database: Database) -> None:
    start_sweep(database, "phone", batches=(1, 2, 3))
    with heard(database) as asked:
        count_open_jobs(database)
    assert walking(database, asked) == {}
    assert not any(re.search(r"\bjobs\b", each.text) for each in asked)
