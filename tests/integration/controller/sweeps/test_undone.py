"""What a sweep left undone is found with what goes with it, and one other sweep does it."""

import pytest
from sqlalchemy.exc import IntegrityError

from controller.access.callers import OWNER
from controller.domain.measurements import MeasurementFilter
from controller.state import attempts, jobs
from controller.state.database import Database
from controller.state.devices import enrol, remove
from controller.state.devices.forgetting import forget
from controller.state.measurements import list_measurements
from controller.state.rounds.undone import find_retry, find_undone, is_profile
from controller.state.sweeps import list_sweeps
from controller.sweeps.planning import SENTINEL_BACKBONE
from controller.sweeps.starting import Before, create_sweep
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import (
    SPEC,
    failed_report,
    hello,
    measured_report,
)
from tests.integration.controller.test_state_of_turns import record


def worked_off(database: Database, *, failing: int, **asked: object) -> str:
    """A sweep of the phone that is over, in which jobs with so many threads failed; its id."""
    sweep_id = start_sweep(database, "phone", threads=(1, 2, 3), **asked)  # type: ignore[arg-type]
    while (leased := attempts.lease_next(database, "id-of-phone", now_unix_ms=0)) is not None:
        fails = leased.settings.threads == failing and leased.backbone != SENTINEL_BACKBONE
        report = failed_report if fails else measured_report
        record(database, report(leased.attempt_id, leased.job_id))
    return sweep_id


def retried(database: Database, sweep_id: str) -> str:
    """The sweep that does what one left undone; its id."""
    undone = find_undone(database, sweep_id, only_failed=True)
    before = Before(reused=undone.measured, retry_of=sweep_id)
    return create_sweep(database, SPEC, undone.jobs, 0, before)


def test_the_failed_job_is_undone_with_its_sentinel_and_the_others_are_measured(
    database: Database,
) -> None:
    sweep_id = worked_off(database, failing=2, sentinel=True)
    undone = find_undone(database, sweep_id, only_failed=True)
    assert [(job.is_sentinel, job.settings.threads) for job in undone.jobs] == [
        (True, 1),
        (False, 2),
    ]
    assert len(undone.measured) == 2


def test_where_nothing_failed_nothing_is_undone_not_even_a_sentinel(database: Database) -> None:
    sweep_id = worked_off(database, failing=0, sentinel=True)
    assert find_undone(database, sweep_id, only_failed=True).jobs == ()


def test_what_was_cancelled_is_undone_unless_only_failures_are_asked_for(
    database: Database,
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    jobs.cancel_jobs(database, sweep_id)
    assert find_undone(database, sweep_id, only_failed=True).jobs == ()
    assert len(find_undone(database, sweep_id, only_failed=False).jobs) == 2


def test_what_failed_on_a_device_that_was_removed_is_left(database: Database) -> None:
    sweep_id = worked_off(database, failing=2)
    remove(database, "id-of-phone", OWNER, now_unix_ms=0)
    assert find_undone(database, sweep_id, only_failed=True).jobs == ()


def test_its_figures_are_those_of_both_and_no_job_is_done_twice(database: Database) -> None:
    first = worked_off(database, failing=2)
    second = retried(database, first)
    listed = {each.sweep_id: each for each in list_sweeps(database)}
    assert (listed[second].retry_of, listed[first].retry_of) == (first, "")
    assert (listed[second].jobs_total, listed[second].jobs_measured_before) == (1, 2)
    figures = list_measurements(database, MeasurementFilter(sweep_id=second))
    assert {each.threads for each in figures} == {1, 3}
    assert {each.sweep_id for each in figures} == {first}
    # What failed stays told where it failed.
    assert listed[first].jobs_failed == 1


def test_a_sweep_is_retried_once(database: Database) -> None:
    first = worked_off(database, failing=2)
    assert find_retry(database, first) is None
    second = retried(database, first)
    with pytest.raises(IntegrityError):
        retried(database, first)
    found = find_retry(database, first)
    assert found is not None
    assert (found.sweep_id, found.job_count, found.measured_before) == (second, 1, 2)
    assert find_retry(database, second) is None


def test_both_go_with_their_device(database: Database) -> None:
    retried(database, worked_off(database, failing=2))
    enrol(database, hello("board"), now_unix_ms=0)
    forget(database, "id-of-phone")
    assert list_sweeps(database) == ()


def test_a_sweep_of_measurements_is_no_profile(database: Database) -> None:
    assert not is_profile(database, start_sweep(database, "phone"))
