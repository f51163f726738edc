"""Rounds in a real database: as many repetitions as intervals need, and time allows."""

from collections import Counter
from dataclasses import replace

from controller.domain.jobs import JobState
from controller.figures.spread import UNKNOWN_SPREAD
from controller.fleet.reports import record_report
from controller.state import attempts
from controller.state.database import Database
from controller.state.rounds.counts import read_counts
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import measured_report

QUIET_NS = 5_000_000


def measure_apart(
    database: Database, apart: float, *, seconds: float = 0.0, most: int = 1_000
) -> Counter[int]:
    """Works off every turn on a clock of its own, processes of 1 and 2 threads differing by more.

    Args:
        database: where the turns are.
        apart: how far the repetitions of the job of 2 threads differ; those of the other agree.
        seconds: what each takes.
        most: turns to work off, at most.

    Returns:
        How many repetitions the job of each thread count had.
    """
    taken: Counter[int] = Counter()
    now_ms = 0
    while sum(taken.values()) < most:
        leased = attempts.lease_next(database, "id-of-phone", now_ms)
        if leased is None:
            break
        threads = leased.settings.threads
        factor = 1 + apart * (taken[threads] % 3 - 1) if threads == 2 else 1 + taken[threads] / 1e5
        report = measured_report(leased.attempt_id, leased.job_id, round(QUIET_NS * factor))
        ended_ms = report.started_at_unix_ms + round(seconds * 1_000)
        now_ms += round(seconds * 1_000)
        ended = replace(report, ended_at_unix_ms=ended_ms)
        record_report(database, "id-of-phone", ended, now_ms)
        taken[threads] += 1
    return taken


def test_a_job_has_more_repetitions_while_its_interval_is_too_wide(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), repetitions=(3, 10))
    assert measure_apart(database, 0.05) == {1: 10, 2: 10}
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 2}


def test_one_that_is_precise_has_no_more_once_the_device_is_known(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 3), repetitions=10)
    measure_apart(database, 0.0)
    start_sweep(database, "phone", threads=(1,), repetitions=(3, 10))
    assert measure_apart(database, 0.0) == {1: 3}


def test_a_job_has_no_more_than_its_share_of_time(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 2), repetitions=(3, 10))
    assert measure_apart(database, 0.1, seconds=3) == {1: 5, 2: 5}


def test_a_sweep_with_a_time_spends_it_where_intervals_are_widest(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 2), repetitions=(3, 10), time_ms=30_000)
    assert measure_apart(database, 0.1, seconds=3) == {1: 5, 2: 5}
    start_sweep(database, "phone", threads=(1, 2), repetitions=(3, 10), time_ms=21_000)
    assert measure_apart(database, 0.1, seconds=3) == {1: 3, 2: 4}


def test_a_lease_tells_how_far_processes_differ_unless_the_job_has_no_other(
    database: Database,
) -> None:
    told = []
    for repetitions in (5, 2, 1):
        start_sweep(database, "phone", threads=(1, 3), repetitions=repetitions)
        leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
        assert leased is not None
        told.append(leased.process_spread)
        report = measured_report(leased.attempt_id, leased.job_id)
        record_report(database, "id-of-phone", report, now_unix_ms=0)
        measure_apart(database, 0.0)
    unknown, known, alone = told
    assert unknown == UNKNOWN_SPREAD
    assert 0 < known < UNKNOWN_SPREAD
    assert alone == 0
