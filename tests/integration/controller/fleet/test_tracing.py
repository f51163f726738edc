"""What the controller knows of a job's times, told as its parts end."""

import asyncio
from dataclasses import replace

import pytest

from controller.api.tracing import Tracing
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.state.database import Database
from protos.fleet import Lease
from protos.traces import NO_SPANS, Span, Spans
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease

DEVICE = "id-of-phone"


class Heard(Spans):
    """Hears every span; its contexts are short."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.has_job = asyncio.Event()

    def tell(self, span: Span) -> None:
        self.spans.append(span)
        if span.name == "job":
            self.has_job.set()

    def of_job(self, job_id: str) -> str:
        return f"job {job_id}"

    def of_attempt(self, job_id: str, attempt_id: str) -> str:
        return f"attempt {attempt_id} of {job_id}"

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


class Traced:
    """A fleet whose leases and reports are traced, as the service of agents does it."""

    def __init__(self, database: Database, fleet: Fleet, changes: Changes, clock: OwnedClock):
        self.heard = Heard()
        self.clock = clock
        self.tracing = Tracing(self.heard, database, changes, lambda: 1_000_000 * clock.now_ms)
        self._fleet = fleet

    async def lease(self) -> Lease:
        self.session = await self._fleet.connect(hello("phone"))
        return self.tracing.leased(DEVICE, await lease(self._fleet, self.session))

    async def report(self, given: Lease, *, fails: bool = False) -> None:
        make = failed_report if fails else measured_report
        report = make(given.attempt_id, given.job_id)
        came_ns = self.tracing.now_ns()
        self.clock.now_ms += 7
        await self._fleet.report(self.session, report)
        await self._fleet.ended()
        self.tracing.reported(DEVICE, report, came_ns)


@pytest.fixture
def traced(database: Database, fleet: Fleet, changes: Changes, clock: OwnedClock) -> Traced:
    return Traced(database, fleet, changes, clock)


async def followed(traced: Traced) -> Span:
    """The span of the job that ends."""
    (watch,) = traced.tracing.watches()
    following = asyncio.create_task(watch)
    try:
        await asyncio.wait_for(traced.heard.has_job.wait(), timeout=60)
    finally:
        following.cancel()
    (job,) = traced.heard.named("job")
    return job


async def test_a_job_that_is_measured(database: Database, traced: Traced) -> None:
    sweep_id = start_sweep(database, "phone", at_unix_ms=500)
    traced.tracing.planned(sweep_id, 200_000_000)
    traced.clock.now_ms = 1_000
    given = await traced.lease()
    assert given.trace_context == f"attempt {given.attempt_id} of {given.job_id}"
    traced.clock.now_ms = 3_000
    await traced.report(given)
    traced.clock.now_ms = 3_000
    job = await followed(traced)
    (leased,), (commit,) = traced.heard.named("lease"), traced.heard.named("commit")
    assert (leased.begin_ns, leased.end_ns) == (1_000_000_000, 3_007_000_000)
    assert (leased.own, leased.within) == (given.trace_context, f"job {given.job_id}")
    assert (commit.begin_ns, commit.within) == (3_000_000_000, given.trace_context)
    assert job.own == f"job {given.job_id}"
    assert (job.begin_ns, job.end_ns) == (200_000_000, 3_007_000_000)
    (plan,), (settle,) = traced.heard.named("plan"), traced.heard.named("settle")
    assert (plan.begin_ns, plan.end_ns) == (200_000_000, 500_000_000)
    assert (settle.begin_ns, settle.end_ns) == (3_000_000_000, 3_007_000_000)
    # Its file was there before.
    assert traced.heard.named("conversion") == []
    assert not any(span.failure for span in traced.heard.spans)


async def test_a_job_that_fails_and_an_attempt_that_came_to_nothing(
    database: Database, fleet: Fleet, traced: Traced
) -> None:
    start_sweep(database, "phone")
    lost = await traced.lease()
    # Its agent started again and holds nothing.
    await fleet.disconnect(traced.session)
    given = await traced.lease()
    assert given.job_id == lost.job_id
    await traced.report(given, fails=True)
    traced.clock.now_ms -= 7
    job = await followed(traced)
    first, second = traced.heard.named("lease")
    assert (first.failure, second.own) == ("nothing came of it", given.trace_context)
    assert "SIGSEGV" in second.failure
    assert "SIGSEGV" in job.failure


async def test_a_file_that_was_made_for_the_sweep_is_told(
    database: Database, traced: Traced
) -> None:
    # Its artifact is of the moment 0, and its child processes took a second, some of them at once.
    start_sweep(database, "phone", at_unix_ms=-400)
    await traced.report(await traced.lease())
    traced.clock.now_ms = 0
    job = await followed(traced)
    (conversion,) = traced.heard.named("conversion")
    assert conversion.within == job.own
    assert (conversion.begin_ns, conversion.end_ns) == (-400_000_000, 0)
    assert conversion.facts == {"edgerank.child_processes_s": 1.0}


async def test_a_file_that_is_made_anew_after_a_job_was_not_made_for_it(
    database: Database, traced: Traced
) -> None:
    start_sweep(database, "phone", at_unix_ms=-400)
    traced.clock.now_ms = -100
    await traced.report(await traced.lease())
    traced.clock.now_ms = -100
    await followed(traced)
    assert traced.heard.named("conversion") == []


async def test_another_attempt_that_is_given_back_ends_nothing_that_is_out(
    database: Database, traced: Traced
) -> None:
    start_sweep(database, "phone")
    given = await traced.lease()
    traced.tracing.given_back(DEVICE, "another")
    assert traced.heard.named("lease") == []
    traced.tracing.given_back(DEVICE, given.attempt_id)
    (leased,) = traced.heard.named("lease")
    assert (leased.own, leased.failure) == (given.trace_context, "its agent gave it back")


async def test_where_nobody_wants_traces_leases_are_as_they_were(
    database: Database, changes: Changes, traced: Traced
) -> None:
    start_sweep(database, "phone")
    given = replace(await traced.lease(), trace_context="")
    silent = Tracing(NO_SPANS, database, changes)
    assert silent.leased(DEVICE, given) is given
    assert silent.watches() == ()
