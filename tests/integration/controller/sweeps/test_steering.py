"""Sweeps that were started are paused, resumed, and made more or less urgent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.conversions.demand import Demand
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import MeasurementFilter
from controller.domain.sweeps import Pause, SweepPhase
from controller.domain.sweeps.editing import SweepEdit
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.state import attempts
from controller.state.database import Database, open_database
from controller.state.measurements import list_measurements
from controller.state.sweeps import find_sweep, list_sweeps, set_phase
from controller.sweeps.steering import Steering
from controller.sweeps.watching import Watching
from tests.integration.controller.conftest import OwnedClock, start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.test_fleet import lease, said


@pytest.fixture
def steering(database: Database, fleet: Fleet, changes: Changes, clock: OwnedClock) -> Steering:
    return Steering(database, fleet, changes, clock, demand=Demand())


@pytest.fixture
def reopened(database: Database, tmp_path: Path) -> Iterator[Database]:
    """The database as a controller that is started again finds it."""
    database.close()
    again = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    yield again
    again.close()


async def test_a_paused_sweep_gives_out_nothing_and_what_is_out_is_kept(
    database: Database, fleet: Fleet, steering: Steering, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    clock.now_ms = 7
    assert await steering.pause(sweep_id, "ann") == Pause(by="ann", since_unix_ms=7)
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    assert len(list_measurements(database, MeasurementFilter())) == 1
    said(session)
    await fleet.ready(session)
    assert said(session) == []
    # Whoever is free is told at once.
    await steering.resume(sweep_id)
    (again,) = said(session)
    assert again is not None
    assert find_sweep(database, sweep_id).paused is None


async def test_it_gives_out_nothing_after_a_restart_either(
    database: Database, steering: Steering, reopened: Database, clock: OwnedClock
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=2)
    await steering.pause(sweep_id, "")
    restarted = Fleet(reopened, Changes(), clock, "the-controllers-host")
    await restarted.recover()
    session = await restarted.connect(hello("phone"))
    said(session)
    await restarted.ready(session)
    await restarted.dispatch_all()
    assert said(session) == []
    assert not attempts.has_next(reopened, "id-of-phone")
    (listed,) = list_sweeps(reopened)
    assert (listed.phase, listed.paused) == (SweepPhase.MEASURING, Pause(by="", since_unix_ms=0))


async def test_who_paused_it_first_did(database: Database, steering: Steering) -> None:
    sweep_id = start_sweep(database, "phone")
    await steering.pause(sweep_id, "ann")
    assert (await steering.pause(sweep_id, "bob")).by == "ann"
    await steering.resume(sweep_id)
    await steering.resume(sweep_id)
    assert (await steering.pause(sweep_id, "bob")).by == "bob"


async def test_others_go_on_beside_it(database: Database, steering: Steering) -> None:
    paused = start_sweep(database, "phone", priority=5)
    other = start_sweep(database, "phone", priority=-5)
    await steering.pause(paused, "ann")
    given = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert given is not None
    assert attempts.attempts_of_sweep(database, other) == {given.attempt_id: "id-of-phone"}


async def test_whoever_follows_is_told(
    database: Database, steering: Steering, changes: Changes
) -> None:
    sweep_id = start_sweep(database, "phone")
    snapshots = Watching(database, changes, lambda _: (), lambda _device_id: True).watch(sweep_id)
    assert (await anext(snapshots)).paused is None
    await steering.pause(sweep_id, "ann")
    assert (await anext(snapshots)).paused == Pause(by="ann", since_unix_ms=0)
    await steering.resume(sweep_id)
    assert (await anext(snapshots)).paused is None


async def test_a_sweep_that_ended_while_it_was_paused_is_not_told_to_be(
    database: Database, fleet: Fleet, steering: Steering
) -> None:
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    given = await lease(fleet, session)
    await steering.pause(sweep_id, "ann")
    await fleet.report(session, measured_report(given.attempt_id, given.job_id))
    await fleet.ended()
    (listed,) = list_sweeps(database)
    assert (listed.phase, listed.paused) == (SweepPhase.ENDED, None)


async def test_a_sweep_that_has_ended_is_neither_paused_nor_edited(
    database: Database, steering: Steering
) -> None:
    sweep_id = start_sweep(database, "phone")
    set_phase(database, sweep_id, SweepPhase.CANCELLED, now_unix_ms=0)
    urgent = SweepEdit(sweep_id=sweep_id, priority=3)
    for call in (
        lambda: steering.pause(sweep_id, ""),
        lambda: steering.resume(sweep_id),
        lambda: steering.edit(urgent),
    ):
        with pytest.raises(EdgerankError, match="is over") as refused:
            await call()
        assert refused.value.code is ErrorCode.PRECONDITION


async def test_an_edit_holds_from_the_next_turn_on(database: Database, steering: Steering) -> None:
    first = start_sweep(database, "phone", repetitions=2)
    second = start_sweep(database, "phone", at_unix_ms=1, deadline_unix_ms=9)
    # No deadline is later than any.
    after = await steering.edit(SweepEdit(sweep_id=second, without_deadline=True))
    assert after.deadline_unix_ms is None
    attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert len(attempts.attempts_of_sweep(database, first)) == 1
    after = await steering.edit(SweepEdit(sweep_id=second, priority=4))
    assert (after.priority, after.deadline_unix_ms) == (4, None)
    attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert len(attempts.attempts_of_sweep(database, second)) == 1
    await steering.edit(SweepEdit(sweep_id=second, deadline_unix_ms=10))
    listed = {each.sweep_id: each for each in list_sweeps(database)}[second]
    assert (listed.priority, listed.deadline_unix_ms) == (4, 10)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({}, "nothing is to change"),
        ({"priority": 11}, "-10 to 10, not 11"),
        ({"deadline_unix_ms": -1}, "since 1970"),
        ({"deadline_unix_ms": 5, "without_deadline": True}, "not both"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    database: Database, steering: Steering, wanted: dict[str, int], why: str
) -> None:
    sweep_id = start_sweep(database, "phone", priority=1)
    before = find_sweep(database, sweep_id)
    with pytest.raises(EdgerankError, match=why) as refused:
        await steering.edit(SweepEdit(sweep_id=sweep_id, **wanted))  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert find_sweep(database, sweep_id) == before
