"""Those who follow a sweep cost as much as one who does, and miss no outcome."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import grpc
import pytest

from controller.api.queries import Queries
from controller.api.rpc.query.query_service import QueryService
from controller.api.tracing import Tracing
from controller.conversions.converter import Converter
from controller.conversions.stored import Shelf
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.changes import TOLD_PER_S, Changes
from controller.own.adding import OwnModels
from controller.state import attempts, jobs
from controller.state.blobs import open_blobs
from controller.state.database import Database
from controller.state.measurements import list_outcomes
from controller.state.rounds import underway
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiling.running import Profiles
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from controller.sweeps.watching import Watching
from models.catalog.catalog import load_catalog
from protos.reasons import ReasonCode, reason
from protos.traces import NO_SPANS
from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import measured_report
from tests.integration.controller.fleet.statements import heard
from tests.measured import record_report

MANY = 500
JOBS = 6


def measure_one(database: Database) -> None:
    """Works off one turn of the phone's."""
    lease = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert lease is not None
    report = measured_report(lease.attempt_id, lease.job_id)
    assert record_report(database, "id-of-phone", report, now_unix_ms=0)


@pytest.fixture
def watching(database: Database, changes: Changes) -> Watching:
    return Watching(database, changes, lambda _sweep_id: (), lambda _device_id: True)


async def test_many_followers_are_looked_for_once_and_each_is_told_every_outcome(
    database: Database, changes: Changes, watching: Watching
) -> None:
    sweep_id = start_sweep(database, "phone", batches=tuple(range(1, JOBS + 1)))
    told: list[list[str]] = [[] for _ in range(MANY)]
    first = asyncio.Event()

    async def follow(number: int) -> SweepPhase:
        async for snapshot in watching.watch(sweep_id):
            told[number] += [outcome.job_id for outcome in snapshot.ended]
            if number == MANY - 1:
                first.set()
        return snapshot.phase

    with heard(database) as asked:
        followers = [asyncio.create_task(follow(number)) for number in range(MANY)]
        await first.wait()
        before = len(asked)
        for _ in range(JOBS):
            await asyncio.to_thread(measure_one, database)
            changes.notify()
        assert set(await asyncio.gather(*followers)) == {SweepPhase.ENDED}
    ended = [outcome.job_id for outcome in list_outcomes(database, sweep_id)]
    assert told == [ended] * MANY
    looked = [each.thread.startswith("watching") for each in asked]
    # At most a look a change, besides one that was under way, of four questions each. Who comes
    # late to the first look has another one.
    assert 4 <= sum(looked[:before]) < MANY
    assert sum(looked[before:]) <= 4 * (JOBS + 1)


async def test_who_is_slow_is_told_the_newest_with_all_that_ended_meanwhile(
    database: Database, changes: Changes, watching: Watching
) -> None:
    sweep_id = start_sweep(database, "phone", batches=(1, 2, 3))
    slow, quick = watching.watch(sweep_id), watching.watch(sweep_id)
    assert (await anext(slow)).jobs_queued == 3
    async for snapshot in quick:
        if snapshot.phase is SweepPhase.MEASURING:
            await asyncio.to_thread(measure_one, database)
            changes.notify()
    last = await anext(slow)
    assert (last.phase, len(last.ended)) == (SweepPhase.ENDED, 3)
    with pytest.raises(StopAsyncIteration):
        await anext(slow)


async def test_followers_of_other_sweeps_count_as_well(
    database: Database, changes: Changes, watching: Watching
) -> None:
    crowded = start_sweep(database, "phone")
    sweep_id = start_sweep(database, "phone", batches=(1, 2, 3))
    crowd = [watching.watch(crowded) for _ in range(TOLD_PER_S)]
    assert len(await asyncio.gather(*(anext(each) for each in crowd))) == TOLD_PER_S
    follower = watching.watch(sweep_id)
    await anext(follower)
    begin_s = time.monotonic()
    await asyncio.to_thread(measure_one, database)
    changes.notify()
    await anext(follower)
    # A busy machine makes it later, never earlier.
    assert time.monotonic() - begin_s >= 0.9
    await asyncio.gather(*(each.aclose() for each in (follower, *crowd)))


async def test_who_comes_later_is_told_what_ended_before(
    database: Database, changes: Changes, watching: Watching
) -> None:
    sweep_id = start_sweep(database, "phone", batches=(1, 2, 3))
    early = watching.watch(sweep_id)
    await anext(early)
    measure_one(database)
    changes.notify()
    assert len((await anext(early)).ended) == 1
    late = watching.watch(sweep_id)
    assert len((await anext(late)).ended) == 1
    jobs.cancel_jobs(database, sweep_id)


