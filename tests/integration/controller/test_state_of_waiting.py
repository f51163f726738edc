"""What starts waited, in a real database: limited for a sweep, kept, and told at its figures."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from controller.domain.jobs import MIN_WAITING_MS
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.fleet.leasing.losing import lose_attempt
from controller.state import attempts
from controller.state.database import Database, open_database
from controller.state.devices.forgetting import forget
from controller.state.measurements import list_measurements
from protos.fleet import Lease, Report
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import failed_report, measured_report
from tests.measured import record_report

GATE = StartGate(max_load_by_others=1.25, deadline_ms=25_000)
TAKEN = reason(ReasonCode.CORES_TAKEN, load_by_others=1.9, most=1.25)


def lease(database: Database, device: str = "phone") -> Lease:
    leased = attempts.lease_next(database, f"id-of-{device}", now_unix_ms=0)
    assert leased is not None
    return leased


def record(database: Database, report: Report, device: str = "phone") -> bool:
    return record_report(database, f"id-of-{device}", report, now_unix_ms=0).is_new


def unready_report(leased: Lease, unready: Reason | None = TAKEN, waited_ms: int = 0) -> Report:
    """A report of a repetition that waited, and started all the same where something is named."""
    report = measured_report(leased.attempt_id, leased.job_id)
    assert report.measured is not None
    repetition = replace(report.measured.repetition, started_unready=unready)
    measured = replace(report.measured, repetition=repetition)
    return replace(report, measured=measured, waited_ms=waited_ms)


def measured(database: Database) -> list[Measurement]:
    return list_measurements(database, MeasurementFilter(with_samples=True))


def work_off(database: Database, *unready: Reason | None) -> None:
    """Works off every turn: in the way of the n-th is the n-th of these, or nothing."""
    in_the_way: Iterator[Reason | None] = chain(unready, repeat(None))
    while (leased := attempts.lease_next(database, "id-of-phone", now_unix_ms=0)) is not None:
        record(database, unready_report(leased, next(in_the_way)))


def test_the_starts_of_a_sweep_wait_no_longer_together_than_it_may(database: Database) -> None:
    start_sweep(database, "phone", repetitions=5, gate=GATE)
    allowed_ms, waited_ms = [], 0
    for _ in range(5):
        leased = lease(database)
        allowed_ms.append(leased.settings.gate.deadline_ms)
        # A look longer than it may, as the last one takes its time.
        took_ms = allowed_ms[-1] + 200 if allowed_ms[-1] else 0
        waited_ms += took_ms
        record(database, unready_report(leased, waited_ms=took_ms))
    assert allowed_ms == [25_000, 25_000, MIN_WAITING_MS - 50_400, 0, 0]
    assert waited_ms == MIN_WAITING_MS + 200
    (found,) = measured(database)
    assert [each.waited_ms for each in found.repetitions] == [25_200, 25_200, 9_800, 0, 0]


def test_each_device_and_each_sweep_has_a_limit_of_its_own(database: Database) -> None:
    start_sweep(database, "phone", repetitions=2, gate=GATE)
    start_sweep(database, "board", repetitions=2, gate=GATE)
    record(database, unready_report(lease(database), waited_ms=MIN_WAITING_MS))
    assert lease(database).settings.gate.deadline_ms == 0
    assert lease(database, "board").settings.gate.deadline_ms == GATE.deadline_ms
    start_sweep(database, "tablet", repetitions=2, gate=GATE)
    assert lease(database, "tablet").settings.gate.deadline_ms == GATE.deadline_ms


def test_a_report_that_comes_again_has_not_waited_again(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3, gate=GATE)
    report = unready_report(lease(database), waited_ms=50_000)
    assert [record(database, report), record(database, report)] == [True, False]
    assert lease(database).settings.gate.deadline_ms == MIN_WAITING_MS - 50_000


def test_a_failure_has_waited_too_and_so_has_an_attempt_that_was_lost(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 2), repetitions=2, gate=GATE)
    crashed = lease(database)
    report = failed_report(crashed.attempt_id, crashed.job_id)
    record(database, replace(report, waited_ms=40_000))
    late = lease(database)
    lose_attempt(database, late.attempt_id, now_unix_ms=0)
    assert late.settings.gate.deadline_ms == MIN_WAITING_MS - 40_000
    record(database, unready_report(late, waited_ms=15_000))
    assert lease(database).settings.gate.deadline_ms == MIN_WAITING_MS - 55_000


def test_what_was_waited_survives_the_controller(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'controller.sqlite'}"
    before = open_database(address)
    start_sweep(before, "phone", repetitions=3, gate=GATE)
    record(before, unready_report(lease(before), waited_ms=45_000))
    before.close()
    after = open_database(address)
    assert lease(after).settings.gate.deadline_ms == MIN_WAITING_MS - 45_000
    after.close()


def test_a_strict_start_waits_by_itself(database: Database) -> None:
    start_sweep(database, "phone", repetitions=3, gate=replace(GATE, is_strict=True))
    record(database, unready_report(lease(database), None, waited_ms=2 * MIN_WAITING_MS))
    assert lease(database).settings.gate.deadline_ms == GATE.deadline_ms


def test_a_device_that_is_forgotten_leaves_no_wait_behind(database: Database) -> None:
    start_sweep(database, "phone", repetitions=2, gate=GATE)
    record(database, unready_report(lease(database), waited_ms=45_000))
    forget(database, "id-of-phone")
    start_sweep(database, "phone", repetitions=2, gate=GATE)
    assert lease(database).settings.gate.deadline_ms == GATE.deadline_ms


@pytest.mark.parametrize("unready", [1, 3])
def test_repetitions_that_started_unready_do_not_count_where_two_others_do(
    database: Database, unready: int
) -> None:
    start_sweep(database, "phone", repetitions=5, gate=GATE)
    work_off(database, *[TAKEN] * unready)
    (found,) = measured(database)
    assert found.verdict is Verdict.OK
    assert found.latency is not None
    assert found.latency.repetition_count == 5 - unready
    told = reason(ReasonCode.UNREADY_LEFT_OUT, count=unready, repetitions=5)
    assert found.reasons == (told, TAKEN)
    kept = [each.started_unready for each in found.repetitions]
    assert sorted(kept, key=str) == sorted([TAKEN] * unready + [None] * (5 - unready), key=str)


@pytest.mark.parametrize(
    "in_the_way",
    [(TAKEN,) * 5, (TAKEN,) * 4, (None, *(TAKEN,) * 4)],
    ids=["all", "all but the last", "all but the first"],
)
def test_a_job_that_hardly_ever_started_ready_counts_all_and_is_disturbed(
    database: Database, in_the_way: Sequence[Reason | None]
) -> None:
    start_sweep(database, "phone", repetitions=5, gate=GATE)
    work_off(database, *in_the_way)
    (found,) = measured(database)
    assert found.verdict is Verdict.DISTURBED
    assert found.latency is not None
    assert found.latency.repetition_count == 5
    count = sum(each is not None for each in in_the_way)
    told = reason(ReasonCode.STARTED_UNREADY, count=count, repetitions=5)
    assert found.reasons == (told, TAKEN)


@pytest.mark.parametrize("unready", [None, TAKEN], ids=["ready", "unready"])
def test_one_repetition_counts_and_tells_how_it_started(
    database: Database, unready: Reason | None
) -> None:
    start_sweep(database, "phone", gate=GATE)
    work_off(database, unready)
    (found,) = measured(database)
    assert found.verdict is (Verdict.DISTURBED if unready else Verdict.OK)


def test_a_reading_of_the_sentinel_counts_however_it_started(database: Database) -> None:
    start_sweep(database, "phone", repetitions=2, gate=GATE, sentinel=True)
    order: list[str] = []
    while (leased := attempts.lease_next(database, "id-of-phone", now_unix_ms=0)) is not None:
        order.append(leased.backbone)
        is_sentinel = leased.backbone == "MobileNetV1_x0_25"
        record(database, unready_report(leased, TAKEN if is_sentinel else None))
    assert order == ["MobileNetV1_x0_25", *["MobileNetV1"] * 2, "MobileNetV1_x0_25"]
    assert [(each.verdict, each.reasons) for each in measured(database)] == [(Verdict.OK, ())]
