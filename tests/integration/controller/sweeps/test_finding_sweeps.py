"""Sweeps are found again: listed with what became of them, and named by less than their id."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.sweeps import StartedSweep, SweepPhase
from controller.state import attempts, jobs
from controller.state.database import Database
from controller.state.devices.forgetting import forget
from controller.state.rounds.start_requests import Asked, StartRequest
from controller.state.schema import sweeps as table
from controller.state.sweeps import (
    asked_columns,
    count_open_jobs,
    list_sweeps,
    resolve_sweep,
    running_sweeps,
)
from controller.sweeps.starting import Before
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import SPEC, measured_report
from tests.measured import record_report


def add(database: Database, sweep_id: str, name: str = "", at_unix_ms: int = 0) -> None:
    """A sweep of no jobs."""
    with database.transaction() as transaction:
        transaction.execute(
            table.insert().values(
                sweep_id=sweep_id,
                phase=SweepPhase.ENDED,
                created_at_unix_ms=at_unix_ms,
                started_by="",
                left_out=(),
                **asked_columns(replace(SPEC, name=name)),
            )
        )


def test_a_sweep_is_listed_with_what_became_of_its_jobs(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    (before,) = list_sweeps(database)
    assert (before.sweep_id, before.name, before.devices) == (sweep_id, "", ("phone",))
    assert (before.jobs_total, before.jobs_ended, before.jobs_failed) == (1, 0, 0)
    leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert leased is not None
    report = measured_report(leased.attempt_id, leased.job_id)
    assert record_report(database, "id-of-phone", report, now_unix_ms=9).is_new
    (after,) = list_sweeps(database)
    assert (after.phase, after.ended_at_unix_ms) == (SweepPhase.ENDED, 9)
    assert (after.jobs_total, after.jobs_ended, after.jobs_failed) == (1, 1, 0)
    assert not after.is_profile


def test_pages_have_every_sweep_once_also_of_one_moment(database: Database) -> None:
    for sweep_id, at_unix_ms in (("dd", 5), ("aa", 7), ("cc", 5), ("bb", 5), ("ee", 3)):
        add(database, sweep_id, at_unix_ms=at_unix_ms)
    pages: list[list[str]] = []
    behind = None
    while page := [each.sweep_id for each in list_sweeps(database, behind=behind, most=2)]:
        pages.append(page)
        behind = page[-1]
    assert pages == [["aa", "bb"], ["cc", "dd"], ["ee"]]


def test_the_newest_is_first_and_the_list_takes_three_queries(database: Database) -> None:
    for at, sweep_id in enumerate(("aa", "cc", "bb")):
        add(database, sweep_id, at_unix_ms=at)
    asked: list[str] = []

    def count(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    assert [sweep.sweep_id for sweep in list_sweeps(database)] == ["bb", "cc", "aa"]
    assert len(asked) == 3


def test_a_sweep_is_meant_by_its_id_a_beginning_or_its_name(database: Database) -> None:
    add(database, "0586aa", "nightly", at_unix_ms=1)
    add(database, "0586bb", "夜間", at_unix_ms=2)
    add(database, "1f", "nightly", at_unix_ms=3)
    add(database, "1f77", "0586", at_unix_ms=4)
    meant = {
        "0586aa": "0586aa",
        "0586a": "0586aa",
        "夜間": "0586bb",
        # Of several of one name the newest.
        "nightly": "1f",
        # All of an id, though another one begins so.
        "1f": "1f",
        # A name, though ids begin so.
        "0586": "1f77",
    }
    assert {wanted: resolve_sweep(database, wanted) for wanted in meant} == meant


@pytest.mark.parametrize("wanted", ["", "2", "%", "_f", "night"])
def test_what_no_sweep_is_is_refused(database: Database, wanted: str) -> None:
    add(database, "1f", "nightly")
    with pytest.raises(EdgerankError) as refused:
        resolve_sweep(database, wanted)
    assert refused.value.code is ErrorCode.UNKNOWN_NAME


def test_a_beginning_of_several_is_refused_with_their_ids(database: Database) -> None:
    add(database, "0586aa")
    add(database, "0586bb")
    with pytest.raises(EdgerankError, match="0586aa") as refused:
        resolve_sweep(database, "05")
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_a_sweep_that_can_wait_is_listed_and_goes_on_as_any_other(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", priority=-3)
    (listed,) = list_sweeps(database)
    assert (listed.sweep_id, listed.priority) == (sweep_id, -3)
    (running,) = running_sweeps(database)
    assert running.spec.priority == -3


def test_jobs_that_have_not_ended_are_counted_by_state(database: Database) -> None:
    none = {JobState.WAITING: 0, JobState.QUEUED: 0, JobState.LEASED: 0}
    assert count_open_jobs(database) == none
    start_sweep(database, "board", threads=(1, 2))
    sweep_id = start_sweep(database, "phone")
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is not None
    assert count_open_jobs(database) == none | {JobState.QUEUED: 2, JobState.LEASED: 1}
    jobs.cancel_jobs(database, sweep_id)
    assert count_open_jobs(database) == none | {JobState.QUEUED: 2}


def requested(database: Database, request_id: str) -> str:
    """A sweep of the phone that was asked for under this id; gives its own."""
    answer = StartedSweep(sweep_id="", job_count=1)
    request = StartRequest(request_id=request_id, asked=Asked(spec=SPEC), answer=answer)
    return start_sweep(database, "phone", before=Before(request=request))


def test_a_sweep_is_found_by_the_request_that_started_it(database: Database) -> None:
    sweep_id, other_id = requested(database, "0b8e5c1a"), requested(database, "another")
    assert resolve_sweep(database, "0b8e5c1a") == sweep_id
    assert resolve_sweep(database, "another") == other_id
    with pytest.raises(EdgerankError) as unknown:
        # A beginning is one of a sweep's own id only.
        resolve_sweep(database, "anoth")
    assert unknown.value.code is ErrorCode.UNKNOWN_NAME


def test_a_device_that_is_forgotten_takes_the_requests_of_its_sweeps_along(
    database: Database,
) -> None:
    requested(database, "0b8e5c1a")
    forget(database, "id-of-phone")
    assert list_sweeps(database) == ()
    sweep_id = requested(database, "0b8e5c1a")
    assert resolve_sweep(database, "0b8e5c1a") == sweep_id