async def test_figures_are_told_while_a_job_is_measured_and_only_those_that_changed(
    database: Database, changes: Changes, watching: Watching
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=3, batches=(1, 2))
    follower = watching.watch(sweep_id)
    told = [[outcome.job_id for outcome in (await anext(follower)).underway]]
    for _ in range(3):
        measure_one(database)
        changes.notify()
        snapshot = await anext(follower)
        told.append([outcome.job_id for outcome in snapshot.underway])
        assert snapshot.ended == ()
    # Jobs take turns: the first round of both, then one of them once more.
    first, second = told[1][0], told[2][0]
    assert first != second
    assert told in ([[], [first], [second], [again]] for again in (first, second))
    (again,) = snapshot.underway
    assert again.median_ms is not None
    assert again.low_ms is not None
    assert again.high_ms is not None
    assert again.low_ms <= again.median_ms <= again.high_ms
    assert again.reasons[0] == reason(ReasonCode.STILL_MEASURED, repetitions=2)
    # Who comes later is told of both.
    late = watching.watch(sweep_id)
    assert {outcome.job_id for outcome in (await anext(late)).underway} == {first, second}
    jobs.cancel_jobs(database, sweep_id)


async def test_of_a_fleet_that_is_quick_the_newest_figures_are_told(
    database: Database, changes: Changes, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=2, batches=tuple(range(1, JOBS + 1)))
    monkeypatch.setattr(underway, "MOST_CHANGED", 2)
    follower = watching.watch(sweep_id)
    await anext(follower)
    for _ in range(JOBS):
        measure_one(database)
    changes.notify()
    assert len((await anext(follower)).underway) == 2
    jobs.cancel_jobs(database, sweep_id)


async def test_nobody_looks_when_nobody_follows(
    database: Database, changes: Changes, watching: Watching
) -> None:
    sweep_id = start_sweep(database, "phone")
    follower = watching.watch(sweep_id)
    await anext(follower)
    await follower.aclose()
    with heard(database) as asked:
        changes.notify()
        await asyncio.sleep(0)
    assert asked == []


async def test_a_sweep_that_nobody_knows_is_told_to_each_who_follows(watching: Watching) -> None:
    ended = await asyncio.gather(
        *(anext(watching.watch("nobody's")) for _ in range(2)), return_exceptions=True
    )
    assert [isinstance(each, EdgerankError) and each.code for each in ended] == [
        ErrorCode.UNKNOWN_NAME
    ] * 2


@pytest.fixture
async def stub(
    database: Database, fleet: Fleet, changes: Changes, clock: OwnedClock, tmp_path: Path
) -> AsyncIterator[query_pb2_grpc.QueryStub]:
    """The Query service on a socket, with this test's database and fleet behind it."""
    catalog = load_catalog()
    blobs = open_blobs(tmp_path)
    converter = Converter(database, blobs, tmp_path, catalog, fleet.gate, clock=clock)
    planner = Planner(Shelf(database, blobs, tmp_path / "weights"), catalog)
    sweeps = Sweeps(database, catalog, fleet, converter, changes, planner=planner, clock=clock)
    service = QueryService(
        database,
        catalog,
        Queries(database, catalog, fleet),
        sweeps,
        OwnModels(database, tmp_path, catalog, fleet.gate, 1_000_000, clock=clock),
        steering=Steering(database, fleet, changes, clock, demand=converter.demand),
        retrying=Retrying(database, sweeps),
        fleet=fleet,
        profiles=Profiles(database, catalog, fleet, sweeps),
        tracing=Tracing(NO_SPANS, database, changes),
        clock=clock,
        open_to_all=False,
    )
    server = grpc.aio.server()
    query_pb2_grpc.add_QueryServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield query_pb2_grpc.QueryStub(channel)
    await server.stop(None)
    await sweeps.close()
    converter.close()


async def work_behind_followers(
    database: Database,
    changes: Changes,
    stub: query_pb2_grpc.QueryStub,
    device: str,
    followers: int,
) -> int:
    """How many questions the database was asked to tell so many followers of a sweep's end."""
    sweep_id = start_sweep(database, device, batches=tuple(range(1, JOBS + 1)))

    async def follow(begun: asyncio.Event) -> int:
        ended = 0
        snapshots = stub.WatchSweep(query_pb2.WatchSweepRequest(sweep_id=sweep_id))
        async for snapshot in cast(AsyncIterator[query_pb2.WatchSweepResponse], snapshots):
            ended += len(snapshot.ended)
            begun.set()
        return ended

    begun = [asyncio.Event() for _ in range(followers)]
    tasks = [asyncio.create_task(follow(each)) for each in begun]
    await asyncio.gather(*(each.wait() for each in begun))
    with heard(database) as asked:
        for _ in range(JOBS):
            await asyncio.to_thread(measure_one, database)
            changes.notify()
        assert set(await asyncio.gather(*tasks)) == {JOBS}
    return len(asked)


async def test_many_followers_on_sockets_leave_the_database_to_the_fleet(
    database: Database, changes: Changes, stub: query_pb2_grpc.QueryStub
) -> None:
    alone = await work_behind_followers(database, changes, stub, "phone", 1)
    among_many = await work_behind_followers(database, changes, stub, "phone", MANY)
    # A look more or less, by when changes fall together.
    assert among_many <= alone + 4 * JOBS
