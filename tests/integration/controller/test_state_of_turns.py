"""Turns in a real database: interleaved, repeated while the device drifts, settled after a stop."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.sweeps import SweepPhase
from controller.fleet.leasing.losing import lose_attempt
from controller.fleet.reports import Came, record_reports
from controller.fleet.rounds.ending import end_settled
from controller.fleet.rounds.settling import settle_all
from controller.state import attempts, sweeps
from controller.state.database import Database
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.rounds.counts import read_counts
from protos.fleet import Failure, Lease, Report
from protos.measuring import StartGate
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import failed_report, measured_report
from tests.measured import record_report

QUIET_NS, SLOW_NS = 5_000_000, 7_000_000


def lease(database: Database) -> Lease | None:
    return attempts.lease_next(database, "id-of-phone", now_unix_ms=0)


def record(database: Database, report: Report) -> bool:
    return record_report(database, "id-of-phone", report, now_unix_ms=0).is_new


def measure_all(database: Database, *latencies_ns: int) -> list[Lease]:
    """Works off every turn; the n-th reading of the sentinel has the n-th latency, or the last."""
    leases: list[Lease] = []
    readings = iter(latencies_ns)
    level_ns = QUIET_NS
    while (leased := lease(database)) is not None:
        leases.append(leased)
        if leased.backbone == "MobileNetV1_x0_25":
            level_ns = next(readings, level_ns)
        record(database, measured_report(leased.attempt_id, leased.job_id, level_ns))
    return leases


def work_off(database: Database, *readings: Callable[[str, str], Report]) -> None:
    """Works off every turn; the n-th reading of the sentinel ends as the n-th says, or the last."""
    to_come = list(readings)
    while (leased := lease(database)) is not None:
        report: Callable[[str, str], Report] = measured_report
        if leased.backbone == "MobileNetV1_x0_25":
            report = to_come.pop(0) if len(to_come) > 1 else to_come[0]
        record(database, report(leased.attempt_id, leased.job_id))


NOT_READY = (
    reason(ReasonCode.NOT_READY, deadline_ms=60_000),
    reason(ReasonCode.CORES_TAKEN, load_by_others=1.6, most=1),
)


def not_ready_report(attempt_id: str, job_id: str) -> Report:
    """A report of a start that waited in vain."""
    return replace(failed_report(attempt_id, job_id), failure=Failure(reasons=NOT_READY))


def measured(database: Database) -> list[Measurement]:
    return list_measurements(database, MeasurementFilter(with_samples=True))


def test_the_repetitions_of_jobs_take_turns_and_each_job_has_all_of_its_own(
    database: Database,
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), repetitions=5)
    leases = measure_all(database)
    order = [leased.settings.threads for leased in leases]
    assert Counter(order) == {1: 5, 2: 5}
    assert order not in (sorted(order), sorted(order, reverse=True))
    assert [len(each.repetitions) for each in measured(database)] == [5, 5]
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 2}
    counts = read_counts(database, sweep_id)
    assert (counts.turns, counts.turns_taken, counts.jobs_with_figures) == (10, 10, 2)


def test_a_job_has_its_first_figure_once_one_process_has_measured_it(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), repetitions=3)
    figures = []
    for _ in range(6):
        leased = lease(database)
        assert leased is not None
        assert record(database, measured_report(leased.attempt_id, leased.job_id))
        figures.append(read_counts(database, sweep_id).jobs_with_figures)
    assert (figures[0], figures[-1]) == (1, 2)
    assert figures == sorted(figures)


def test_a_sentinel_is_read_and_told_but_no_candidate(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=3, sentinel=True)
    backbones = [leased.backbone for leased in measure_all(database, QUIET_NS)]
    assert backbones == ["MobileNetV1_x0_25", *["MobileNetV1"] * 3, "MobileNetV1_x0_25"]
    assert [each.backbone for each in measured(database)] == ["MobileNetV1"]
    told = {outcome.backbone: outcome.is_sentinel for outcome in list_outcomes(database, sweep_id)}
    assert told == {"MobileNetV1": False, "MobileNetV1_x0_25": True}
    assert sweeps.find_sweep(database, sweep_id).phase is SweepPhase.ENDED


def test_what_lay_beside_a_lasting_change_is_kept_marked_and_measured_anew(
    database: Database,
) -> None:
    start_sweep(database, "phone", threads=(1, 2, 3, 4), repetitions=10, sentinel=True)
    # Forty turns in four blocks: the third is between two slow readings.
    measure_all(database, *[QUIET_NS] * 2, SLOW_NS, SLOW_NS, *[QUIET_NS] * 2)
    repetitions = [each for one in measured(database) for each in one.repetitions]
    assert Counter(each.is_suspect for each in repetitions) == {False: 40, True: 30}
    assert {one.verdict for one in measured(database)} == {Verdict.OK}
    assert {one.latency and one.latency.repetition_count for one in measured(database)} == {10}


@pytest.mark.parametrize("last", [QUIET_NS, SLOW_NS])
def test_a_change_at_the_end_counts_once_another_reading_tells_that_it_lasts(
    database: Database, last: int
) -> None:
    start_sweep(database, "phone", threads=(1, 2, 3, 4), repetitions=10, sentinel=True)
    measure_all(database, *[QUIET_NS] * 4, SLOW_NS, last, QUIET_NS)
    repetitions = [each for one in measured(database) for each in one.repetitions]
    assert sum(each.is_suspect for each in repetitions) == (10 if last == SLOW_NS else 0)


def test_a_change_that_passes_costs_nothing(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 2, 3, 4), repetitions=5, sentinel=True)
    leases = measure_all(database, QUIET_NS, SLOW_NS, QUIET_NS)
    assert len(leases) == 20 + 3
    repetitions = [each for one in measured(database) for each in one.repetitions]
    assert not any(each.is_suspect for each in repetitions)


def test_what_stays_beside_a_change_is_a_verdict_with_its_figure(database: Database) -> None:
    # Twenty jobs of one process each, so that none has another that is steady.
    start_sweep(database, "phone", batches=tuple(range(1, 41)), sentinel=True)
    measure_all(database, *[QUIET_NS] * 4, SLOW_NS, SLOW_NS, SLOW_NS, SLOW_NS, QUIET_NS)
    found = measured(database)
    throttled = [each for each in found if each.verdict is Verdict.THROTTLED]
    assert throttled
    for each in throttled:
        (why,) = each.reasons
        assert why.code is ReasonCode.DEVICE_DRIFTED
        assert why.figures["slowdown"] == pytest.approx(0.4, abs=0.005)
        assert each.latency is not None


def test_a_sentinel_that_fails_leaves_the_others_measured(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=2, sentinel=True)
    first = lease(database)
    assert first is not None
    record(database, failed_report(first.attempt_id, first.job_id))
    measure_all(database)
    (found,) = measured(database)
    assert found.verdict is Verdict.OK
    assert found.reasons == (reason(ReasonCode.UNWATCHED, count=2, repetitions=2),)
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1, JobState.FAILED: 1}


def test_what_a_reading_followed_on_was_watched_though_the_sentinel_fails_later(
    database: Database,
) -> None:
    start_sweep(database, "phone", repetitions=12, sentinel=True)
    work_off(database, measured_report, measured_report, failed_report)
    (found,) = measured(database)
    assert found.reasons == (reason(ReasonCode.UNWATCHED, count=2, repetitions=12),)


def test_without_a_sentinel_nobody_is_told_that_there_was_none(database: Database) -> None:
    start_sweep(database, "phone", repetitions=2)
    measure_all(database)
    assert [each.reasons for each in measured(database)] == [()]


def test_a_sentinel_has_nothing_to_do_where_every_job_failed(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=2, sentinel=True)
    while (leased := lease(database)) is not None:
        report = failed_report if leased.backbone == "MobileNetV1" else measured_report
        record(database, report(leased.attempt_id, leased.job_id))
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1, JobState.FAILED: 1}


def test_a_failing_repetition_ends_its_job_and_keeps_those_before(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=3)
    first, second = lease(database), None
    assert first is not None
    record(database, measured_report(first.attempt_id, first.job_id))
    second = lease(database)
    assert second is not None
    record(database, failed_report(second.attempt_id, second.job_id))
    assert lease(database) is None
    (failed,) = measured(database)
    assert (failed.verdict, len(failed.repetitions)) == (Verdict.FAILED, 1)
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}


@pytest.mark.parametrize("unready", [1, 3])
def test_a_repetition_that_could_not_start_leaves_the_others_to_count(
    database: Database, unready: int
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=5, gate=StartGate(deadline_ms=60_000))
    for _ in range(unready):
        leased = lease(database)
        assert leased is not None
        report = not_ready_report(leased.attempt_id, leased.job_id)
        assert [record(database, report), record(database, report)] == [True, False]
    assert len(measure_all(database)) == 5 - unready
    (found,) = measured(database)
    assert (found.verdict, len(found.repetitions)) == (Verdict.OK, 5 - unready)
    missed = reason(ReasonCode.STARTS_MISSED, count=unready, deadline_ms=60_000)
    assert found.reasons == (missed,)
    counts = read_counts(database, sweep_id)
    assert (counts.turns, counts.turns_taken) == (5 - unready, 5 - unready)
    assert counts.jobs_with_figures == 1
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}


@pytest.mark.parametrize(("repetitions", "possible"), [(1, 0), (2, 0), (5, 3)])
def test_a_job_fails_with_what_was_in_the_way_once_fewer_than_two_repetitions_are_left(
    database: Database, repetitions: int, possible: int
) -> None:
    sweep_id = start_sweep(database, "phone", repetitions=repetitions)
    skipped = 0
    while (leased := lease(database)) is not None:
        record(database, not_ready_report(leased.attempt_id, leased.job_id))
        skipped += 1
    assert skipped == possible + 1
    (failed,) = measured(database)
    assert failed.verdict is Verdict.FAILED
    assert failed.reasons == NOT_READY
    assert read_counts(database, sweep_id).jobs == {JobState.FAILED: 1}


@pytest.mark.parametrize("unready", [0, 1, 2])
def test_a_reading_that_could_not_start_is_made_up_for_by_the_next_one(
    database: Database, unready: int
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), repetitions=5, sentinel=True)
    work_off(database, *[measured_report] * unready, not_ready_report, measured_report)
    assert [(each.verdict, each.reasons) for each in measured(database)] == [(Verdict.OK, ())] * 2
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 3}


def test_a_sentinel_fails_with_a_second_reading_in_a_row_that_could_not_start(
    database: Database,
) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2), repetitions=5, sentinel=True)
    work_off(database, not_ready_report)
    codes = {tuple(told.code for told in each.reasons) for each in measured(database)}
    assert codes == {(ReasonCode.UNWATCHED,)}
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 2, JobState.FAILED: 1}


def test_a_late_word_that_the_device_was_not_ready_takes_nothing_back(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3)
    late = lease(database)
    assert late is not None
    lose_attempt(database, late.attempt_id, now_unix_ms=0)
    again = lease(database)
    assert again is not None
    record(database, measured_report(again.attempt_id, again.job_id))
    assert not record(database, not_ready_report(late.attempt_id, late.job_id))
    measure_all(database)
    (found,) = measured(database)
    assert (found.verdict, len(found.repetitions), found.reasons) == (Verdict.OK, 3, ())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ((("1.23.2", "a"), ("1.24.0", "a")), "1.23.2 and 1.24.0"),
        ((("1.23.2", "commit a"), ("1.23.2", "commit b")), "commit a and commit b"),
    ],
)
def test_a_runtime_that_changes_between_repetitions_makes_the_job_unstable(
    database: Database, changes: tuple[tuple[str, str], ...], told: str
) -> None:
    start_sweep(database, "phone", repetitions=2)
    for version, build in changes:
        leased = lease(database)
        assert leased is not None
        report = measured_report(leased.attempt_id, leased.job_id)
        assert report.measured is not None
        runtime = replace(report.measured.runtime, version=version, build=build)
        record(database, replace(report, measured=replace(report.measured, runtime=runtime)))
    (found,) = measured(database)
    assert found.verdict is Verdict.DISTURBED
    words = {"runtime": "onnxruntime", "versions": told}
    assert found.reasons == (reason(ReasonCode.RUNTIME_CHANGED, words),)


def test_a_controller_that_stopped_before_it_ended_a_job_does_so_later(
    database: Database,
) -> None:
    sweep_id = start_sweep(database, "phone")
    leased = lease(database)
    assert leased is not None
    report = measured_report(leased.attempt_id, leased.job_id)

    (recorded,) = record_reports(database, [Came("id-of-phone", report, 0)])
    assert recorded.is_new
    assert read_counts(database, sweep_id).jobs == {JobState.QUEUED: 1}
    end_settled(database, settle_all(database), now_unix_ms=0)
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}
    assert not record(database, report)
    assert len(measured(database)) == 1
