"""A profile is a job like others until it ends, and no measurement then."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.jobs import MAX_ATTEMPTS, JobState
from controller.domain.measurements import MeasurementFilter
from controller.domain.profiles import ProfileSpec
from controller.domain.sweeps import Activity, ActivityKind, SweepPhase
from controller.fleet.agents import Fleet
from controller.fleet.leasing.losing import lose_attempt
from controller.state import attempts, jobs, sweeps
from controller.state.database import Database, open_database
from controller.state.devices import enrol, list_devices
from controller.state.jobs import ending
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.profiles import read_profile, resolve_profile
from controller.state.rounds.counts import read_counts
from controller.sweeps.profiling.planning import as_sweep, plan_profile
from controller.sweeps.starting import create_sweep
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.fleet import Profiled, Progress, Report, Stage
from protos.measuring import OperatorTimes, StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.integration.controller.conftest import start_sweep, store_artifact
from tests.integration.controller.domain_samples import (
    RUNTIME,
    failed_report,
    hello,
    measured_report,
)
from tests.integration.controller.fleet.test_fleet import lease as lease_of
from tests.measured import record_report
from tests.unit.controller.fleet.test_credibility import TRACE, packed
from tests.unit.controller.samples.profiles import PROFILE
from tests.unit.controller.sweeps.test_planning import device

RUNS = PROFILE.times.run_count
SPEC = ProfileSpec(
    backbone="MobileNetV1",
    device="phone",
    runtime=Runtime.ONNXRUNTIME,
    threads=2,
    weights=WeightsKind.SYNTHETIC,
    precision=Precision.FP32,
    batch=1,
    run_count=RUNS,
    onnxruntime=OnnxRuntimeOptions(spinning=False),
    gate=StartGate(max_celsius=60, deadline_ms=1_000),
)


def start_profile(database: Database) -> str:
    """A profile on the device "phone" that an agent may begin; gives its id."""
    enrol(database, hello("phone"), now_unix_ms=0)
    job = plan_profile(SPEC, list_devices(database, frozenset()), load_catalog())
    profile_id = create_sweep(database, as_sweep(SPEC), (job,), now_unix_ms=0)
    key = store_artifact(database, job.variant)
    jobs.queue_jobs(database, profile_id, jobs.Role.CANDIDATE, job.variant, key)
    sweeps.set_phase(database, profile_id, SweepPhase.MEASURING, now_unix_ms=0)
    return profile_id


def lease(database: Database) -> tuple[str, str]:
    """Leases the device's next job: attempt id and job id."""
    leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert leased is not None
    return leased.attempt_id, leased.job_id


def profiled_report(attempt_id: str, job_id: str, times: OperatorTimes = PROFILE.times) -> Report:
    profiled = Profiled(runtime=RUNTIME, times=times, trace_gzip=packed(TRACE), affinity=(0, 3))
    return replace(failed_report(attempt_id, job_id), failure=None, profiled=profiled)


def record(database: Database, report: Report) -> bool:
    return record_report(database, "id-of-phone", report, now_unix_ms=5).is_new


def reasons_of(database: Database, profile_id: str) -> tuple[Reason, ...]:
    """Why there is no profile, besides that there is none."""
    with pytest.raises(Refused) as failed:
        read_profile(database, profile_id)
    assert failed.value.code is ErrorCode.EXECUTION
    first, *others = failed.value.reasons
    words = {"backbone": "MobileNetV1", "device": "phone"}
    assert first == reason(ReasonCode.PROFILE_FAILED, words)
    return tuple(others)


def doing(kind: ActivityKind) -> Activity:
    """What goes on with the profile on the phone."""
    return Activity(
        kind=kind,
        backbone="MobileNetV1",
        device="phone",
        runtime=Runtime.ONNXRUNTIME,
        is_profile=True,
    )


def no_figures(database: Database, profile_id: str) -> bool:
    """Whether nothing of it stands among measurements, failures included."""
    return (
        list_measurements(database, MeasurementFilter())
        == []
        == list_outcomes(database, profile_id)
    )


def test_the_lease_asks_for_a_profile_and_stands_alone(database: Database) -> None:
    start_profile(database)
    leased = attempts.lease_next(database, "id-of-phone", now_unix_ms=0)
    assert leased is not None
    assert leased.settings.profile_runs == RUNS
    assert leased.settings.threads == 2
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is None


def test_a_profile_tells_what_was_in_the_way_when_it_started(database: Database) -> None:
    profile_id = start_profile(database)
    hot = reason(ReasonCode.PROCESSOR_WARM, celsius=72, limit_celsius=60)
    report = profiled_report(*lease(database))
    assert report.profiled is not None
    record(database, replace(report, profiled=replace(report.profiled, started_unready=hot)))
    profile, _ = read_profile(database, profile_id)
    assert profile.started_unready == hot


def test_a_profile_is_there_after_a_restart_with_its_trace(
    database: Database, tmp_path: Path
) -> None:
    profile_id = start_profile(database)
    assert record(database, profiled_report(*lease(database)))
    assert no_figures(database, profile_id)
    assert read_counts(database, profile_id).jobs == {JobState.DONE: 1}
    database.close()
    again = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    profile, trace = read_profile(again, profile_id)
    assert trace == packed(TRACE)
    assert profile.times == PROFILE.times
    assert (profile.backbone, profile.device, profile.threads) == ("MobileNetV1", "phone", 2)
    assert (profile.runtime_version, profile.affinity) == ("1.23.2", (0, 3))
    assert (profile.weights, profile.weights_digest) == (WeightsKind.SYNTHETIC, "d" * 64)
    assert profile.profiled_at_unix_ms == 2_000
    assert profile.settings == plan_profile(SPEC, [device("phone")], load_catalog()).settings
    again.close()


