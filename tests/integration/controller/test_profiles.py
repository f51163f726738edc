"""A profile is a job like others until it ends, and no measurement then."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import MAX_ATTEMPTS, JobState
from controller.domain.measurements import MeasurementFilter
from controller.domain.profiles import ProfileSpec
from controller.domain.sweeps import SweepPhase
from controller.fleet.agents import Fleet
from controller.state import attempts, jobs, sweeps
from controller.state.database import open_database
from controller.state.devices import enrol, list_devices
from controller.state.failures import record_failure
from controller.state.measurements import list_measurements, list_outcomes
from controller.state.profiles import check_profile, read_profile
from controller.state.reports import record_report
from controller.sweeps.profile_planning import as_sweep, plan_profile
from models.catalog.catalog import load_catalog
from models.catalog.variants import Precision, WeightsKind
from protos.fleet import Profiled, Progress, Report, Stage
from protos.measuring import OperatorTimes, StartGate
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.integration.controller.conftest import start_sweep, store_artifact
from tests.integration.controller.domain_samples import (
    RUNTIME,
    failed_report,
    hello,
    measured_report,
)
from tests.integration.controller.test_fleet import lease as lease_of
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


def start_profile(engine: Engine) -> str:
    """A profile on the device "phone" that an agent may begin; gives its id."""
    enrol(engine, hello("phone"), now_unix_ms=0)
    job = plan_profile(SPEC, list_devices(engine, frozenset()), load_catalog())
    profile_id = sweeps.create_sweep(engine, as_sweep(SPEC), (job,), now_unix_ms=0)
    key = store_artifact(engine, job.variant)
    jobs.queue_jobs(engine, profile_id, jobs.Role.CANDIDATE, job.variant, key)
    sweeps.set_phase(engine, profile_id, SweepPhase.MEASURING, now_unix_ms=0)
    return profile_id


def lease(engine: Engine) -> tuple[str, str]:
    """Leases the device's next job: attempt id and job id."""
    leased = attempts.lease_next(engine, "id-of-phone", now_unix_ms=0)
    assert leased is not None
    return leased.attempt_id, leased.job_id


def profiled_report(attempt_id: str, job_id: str, times: OperatorTimes = PROFILE.times) -> Report:
    profiled = Profiled(runtime=RUNTIME, times=times, trace_gzip=packed(TRACE), affinity=(0, 3))
    return replace(failed_report(attempt_id, job_id), failure=None, profiled=profiled)


def record(engine: Engine, report: Report) -> bool:
    return record_report(engine, "id-of-phone", report, now_unix_ms=5)


def reason(engine: Engine, profile_id: str) -> str:
    with pytest.raises(EdgerankError) as failed:
        read_profile(engine, profile_id)
    assert failed.value.code is ErrorCode.EXECUTION
    return str(failed.value)


def no_figures(engine: Engine, profile_id: str) -> bool:
    """Whether nothing of it stands among measurements, failures included."""
    return list_measurements(engine, MeasurementFilter()) == [] == list_outcomes(engine, profile_id)


def test_the_lease_asks_for_a_profile_and_stands_alone(engine: Engine) -> None:
    start_profile(engine)
    leased = attempts.lease_next(engine, "id-of-phone", now_unix_ms=0)
    assert leased is not None
    assert leased.settings.profile_runs == RUNS
    assert leased.settings.threads == 2
    assert attempts.lease_next(engine, "id-of-phone", now_unix_ms=0) is None


def test_a_profile_is_there_after_a_restart_with_its_trace(engine: Engine, tmp_path: Path) -> None:
    profile_id = start_profile(engine)
    assert record(engine, profiled_report(*lease(engine)))
    assert no_figures(engine, profile_id)
    assert jobs.count_jobs(engine, profile_id) == {JobState.DONE: 1}
    engine.dispose()
    again = open_database(f"sqlite:///{tmp_path / 'controller.sqlite'}")
    profile, trace = read_profile(again, profile_id)
    assert trace == packed(TRACE)
    assert profile.times == PROFILE.times
    assert (profile.backbone, profile.device, profile.threads) == ("MobileNetV1", "phone", 2)
    assert (profile.runtime_version, profile.affinity) == ("1.23.2", (0, 3))
    assert (profile.weights, profile.weights_digest) == (WeightsKind.SYNTHETIC, "d" * 64)
    assert profile.profiled_at_unix_ms == 2_000
    assert profile.settings == plan_profile(SPEC, [device("phone")], load_catalog()).settings
    again.dispose()


