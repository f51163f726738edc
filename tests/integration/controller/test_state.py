"""What the controller remembers is there after a restart, once, and beside its accuracy."""

import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select, update

from controller.domain.catalog import AccuracyMetric
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.sweeps import SweepPhase
from controller.fleet.leasing.losing import lose_attempt
from controller.state import attempts, jobs, sweeps
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import Database, claim_state, open_database
from controller.state.devices import enrol, list_devices
from controller.state.jobs import ending
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.rounds.counts import read_counts
from controller.state.schema import accuracies, artifacts
from controller.state.schema import jobs as jobs_table
from models.catalog.catalog import IMAGENET, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.fleet import Report
from protos.inputs import square
from protos.measuring import StopReason
from protos.reasons import ReasonCode, reason
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import (
    failed_report,
    hello,
    measured_report,
    repetition,
)
from tests.measured import record_report


def lease(database: Database, device: str) -> tuple[str, str]:
    """Leases the device's next job: attempt id and job id."""
    leased = attempts.lease_next(database, f"id-of-{device}", now_unix_ms=0)
    assert leased is not None
    return leased.attempt_id, leased.job_id


def record(database: Database, report: Report) -> bool:
    """Commits a report of the device "phone"."""
    return record_report(database, "id-of-phone", report, now_unix_ms=0).is_new


def test_a_second_start_finds_everything_and_migrates_nothing_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'controller.sqlite'}"
    first = open_database(url)
    enrol(first, hello("phone"), now_unix_ms=5)
    first.close()
    (device,) = list_devices(open_database(url), connected=frozenset())
    assert (device.name, device.connected, device.enrolled_at_unix_ms) == ("phone", False, 5)
    assert device.labels == {"room": "lab"}
    assert device.profile == hello("phone").profile


def test_two_devices_cannot_have_one_name(database: Database) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    stranger = replace(hello("phone"), device_id="other")
    with pytest.raises(EdgerankError, match="already named 'phone'") as refused:
        enrol(database, stranger, now_unix_ms=0)
    assert refused.value.code is ErrorCode.NAME_TAKEN


