"""A figure counts only where the device computed the right thing."""

from dataclasses import replace
from typing import Any

import pytest

from controller.domain.jobs import JobState
from controller.domain.measurements import MeasurementFilter, OutputFigures, Verdict
from controller.fleet.agents import Fleet
from controller.fleet.sessions import AgentSession
from controller.state.artifacts import backbones_of, find_artifact, record_artifact
from controller.state.database import Database
from controller.state.jobs import wait_again
from controller.state.measurements import list_measurements
from controller.state.rounds.counts import read_counts
from controller.views.reasons import sentences
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from protos.fleet import Lease, Report, failed
from protos.inputs import square
from protos.measuring import OutputCheck
from protos.reasons import ReasonCode
from tests.integration.controller.conftest import (
    REFERENCE,
    OwnedClock,
    converted_of,
    start_sweep,
)
from tests.integration.controller.domain_samples import failed_report, hello, measured_report

RIGHT = OutputCheck(input_count=4, max_relative_difference=2e-6, l2_relative_difference=1e-6)
ALL = MeasurementFilter(with_samples=True)


async def next_lease(fleet: Fleet, session: AgentSession) -> Lease:
    await fleet.ready(session)
    while True:
        told = session.outbox.get_nowait()
        if isinstance(told, Lease):
            return told


def report_of(lease: Lease, check: OutputCheck | None) -> Report:
    report = measured_report(lease.attempt_id, lease.job_id)
    assert report.measured is not None
    repetition = replace(report.measured.repetition, output_check=check)
    return replace(report, measured=replace(report.measured, repetition=repetition))


async def measured(database: Database, fleet: Fleet, *checks: OutputCheck | None) -> None:
    """Measures a job in as many repetitions, until it has ended."""
    start_sweep(database, "phone", repetitions=len(checks))
    session = await fleet.connect(hello("phone"))
    for check in checks:
        lease = await next_lease(fleet, session)
        assert lease.reference_sha256 == REFERENCE.sha256
        assert lease.reference_size_bytes == REFERENCE.size_bytes
        await fleet.report(session, report_of(lease, check))
        await fleet.ended()


async def test_a_measurement_has_what_its_outputs_were(database: Database, fleet: Fleet) -> None:
    further = replace(RIGHT, max_relative_difference=9e-6, top1_agreement=1.0)
    await measured(database, fleet, RIGHT, further)
    (found,) = list_measurements(database, ALL)
    assert found.outputs == OutputFigures(
        input_count=4,
        repetition_count=2,
        max_relative_difference=9e-6,
        l2_relative_difference=1e-6,
        top1_agreement=1.0,
    )
    assert found.output_tolerance == REFERENCE.tolerance
    assert [each.output_check for each in found.repetitions] == [RIGHT, further]
    assert ReasonCode.OUTPUTS_UNCHECKED not in [each.code for each in found.reasons]


@pytest.mark.parametrize(
    ("check", "why", "words"),
    [
        (
            replace(RIGHT, max_relative_difference=1.05e-4),
            ReasonCode.OUTPUT_BEYOND_TOLERANCE,
            "outputs differ by 0.000105 relative (L2 1e-06), beyond the tolerance of 0.000104",
        ),
        (
            OutputCheck(input_count=4, nonfinite_share=0.5),
            ReasonCode.OUTPUT_NOT_FINITE,
            "50.00% of the outputs are NaN or infinite",
        ),
        (
            replace(RIGHT, is_constant=True),
            ReasonCode.OUTPUT_CONSTANT,
            "an output is the same whatever the input",
        ),
    ],
    ids=["beyond the tolerance", "NaN", "constant"],
)
async def test_one_wrong_repetition_fails_the_job_and_is_kept(
    database: Database, fleet: Fleet, check: OutputCheck, why: ReasonCode, words: str
) -> None:
    start_sweep(database, "phone", repetitions=3)
    session = await fleet.connect(hello("phone"))
    for each in (RIGHT, check):
        lease = await next_lease(fleet, session)
        await fleet.report(session, report_of(lease, each))
        await fleet.ended()
    (found,) = list_measurements(database, ALL)
    assert (found.verdict, found.latency, found.outputs) == (Verdict.FAILED, None, None)
    assert [each.code for each in found.reasons] == [ReasonCode.WRONG_OUTPUT, why]
    assert sentences(found.reasons) == (
        "wrong_output: on 4 reference inputs the device computed something else than the network "
        f"gives: {words}"
    )
    assert [each.output_check for each in found.repetitions] == [RIGHT, check]


