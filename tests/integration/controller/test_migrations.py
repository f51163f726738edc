"""A database that an older edgerank wrote is carried over: nothing that it recorded is lost."""

from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobState
from controller.domain.measurements import MeasurementFilter, Verdict
from controller.domain.sweeps import SweepPhase
from controller.state import attempts, jobs, sweeps
from controller.state.artifacts import find_artifact
from controller.state.database import MIGRATIONS, open_database
from controller.state.devices import list_devices
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.reports import record_report
from controller.state.turns import count_turns
from protos.device import DeviceState, Temperature
from protos.measuring import ProcessMemory, Repetition, StopReason
from tests.integration.controller.domain_samples import failed_report, measured_report

PHONE = "id-of-phone"
# Rows and documents are as that edgerank wrote them: what came later is not in them.
BEFORE_TURNS = "0004"
PROFILE = {"architecture": "aarch64", "logical_cores": 8, "memory_bytes": 4_000_000_000}
SPEC = {
    "backbones": ["MobileNetV1"],
    "devices": ["phone"],
    "runtimes": ["onnxruntime"],
    "threads": [1],
    "weights": "synthetic",
    "repetitions": 3,
    "relative_half_width": 0.02,
    "time_budget_ms": 1_000,
}
SETTINGS = {
    "runtime": "onnxruntime",
    "threads": 1,
    "repetitions": 3,
    "relative_half_width": 0.02,
    "time_budget_ms": 1_000,
    "input_shape": [1, 3, 224, 224],
    "input_seed": 0,
}
LATENCY = {
    "median_ms": 5.0,
    "low_ms": 4.9,
    "high_ms": 5.1,
    "p90_ms": 5.5,
    "p99_ms": 6.0,
    "mad_ms": 0.1,
    "min_ms": 4.8,
    "first_run_ms": 9.0,
    "load_ms": 1.0,
    "sample_count": 150,
    "repetition_count": 3,
    "stop_reason": "precise",
}
MEMORY = {"peak_rss_bytes": 40_000_000, "baseline_rss_bytes": 50_000_000, "pss_bytes": 70_000_000}
TAKEN = tuple(
    Repetition(
        latency_ns=tuple(range(5_000_000 + ordinal, 5_000_050 + ordinal)),
        warmup_ns=(9_000_000, 2**63 - 1),
        load_ns=1_000_000 + ordinal,
        peak_rss_bytes=90_000_000,
        baseline_rss_bytes=50_000_000,
        pss_bytes=70_000_000,
        busy_threads=1,
        stop_reason=StopReason.PRECISE,
        before=DeviceState(taken_at_unix_ms=1, temperatures=(Temperature(zone="cpu", celsius=40),)),
        during=(DeviceState(taken_at_unix_ms=2, load_by_others=0.25),),
        memory=ProcessMemory(steady_peak_rss_bytes=80_000_000),
    )
    for ordinal in range(3)
)
STATES = {"done": "done", "crashed": "failed", "queued": "queued", "leased": "leased"}