def test_a_report_that_comes_twice_is_one_profile(engine: Engine) -> None:
    profile_id = start_profile(engine)
    first = profiled_report(*lease(engine))
    other = profiled_report(first.attempt_id, first.job_id, replace(PROFILE.times, run_median_ns=7))
    assert [record(engine, first), record(engine, other)] == [True, False]
    assert read_profile(engine, profile_id)[0].times == PROFILE.times


def test_a_late_report_of_an_attempt_that_was_lost_is_the_profile(engine: Engine) -> None:
    profile_id = start_profile(engine)
    late = profiled_report(*lease(engine))
    attempts.lose_attempt(engine, late.attempt_id, now_unix_ms=0)
    second = profiled_report(*lease(engine))
    assert [record(engine, late), record(engine, second)] == [True, False]
    assert jobs.count_jobs(engine, profile_id) == {JobState.DONE: 1}
    assert attempts.lease_next(engine, "id-of-phone", now_unix_ms=0) is None


def test_a_cancelled_profile_takes_no_report(engine: Engine) -> None:
    profile_id = start_profile(engine)
    report = profiled_report(*lease(engine))
    jobs.cancel_jobs(engine, profile_id)
    assert not record(engine, report)
    assert jobs.count_jobs(engine, profile_id) == {JobState.CANCELLED: 1}


async def test_who_watches_a_profile_sees_what_goes_on(engine: Engine, fleet: Fleet) -> None:
    start_profile(engine)
    session = await fleet.connect(hello("phone"))
    given = await lease_of(fleet, session)
    what = "MobileNetV1 with onnxruntime"
    assert fleet.activities() == (f"phone: about to profile {what}",)
    waits = Progress(attempt_id=given.attempt_id, stage=Stage.WAITING, detail="hot")
    fleet.progress(session, waits)
    assert fleet.activities() == (f"phone: waiting to profile {what}: hot",)
    fleet.progress(session, replace(waits, stage=Stage.MEASURING, detail=""))
    assert fleet.activities() == (f"phone: profiling {what}",)


def test_a_profile_whose_agent_vanishes_is_leased_again_and_then_fails(engine: Engine) -> None:
    profile_id = start_profile(engine)
    first_id, _job_id = lease(engine)
    attempts.lose_attempt(engine, first_id, now_unix_ms=0)
    assert jobs.count_jobs(engine, profile_id) == {JobState.QUEUED: 1}
    for _ in range(MAX_ATTEMPTS - 1):
        attempt_id, _job_id = lease(engine)
        attempts.lose_attempt(engine, attempt_id, now_unix_ms=0)
    assert "vanished 3 times" in reason(engine, profile_id)
    assert no_figures(engine, profile_id)


def test_a_failure_keeps_its_reason_and_is_no_failed_measurement(engine: Engine) -> None:
    profile_id = start_profile(engine)
    assert record(engine, failed_report(*lease(engine)))
    assert reason(engine, profile_id) == (
        "MobileNetV1 could not be profiled on phone: crashed: the child died of SIGSEGV"
    )
    assert no_figures(engine, profile_id)


def test_a_profile_without_an_artifact_fails_with_the_converters_words(engine: Engine) -> None:
    profile_id = start_profile(engine)
    _attempt_id, job_id = lease(engine)
    record_failure(engine, job_id, "no artifact: onnx: aborted", now_unix_ms=3)
    assert reason(engine, profile_id).endswith("no artifact: onnx: aborted")
    assert no_figures(engine, profile_id)


def test_an_agent_that_does_not_know_profiles_fails_the_job(engine: Engine) -> None:
    profile_id = start_profile(engine)
    assert record(engine, measured_report(*lease(engine)))
    assert "rubbish: the agent measured instead of profiling" in reason(engine, profile_id)
    assert no_figures(engine, profile_id)


def test_a_lying_profile_fails_the_job(engine: Engine) -> None:
    profile_id = start_profile(engine)
    lying = replace(PROFILE.times, layers=())
    assert record(engine, profiled_report(*lease(engine), times=lying))
    assert "rubbish: the agent reported a profile of 0 layers" in reason(engine, profile_id)


def test_a_profile_in_the_place_of_a_measurement_is_a_failed_measurement(engine: Engine) -> None:
    sweep_id = start_sweep(engine, "phone")
    assert record(engine, profiled_report(*lease(engine)))
    (outcome,) = list_outcomes(engine, sweep_id)
    assert outcome.reason == "rubbish: the agent profiled 2 inferences instead of 0"


def test_the_id_of_a_sweep_is_no_profiles(engine: Engine) -> None:
    check_profile(engine, start_profile(engine))
    with pytest.raises(EdgerankError, match="no profile has the id") as refused:
        check_profile(engine, start_sweep(engine, "phone"))
    assert refused.value.code is ErrorCode.UNKNOWN_NAME