async def test_what_nobody_compared_says_so(database: Database, fleet: Fleet) -> None:
    await measured(database, fleet, None, RIGHT)
    (found,) = list_measurements(database, ALL)
    assert found.verdict is not Verdict.FAILED
    told = {each.code: each.figures for each in found.reasons}
    assert told[ReasonCode.OUTPUTS_UNCHECKED] == {"count": 1, "repetitions": 2}


def test_what_is_compared_with_is_found_by_its_digest_and_made_again(database: Database) -> None:
    variant = Variant("MobileNetV1", Format.ONNX, Precision.FP32, Target.ANY, square(224))
    made = converted_of(variant)
    record_artifact(database, made, now_unix_ms=0)
    assert backbones_of(database, REFERENCE.sha256) == ("MobileNetV1",)
    another = replace(REFERENCE, sha256="5f" * 32, size_bytes=4_001, tolerance=2e-4)
    record_artifact(database, replace(made, reference=another), now_unix_ms=1)
    assert backbones_of(database, REFERENCE.sha256) == ()
    found = find_artifact(database, made.conversion_key)
    assert found is not None
    assert (found.reference_sha256, found.output_tolerance) == (another.sha256, 2e-4)
    assert (found.sha256, found.size_bytes) == (made.sha256, made.size_bytes)


def refused(lease: Lease) -> Report:
    """The report of an agent that is not given a file of its lease."""
    told = failed(ReasonCode.ARTIFACT_BROKEN, "the controller does not give artifact 4e4e4e4e4e4e")
    return replace(failed_report(lease.attempt_id, lease.job_id), failure=told)


@pytest.mark.parametrize(
    "changed",
    [
        {"reference": replace(REFERENCE, sha256="5f" * 32)},
        {"sha256": "5f" * 32},
    ],
    ids=["reference", "artifact"],
)
async def test_an_attempt_whose_file_was_made_again_with_other_bytes_is_taken_again(
    database: Database, fleet: Fleet, clock: OwnedClock, changed: dict[str, Any]
) -> None:
    # Also where the clock was set back since it was leased.
    clock.now_ms = 5_000
    sweep_id = start_sweep(database, "phone")
    session = await fleet.connect(hello("phone"))
    before = await next_lease(fleet, session)
    variant = Variant(before.backbone, Format.ONNX, Precision.FP32, Target.ANY, square(224), 1)
    record_artifact(database, replace(converted_of(variant), **changed), now_unix_ms=1_000)
    await fleet.report(session, refused(before))
    await fleet.ended()
    assert read_counts(database, sweep_id).jobs == {JobState.QUEUED: 1}
    clock.now_ms = 6_000
    after = await next_lease(fleet, session)
    assert "5f" * 32 in (after.artifact_sha256, after.reference_sha256)
    assert after.job_id == before.job_id
    await fleet.report(session, refused(after))
    await fleet.ended()
    (found,) = list_measurements(database, ALL)
    assert [each.code for each in found.reasons] == [ReasonCode.ARTIFACT_BROKEN]


def test_jobs_wait_while_it_is_made_again(database: Database) -> None:
    sweep_id = start_sweep(database, "phone")
    assert wait_again(database, "0" * 64) == frozenset()
    assert wait_again(database, REFERENCE.sha256) == {sweep_id}