VARIANT = {
    "backbone": "MobileNetV1",
    "format": "onnx",
    "precision": "fp32",
    "target": "any",
    "input_size": 224,
    "batch": 1,
}
# By table, in an order in which they can refer to each other; a row that misses a column has NULL.
ROWS: dict[str, list[dict[str, Any]]] = {
    "devices": [
        {
            "device_id": PHONE,
            "name": "phone",
            "labels": {"room": "lab"},
            "profile": PROFILE,
            "enrolled_at_unix_ms": 5,
            "last_seen_at_unix_ms": 6,
        }
    ],
    "artifacts": [
        VARIANT
        | {
            "conversion_key": "key",
            "sha256": "a" * 64,
            "size_bytes": 10,
            "weights": "synthetic",
            "weights_digest": "d" * 64,
            "weights_source": "a test's",
            "max_relative_difference": 1e-6,
            "parity_tolerance": 1e-4,
            "parity_input_count": 4,
            "checked_through": "own format",
            "passes": ["split"],
            "tool_versions": {"paddle": "2.6"},
            "seconds": 1.5,
            "created_at_unix_ms": 7,
        }
    ],
    "sweeps": [
        {"sweep_id": "sweep", "spec": SPEC, "phase": "measuring", "created_at_unix_ms": 8},
    ],
    "jobs": [
        VARIANT
        | {
            "job_id": job_id,
            "sweep_id": "sweep",
            "device_id": PHONE,
            "position": position,
            "settings": SETTINGS,
            "conversion_key": "key",
            "state": state,
        }
        for position, (job_id, state) in enumerate(STATES.items())
    ],
    "attempts": [
        {"attempt_id": attempt_id, "job_id": job_id, "state": state, "leased_at_unix_ms": 9}
        for attempt_id, job_id, state in (
            ("reported", "done", "reported"),
            ("died", "crashed", "reported"),
            ("lost once", "leased", "lost"),
            ("lost twice", "leased", "lost"),
            ("out", "leased", "leased"),
        )
    ],
    "measurements": [
        {
            "measurement_id": "reported",
            "attempt_id": "reported",
            "job_id": "done",
            "verdict": "ok",
            "reason": "",
            "runtime_version": "1.22.0",
            "runtime_build": "Release",
            "busy_threads": 1,
            "affinity": [0, 1],
            "latency": LATENCY,
            "memory": MEMORY,
            "measured_at_unix_ms": 10,
            "committed_at_unix_ms": 11,
        },
        {
            "measurement_id": "died",
            "attempt_id": "died",
            "job_id": "crashed",
            "verdict": "failed",
            "reason": "crashed: the child died of SIGSEGV",
            "runtime_version": "",
            "runtime_build": "",
            "busy_threads": 0,
            "affinity": [],
            "measured_at_unix_ms": 10,
            "committed_at_unix_ms": 12,
        },
    ],
    "repetitions": [
        {
            "measurement_id": "reported",
            "ordinal": ordinal,
            "latency_ns": array("Q", taken.latency_ns).tobytes(),
            "warmup_ns": array("Q", taken.warmup_ns).tobytes(),
            "load_ns": taken.load_ns,
            "peak_rss_bytes": taken.peak_rss_bytes,
            "baseline_rss_bytes": taken.baseline_rss_bytes,
            "pss_bytes": taken.pss_bytes,
            "busy_threads": taken.busy_threads,
            "stop_reason": "precise",
            "before": {"taken_at_unix_ms": 1, "temperatures": [{"zone": "cpu", "celsius": 40.0}]},
            "after": None,
            "during": [{"taken_at_unix_ms": 2, "load_by_others": 0.25}],
            "memory": {"steady_peak_rss_bytes": 80_000_000},
        }
        for ordinal, taken in enumerate(TAKEN)
    ],
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database at the revision before repetitions took turns, with a sweep half measured."""
    url = f"sqlite:///{tmp_path / 'controller.sqlite'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE_TURNS)
        there = MetaData()
        there.reflect(connection)
        for table, rows in ROWS.items():
            for row in rows:
                connection.execute(there.tables[table].insert().values(row))
    engine.dispose()
    return url


def test_what_an_older_edgerank_measured_reads_back_the_same(url: str) -> None:
    engine = open_database(url)
    measured, crashed = list_measurements(engine, MeasurementFilter(with_samples=True))
    assert measured.repetitions == TAKEN
    assert measured.latency is not None
    assert (measured.latency.median_ms, measured.latency.outlier_count) == (5.0, None)
    assert measured.memory is not None
    assert (measured.memory.peak_rss_bytes, measured.memory.pss_bytes) == (40_000_000, 70_000_000)
    assert (measured.measurement_id, measured.sweep_id, measured.device, measured.verdict) == (
        "reported",
        "sweep",
        "phone",
        Verdict.OK,
    )
    assert (measured.runtime_version, measured.runtime_build) == ("1.22.0", "Release")
    assert (measured.artifact_sha256, measured.weights_digest) == ("a" * 64, "d" * 64)
    assert (measured.affinity, measured.measured_at_unix_ms) == ((0, 1), 10)
    assert (crashed.verdict, crashed.repetitions) == (Verdict.FAILED, ())
    assert crashed.reason == "crashed: the child died of SIGSEGV"
    assert [outcome.job_id for outcome in list_outcomes(engine, "sweep")] == ["done", "crashed"]


def test_devices_artifacts_and_sweeps_of_an_older_edgerank_are_there(url: str) -> None:
    engine = open_database(url)
    (device,) = list_devices(engine, connected=frozenset())
    assert (device.name, device.labels, device.enrolled_at_unix_ms) == ("phone", {"room": "lab"}, 5)
    assert (device.profile.architecture, device.profile.logical_cores) == ("aarch64", 8)
    artifact = find_artifact(engine, "key")
    assert artifact is not None
    assert (artifact.sha256, artifact.passes, artifact.seconds) == ("a" * 64, ("split",), 1.5)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    sweep = sweeps.find_sweep(engine, "sweep")
    assert (sweep.phase, sweep.spec.repetitions) == (SweepPhase.MEASURING, 3)


def test_jobs_that_were_open_begin_anew_and_end(url: str) -> None:
    engine = open_database(url)
    assert jobs.count_jobs(engine, "sweep") == {
        JobState.DONE: 1,
        JobState.FAILED: 1,
        JobState.QUEUED: 2,
    }
    assert attempts.leased_attempts(engine) == {}
    assert count_turns(engine, "sweep") == (6, 0)
    taken: Counter[str] = Counter()
    while lease := attempts.lease_next(engine, PHONE, now_unix_ms=20):
        taken[lease.job_id] += 1
        report = measured_report(lease.attempt_id, lease.job_id)
        assert record_report(engine, PHONE, report, now_unix_ms=21)
    assert taken == {"queued": 3, "leased": 3}
    assert len(list_measurements(engine, MeasurementFilter())) == 4
    assert sweeps.end_finished_sweeps(engine, now_unix_ms=22)


def test_attempts_that_an_older_edgerank_lost_do_not_count_against_new_ones(url: str) -> None:
    engine = open_database(url)
    for _ in range(2):
        leases = [attempts.lease_next(engine, PHONE, now_unix_ms=20) for _ in range(2)]
        for lease in leases:
            assert lease is not None
            attempts.lose_attempt(engine, lease.attempt_id, now_unix_ms=21)
    assert jobs.count_jobs(engine, "sweep")[JobState.QUEUED] == 2


@pytest.mark.parametrize("ended", [measured_report, failed_report])
def test_a_late_report_of_an_older_agent_ends_no_job_that_began_anew(url: str, ended: Any) -> None:
    engine = open_database(url)
    assert not record_report(engine, PHONE, ended("out", "leased"), now_unix_ms=20)
    assert jobs.count_jobs(engine, "sweep")[JobState.QUEUED] == 2
    assert count_turns(engine, "sweep") == (6, 0)


def test_a_disk_that_is_full_while_it_is_carried_over_leaves_it_as_it_was(url: str) -> None:
    before = _rows(url)

    def fill_the_disk(connection: Connection) -> None:
        # SQLite answers exactly as on a full disk when the file may not grow.
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")

    event.listen(Engine, "begin", fill_the_disk)
    try:
        with pytest.raises(EdgerankError, match="nothing recorded was lost") as failed:
            open_database(url)
    finally:
        event.remove(Engine, "begin", fill_the_disk)
    assert failed.value.code is ErrorCode.STORAGE
    assert _rows(url) == before
    test_what_an_older_edgerank_measured_reads_back_the_same(url)


def _rows(url: str) -> dict[str, list[Any]]:
    """Every row of every table, as the database has them now."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            table: list(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in inspect(connection).get_table_names()
        }
    engine.dispose()
    return rows
