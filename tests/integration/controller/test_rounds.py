"""Rounds in a real database: as many repetitions as intervals need, and figures on the way."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from controller.api.queries import Queries
from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.rankings import Constraints, Merit
from controller.figures.spread import UNKNOWN_SPREAD
from controller.fleet.agents import Fleet
from controller.state import attempts
from controller.state.database import Database
from controller.state.measurements import list_measurements
from controller.state.rounds.counts import read_counts
from models.catalog.catalog import IMAGENET, load_catalog
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import measured_report
from tests.measured import record_report

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


def answered(database: Database, fleet: Fleet) -> Measurement:
    """What is told of the one candidate that a device has, before its sweep ends or after."""
    queries = Queries(database, load_catalog(), fleet)
    ranking = asyncio.run(queries.rank("phone", Constraints(by=Merit.LATENCY), IMAGENET))
    assert ranking.winner is not None
    wanted = MeasurementFilter(device="phone", with_underway=True)
    (listed,) = asyncio.run(queries.measurements(wanted))
    assert listed == ranking.winner.measurement
    return listed


def test_there_is_an_answer_after_the_first_process_and_it_narrows(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", repetitions=3)
    found = []
    for _ in range(3):
        measure_apart(database, 0.0, most=1)
        found.append(answered(database, fleet))
    first, second, last = found
    assert [each.reasons for each in (first, second)] == [
        (reason(ReasonCode.STILL_MEASURED, repetitions=count),) for count in (1, 2)
    ]
    assert first.verdict is second.verdict is Verdict.WIDE
    widths = [width_of(each) for each in found]
    assert widths[0] == pytest.approx(2 * 1.96 * UNKNOWN_SPREAD, rel=0.01)
    assert widths[0] > widths[1] > widths[2]
    # Then it is kept under an id of its own.
    assert first.measurement_id == second.measurement_id == first.job_id
    (kept,) = list_measurements(database, MeasurementFilter())
    assert last == kept


def test_what_was_measured_before_counts_until_the_new_figure_is_whole(
    database: Database, fleet: Fleet
) -> None:
    start_sweep(database, "phone", repetitions=2)
    measure_apart(database, 0.0)
    (before,) = list_measurements(database, MeasurementFilter())
    start_sweep(database, "phone", repetitions=2)
    measure_apart(database, 0.0, most=1)
    queries = Queries(database, load_catalog(), fleet)
    ranking = asyncio.run(queries.rank("phone", Constraints(by=Merit.LATENCY), IMAGENET))
    assert ranking.winner is not None
    assert ranking.winner.measurement == before


def width_of(measurement: Measurement) -> float:
    """Of the interval, relative to the median."""
    figures = measurement.latency
    assert figures is not None
    return (figures.high_ms - figures.low_ms) / figures.median_ms
