"""Sweeps in a list, and the plan of one: measured before, its file there, and neither."""

from controller.domain.jobs import PlanEstimate, PlanGroup, PlanJob, SweepPlan
from controller.domain.sweeps import Pause, SweepPhase, SweepSummary
from models.catalog.precisions import Precision
from protos.inputs import square
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE

PLAN = SweepPlan(
    jobs_total=3,
    jobs_measured_before=1,
    groups=(
        PlanGroup(
            device=DEVICE,
            runtime=Runtime.ONNXRUNTIME,
            threads=1,
            precision=Precision.FP32,
            jobs_total=3,
            jobs_measured_before=1,
        ),
    ),
    estimates=(
        PlanEstimate(device=DEVICE, jobs=2, expected_ms=30_000, known_here=1, known_elsewhere=0),
    ),
    artifacts_total=2,
    artifacts_stored=1,
    backbones_to_convert=("Poor",),
    left_out=(reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "Mine"}),),
    jobs=tuple(
        PlanJob(
            device=DEVICE,
            backbone=backbone,
            runtime=Runtime.ONNXRUNTIME,
            threads=1,
            precision=Precision.FP32,
            input_size=square(224),
            batch=1,
            artifact_sha256=sha256,
            measurement_id=measurement_id,
        )
        for backbone, sha256, measurement_id in (
            ("Good", "a7" * 32, "m1"),
            ("Same", "5f" * 32, ""),
            ("Poor", "", ""),
        )
    ),
)
SWEEPS = (
    SweepSummary(
        sweep_id="0586730d21b7",
        name="nightly",
        phase=SweepPhase.MEASURING,
        created_at_unix_ms=1_764_000_000_000,
        ended_at_unix_ms=None,
        devices=(DEVICE,),
        jobs_total=8,
        jobs_ended=5,
        jobs_failed=1,
        is_profile=False,
        started_by="ann",
        retry_of="c688e3e4164b",
        paused=Pause(by="bob", since_unix_ms=1_764_000_100_000),
    ),
)