def test_a_measurement_comes_back_with_its_samples_and_its_accuracy(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    attempt_id, job_id = lease(database, "phone")
    report = measured_report(attempt_id, job_id)
    assert record(database, report)
    (found,) = list_measurements(database, MeasurementFilter(device="phone", with_samples=True))
    assert report.measured is not None
    assert found.repetitions == (report.measured.repetition,)
    published = load_catalog().get("MobileNetV1")
    assert (found.top1, found.top5, found.series) == (
        published.top1,
        published.top5,
        published.series,
    )
    assert found.accuracy_source == published.source
    assert found.latency is not None
    assert found.latency.median_ms == pytest.approx(5.0245)
    assert found.memory is not None
    assert found.memory.peak_rss_bytes == 40_000_000
    assert (found.verdict, found.sweep_id, found.weights.value) == (
        Verdict.OK,
        sweep_id,
        "synthetic",
    )
    assert found.affinity == (0,)
    assert sweeps.find_sweep(database, sweep_id).phase is SweepPhase.ENDED


def test_the_database_itself_has_words_json_and_packed_samples(database: Database) -> None:
    start_sweep(database, "phone")
    assert record(database, measured_report(*lease(database, "phone")))
    with database.engine.connect() as connection:
        job = connection.exec_driver_sql("SELECT state, precision, settings FROM jobs").one()
        (packed,) = connection.exec_driver_sql("SELECT latency_ns FROM repetitions").one()
    assert (job.state, job.precision) == ("done", "fp32")
    assert json.loads(job.settings)["runtime"] == "onnxruntime"
    assert struct.unpack_from("<2Q", packed) == (5_000_000, 5_001_000)


def test_minutes_of_sustained_inference_come_back_with_their_figures(database: Database) -> None:
    start_sweep(database, "phone")
    report = measured_report(*lease(database, "phone"))
    assert report.measured is not None
    samples = (*(4_000_000,) * 30, *(5_000_000,) * 20)
    long = replace(
        repetition(samples), samples_per_minute=(30, 20), stop_reason=StopReason.SUSTAINED
    )
    measured = replace(report.measured, repetition=long)
    assert record(database, replace(report, measured=measured))
    (found,) = list_measurements(database, MeasurementFilter(with_samples=True))
    assert found.repetitions == (long,)
    assert [(each.minute, each.latency.median_ms) for each in found.minutes] == [(1, 4), (2, 5)]
    assert found.latency is not None
    assert found.latency.median_ms == 4


def test_a_report_that_comes_twice_is_one_measurement(database: Database) -> None:
    start_sweep(database, "phone")
    report = measured_report(*lease(database, "phone"))
    assert [record(database, report), record(database, report)] == [True, False]
    assert len(list_measurements(database, MeasurementFilter())) == 1


def test_a_late_report_of_a_lost_attempt_counts_if_nobody_was_faster(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    first_id, job_id = lease(database, "phone")
    lose_attempt(database, first_id, now_unix_ms=0)
    assert record(database, measured_report(first_id, job_id))
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is None
    assert read_counts(database, sweep_id).jobs == {JobState.DONE: 1}


def test_the_second_attempts_report_does_not_double_the_job(database: Database) -> None:
    start_sweep(database, "phone")
    first_id, job_id = lease(database, "phone")
    lose_attempt(database, first_id, now_unix_ms=0)
    second_id, _job_id = lease(database, "phone")
    assert record(database, measured_report(second_id, job_id))
    assert not record(database, measured_report(first_id, job_id))
    (found,) = list_measurements(database, MeasurementFilter())
    assert found.job_id == job_id


def test_a_failure_keeps_its_reason(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    record(database, failed_report(*lease(database, "phone")))
    (outcome,) = list_outcomes(database, sweep_id)
    assert outcome.verdict is Verdict.FAILED
    (crash,) = outcome.reasons
    assert (crash.code, crash.words["detail"]) == (ReasonCode.CRASHED, "the child died of SIGSEGV")
    assert outcome.median_ms is None


def test_a_report_without_samples_is_a_failure_and_not_sent_forever(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    report = measured_report(*lease(database, "phone"))
    assert report.measured is not None
    empty = replace(report.measured, repetition=repetition(()))
    assert record(database, replace(report, measured=empty))
    (outcome,) = list_outcomes(database, sweep_id)
    assert [each.code for each in outcome.reasons] == [ReasonCode.RUBBISH]


def test_a_device_cannot_report_for_another(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    report = measured_report(*lease(database, "phone"))
    assert record_report(database, "id-of-another", report, now_unix_ms=0).refusal
    assert list_outcomes(database, sweep_id) == []
    assert record(database, report)


def test_what_is_newer_is_decided_by_the_controllers_clock(database: Database) -> None:
    start_sweep(database, "phone", threads=(1, 2))
    first = measured_report(*lease(database, "phone"))
    second = replace(measured_report(*lease(database, "phone")), ended_at_unix_ms=5)
    record_report(database, "id-of-phone", replace(first, ended_at_unix_ms=9_999), now_unix_ms=100)
    record_report(database, "id-of-phone", second, now_unix_ms=200)
    found = list_measurements(database, MeasurementFilter())
    assert [measurement.measured_at_unix_ms for measurement in found] == [9_999, 5]


def test_a_report_of_an_attempt_that_nobody_knows_is_no_error(database: Database) -> None:
    assert not record(database, measured_report("stranger", "nobody"))


def test_a_job_without_an_artifact_fails_with_the_converters_words(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    enrolled = list_devices(database, connected=frozenset())
    assert len(enrolled) == 1
    _attempt_id, job_id = lease(database, "phone")
    why = (reason(ReasonCode.NO_ARTIFACT, {"detail": "onnx: aborted"}),)
    again = (reason(ReasonCode.CONTROLLER_DEFECT),)
    ending.record_failure(database, job_id, why, now_unix_ms=3)
    ending.record_failure(database, job_id, again, now_unix_ms=4)
    (outcome,) = list_outcomes(database, sweep_id)
    assert outcome.reasons == why


def test_cancelled_jobs_are_not_leased(database: Database) -> None:
    sweep_id = start_sweep(database, "phone", threads=(1, 2))
    attempt_id, _job_id = lease(database, "phone")
    assert attempts.attempts_of_sweep(database, sweep_id) == {attempt_id: "id-of-phone"}
    jobs.cancel_jobs(database, sweep_id)
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is None
    assert read_counts(database, sweep_id).jobs == {JobState.CANCELLED: 2}


def test_jobs_of_a_sweep_that_still_converts_are_not_leased(database: Database) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is None


def test_a_new_catalog_replaces_the_old_one_and_leaves_other_datasets(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(accuracies).values(
                backbone="MobileNetV1",
                dataset="mine",
                metric=AccuracyMetric.TOP1,
                precision=Precision.FP32,
                input_size=None,
                model_digest="",
                value_percent=50.0,
                source="me",
                imported_at_unix_ms=1,
            )
        )
    store_catalog(database, load_catalog())
    with database.transaction() as connection:
        datasets = set(connection.scalars(select(accuracies.c.dataset).distinct()))
    assert datasets == {IMAGENET, "mine"}


@dataclass
class Known:
    """A measurement, and accuracy that is brought for its backbone."""

    database: Database
    sweep_id: str

    def put(self, percent: float, precision: Precision = Precision.FP32, **bound: object) -> None:
        row = {
            "backbone": "MobileNetV1",
            "dataset": "mine",
            "metric": AccuracyMetric.TOP1,
            "precision": precision,
            "input_size": None,
            "model_digest": "",
            "value_percent": percent,
            "source": "me",
            "imported_at_unix_ms": 1,
        }
        with self.database.transaction() as connection:
            connection.execute(insert(accuracies).values(row | bound))

    def joined(self) -> Measurement:
        wanted = MeasurementFilter(sweep_id=self.sweep_id, accuracy_dataset="mine")
        (measurement,) = list_measurements(self.database, wanted)
        return measurement


@pytest.fixture
def known(database: Database) -> Known:
    sweep_id = start_sweep(database, "phone")
    attempt_id, job_id = lease(database, "phone")
    record(database, measured_report(attempt_id, job_id))
    return Known(database, sweep_id)


def test_what_came_quantised_has_the_accuracy_of_any_int8(known: Known) -> None:
    known.put(50.0, Precision.INT8_DYNAMIC)
    assert known.joined().top1 is None
    with known.database.transaction() as connection:
        connection.execute(update(jobs_table).values(precision=Precision.INT8))
    assert known.joined().top1 == 50.0
    # The name that says most of a file that came quantised counts first.
    known.put(60.0, Precision.INT8_STATIC)
    assert known.joined().top1 == 60.0
    known.put(70.0, Precision.INT8)
    assert known.joined().top1 == 70.0


def test_accuracy_of_a_size_joins_what_was_measured_at_it(known: Known) -> None:
    assert known.joined().input_size == square(224)
    known.put(50.0, input_size=square(288))
    assert (known.joined().top1, known.joined().accuracy_input_size) == (None, square(288))
    assert known.joined().accuracy_source == ""
    known.put(60.0)
    assert (known.joined().top1, known.joined().accuracy_input_size) == (60.0, None)
    known.put(70.0, input_size=square(224))
    assert (known.joined().top1, known.joined().accuracy_input_size) == (70.0, square(224))


def test_accuracy_of_a_file_joins_what_was_measured_of_that_file(known: Known) -> None:
    digest = known.joined().weights_digest
    with known.database.transaction() as connection:
        connection.execute(update(artifacts).values(weights=WeightsKind.OWN))
    known.put(40.0)
    known.put(50.0, model_digest="another file that had the name")
    assert known.joined().top1 is None
    known.put(60.0, model_digest=digest)
    assert known.joined().top1 == 60.0


def test_a_full_disk_is_a_sentence_and_what_was_there_stays(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    attempt_id, job_id = lease(database, "phone")

    @event.listens_for(database.engine, "begin")
    def fill_the_disk(connection: Connection) -> None:
        # SQLite answers exactly as on a full disk when the file may not grow.
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    report = measured_report(attempt_id, job_id)
    assert report.measured is not None
    many = replace(report.measured, repetition=repetition(tuple(range(1, 1_000_000))))
    with pytest.raises(EdgerankError, match="database or disk is full") as failed:
        record(database, replace(report, measured=many))
    assert failed.value.code is ErrorCode.STORAGE
    assert read_counts(database, sweep_id).jobs == {JobState.LEASED: 1}
    event.remove(database.engine, "begin", fill_the_disk)
    assert record(database, report)


def test_one_state_folder_has_one_controller(tmp_path: Path) -> None:
    with (
        claim_state(tmp_path / "state"),
        pytest.raises(EdgerankError, match="another controller already serves"),
    ):
        claim_state(tmp_path / "state")


def test_a_state_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(EdgerankError, match="choose another state folder"):
        claim_state(tmp_path / "state")
