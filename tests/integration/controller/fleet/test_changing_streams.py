"""Who is told to stop an attempt hears it, whatever stream its agent is in just then."""

import asyncio
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from controller.domain.access import Caller, CallerKind
from controller.domain.devices import Device
from controller.domain.jobs import JobState
from controller.fleet.agents import Fleet
from controller.state import attempts
from controller.state.database import Database
from controller.state.devices import list_devices
from controller.state.jobs import cancel_jobs
from controller.state.rounds.counts import read_counts
from protos.fleet import Cancel, Failure, Hello, Lease, Welcome
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import failed_report, hello
from tests.integration.controller.fleet.test_fleet import lease, said

SOMEBODY = Caller(caller=CallerKind.TOKEN, caller_name="ci")


def agent(*held: str) -> Hello:
    """What the one run of an agent says at the beginning of each of its streams."""
    return replace(hello("phone", held=held), run_id="one-run")


def phone(database: Database) -> Device:
    (device,) = list_devices(database, frozenset({"id-of-phone"}))
    return device


async def cancel(database: Database, fleet: Fleet, sweep_id: str) -> None:
    """As a sweep is cancelled: first its jobs, then the attempts that are out."""
    await asyncio.to_thread(cancel_jobs, database, sweep_id)
    await fleet.cancel(await asyncio.to_thread(attempts.attempts_of_sweep, database, sweep_id))


class Moment:
    """The moment in which an agent has left its old stream, and is not welcome in the new one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._has_come, self._is_over = threading.Event(), threading.Event()
        self._look = attempts.list_unwanted
        monkeypatch.setattr(attempts, "list_unwanted", self._looked)

    def _looked(self, database: Database, device_id: str, among: Collection[str]) -> Sequence[str]:
        found = self._look(database, device_id, among)
        self._has_come.set()
        self._is_over.wait()
        return found

    async def came(self) -> None:
        await asyncio.to_thread(self._has_come.wait)

    def pass_by(self) -> None:
        self._is_over.set()


async def test_a_sweep_that_is_cancelled_while_an_agent_changes_its_stream_is_stopped_there(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_id = start_sweep(database, "phone")
    given = await lease(fleet, await fleet.connect(agent()))
    moment = Moment(monkeypatch)
    changing = asyncio.create_task(fleet.connect(agent(given.attempt_id)))
    await moment.came()
    await cancel(database, fleet, sweep_id)
    moment.pass_by()
    told = said(await changing)
    assert [type(each) for each in told] == [Welcome, Cancel]
    assert told[1] == Cancel(attempt_id=given.attempt_id)


async def test_a_device_that_is_to_rest_in_that_moment_stops_too(
    database: Database, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_sweep(database, "phone")
    given = await lease(fleet, await fleet.connect(agent()))
    moment = Moment(monkeypatch)
    changing = asyncio.create_task(fleet.connect(agent(given.attempt_id)))
    await moment.came()
    await fleet.tending.rest(phone(database), SOMEBODY)
    moment.pass_by()
    assert Cancel(attempt_id=given.attempt_id) in said(await changing)


@pytest.mark.parametrize("is_named", [True, False], ids=["named", "given after it said Hello"])
async def test_what_is_cancelled_in_the_old_stream_is_cancelled_in_the_new_one_again(
    database: Database, fleet: Fleet, *, is_named: bool
) -> None:
    sweep_id = start_sweep(database, "phone")
    old = await fleet.connect(agent())
    given = await lease(fleet, old)
    await cancel(database, fleet, sweep_id)
    new = await fleet.connect(agent(*([given.attempt_id] if is_named else [])))
    told = said(new)
    assert told[-1] == Cancel(attempt_id=given.attempt_id)
    # In the order in which it has to hear them: what it never heard of it could not stop.
    assert [type(each) for each in told[:-1]] == [Welcome] + [Lease] * (not is_named)


async def test_an_agent_that_was_away_stops_what_was_cancelled_meanwhile(
    database: Database, fleet: Fleet
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(agent())
    given = await lease(fleet, session)
    await fleet.disconnect(session)
    await cancel(database, fleet, sweep_id)
    back = await fleet.connect(agent(given.attempt_id))
    assert said(back)[-1] == Cancel(attempt_id=given.attempt_id)
    cancelled = Failure(reasons=(reason(ReasonCode.ATTEMPT_CANCELLED),))
    report = replace(failed_report(given.attempt_id, given.job_id), failure=cancelled)
    await fleet.report(back, report)
    assert attempts.leased_attempts(database) == {}
    assert read_counts(database, sweep_id).jobs == {JobState.CANCELLED: 1}
    again = await fleet.connect(agent())
    assert [type(each) for each in said(again)] == [Welcome]