def test_a_report_that_comes_twice_is_one_profile(database: Database) -> None:
    profile_id = start_profile(database)
    first = profiled_report(*lease(database))
    other = profiled_report(first.attempt_id, first.job_id, replace(PROFILE.times, run_median_ns=7))
    assert [record(database, first), record(database, other)] == [True, False]
    assert read_profile(database, profile_id)[0].times == PROFILE.times


def test_a_late_report_of_an_attempt_that_was_lost_is_the_profile(database: Database) -> None:
    profile_id = start_profile(database)
    late = profiled_report(*lease(database))
    lose_attempt(database, late.attempt_id, now_unix_ms=0)
    second = profiled_report(*lease(database))
    assert [record(database, late), record(database, second)] == [True, False]
    assert read_counts(database, profile_id).jobs == {JobState.DONE: 1}
    assert attempts.lease_next(database, "id-of-phone", now_unix_ms=0) is None


def test_a_cancelled_profile_takes_no_report(database: Database) -> None:
    profile_id = start_profile(database)
    report = profiled_report(*lease(database))
    jobs.cancel_jobs(database, profile_id)
    assert not record(database, report)
    assert read_counts(database, profile_id).jobs == {JobState.CANCELLED: 1}


async def test_who_watches_a_profile_sees_what_goes_on(database: Database, fleet: Fleet) -> None:
    start_profile(database)
    session = await fleet.connect(hello("phone"))
    given = await lease_of(fleet, session)
    assert fleet.activities() == (doing(ActivityKind.STARTING),)
    hot = reason(ReasonCode.PROCESSOR_WARM, celsius=62, limit_celsius=45)
    waits = Progress(attempt_id=given.attempt_id, stage=Stage.WAITING, waiting_for=hot)
    fleet.progress(session, waits)
    waiting = replace(doing(ActivityKind.WAITING), waiting_for=hot, waits_at_most_ms=1_000)
    assert fleet.activities() == (waiting,)
    fleet.progress(session, replace(waits, stage=Stage.MEASURING, waiting_for=None))
    assert fleet.activities() == (doing(ActivityKind.MEASURING),)


def test_a_profile_whose_agent_vanishes_is_leased_again_and_then_fails(database: Database) -> None:
    profile_id = start_profile(database)
    first_id, _job_id = lease(database)
    lose_attempt(database, first_id, now_unix_ms=0)
    assert read_counts(database, profile_id).jobs == {JobState.QUEUED: 1}
    for _ in range(MAX_ATTEMPTS - 1):
        attempt_id, _job_id = lease(database)
        lose_attempt(database, attempt_id, now_unix_ms=0)
    vanished = reason(ReasonCode.AGENT_VANISHED, attempts=3)
    assert reasons_of(database, profile_id) == (vanished,)
    assert no_figures(database, profile_id)


def test_a_failure_keeps_its_reason_and_is_no_failed_measurement(database: Database) -> None:
    profile_id = start_profile(database)
    assert record(database, failed_report(*lease(database)))
    (crash,) = reasons_of(database, profile_id)
    assert crash.code is ReasonCode.CRASHED
    assert "SIGSEGV" in crash.words["detail"]
    assert no_figures(database, profile_id)


def test_a_profile_without_an_artifact_fails_with_the_converters_words(database: Database) -> None:
    profile_id = start_profile(database)
    _attempt_id, job_id = lease(database)
    why = (reason(ReasonCode.NO_ARTIFACT, {"detail": "onnx: aborted"}),)
    ending.record_failure(database, job_id, why, now_unix_ms=3)
    assert reasons_of(database, profile_id) == why
    assert no_figures(database, profile_id)


def test_an_agent_that_does_not_know_profiles_fails_the_job(database: Database) -> None:
    profile_id = start_profile(database)
    assert record(database, measured_report(*lease(database)))
    assert [each.code for each in reasons_of(database, profile_id)] == [ReasonCode.RUBBISH]
    assert no_figures(database, profile_id)


def test_a_lying_profile_fails_the_job(database: Database) -> None:
    profile_id = start_profile(database)
    lying = replace(PROFILE.times, layers=())
    assert record(database, profiled_report(*lease(database), times=lying))
    (rubbish,) = reasons_of(database, profile_id)
    assert rubbish.code is ReasonCode.RUBBISH
    assert "0 layers" in rubbish.words["detail"]


def test_a_profile_in_the_place_of_a_measurement_is_a_failed_measurement(
    database: Database,
) -> None:
    sweep_id = start_sweep(database, "phone")
    assert record(database, profiled_report(*lease(database)))
    (outcome,) = list_outcomes(database, sweep_id)
    assert [each.code for each in outcome.reasons] == [ReasonCode.RUBBISH]


def test_the_id_of_a_sweep_is_no_profiles(database: Database) -> None:
    profile_id = start_profile(database)
    assert resolve_profile(database, profile_id) == profile_id
    with pytest.raises(EdgerankError, match="no profile has the id") as refused:
        resolve_profile(database, start_sweep(database, "phone"))
    assert refused.value.code is ErrorCode.UNKNOWN_NAME
