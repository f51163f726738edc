"""A profile is one job, or is refused before anything starts."""

from dataclasses import replace

import pytest

from controller.domain.cores import parse_cores
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.profiles import MAX_PROFILE_RUNS, ProfileSpec
from controller.sweeps.profiling.planning import as_sweep, plan_profile
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.unit.controller.sweeps.test_planning import device

CATALOG = load_catalog()
SPEC = ProfileSpec(
    backbone="MobileNetV1",
    device="pc",
    runtime=Runtime.ONNXRUNTIME,
    threads=2,
    weights=WeightsKind.SYNTHETIC,
    precision=Precision.INT8_STATIC,
    batch=4,
    run_count=7,
    input_size=square(96),
)


def test_a_profile_is_one_job_of_one_repetition() -> None:
    job = plan_profile(SPEC, [device("pc"), device("phone")], CATALOG)
    assert job.device_id == "id-of-pc"
    assert (job.variant.precision.value, job.variant.batch) == ("int8-static", 4)
    assert (job.settings.profile_runs, as_sweep(SPEC).most_repetitions) == (7, 1)
    assert (job.settings.threads, job.settings.takes.shape) == (2, (4, 3, 96, 96))


def test_without_a_size_it_is_the_evaluation_size() -> None:
    job = plan_profile(replace(SPEC, input_size=None), [device("pc")], CATALOG)
    assert job.variant.input_size == CATALOG.get("MobileNetV1").input_size


def test_its_job_is_told_where_how_and_when_to_run() -> None:
    options = OnnxRuntimeOptions(graph_optimization=GraphOptimization.BASIC, spinning=False)
    gate = StartGate(max_load_by_others=0.5, deadline_ms=1_000)
    told = replace(
        SPEC, cores=parse_cores("1,2"), flush_denormals=True, onnxruntime=options, gate=gate
    )
    settings = plan_profile(told, [device("pc")], CATALOG).settings
    assert (settings.cores, settings.flush_denormals) == ((1, 2), True)
    assert (settings.onnxruntime, settings.gate) == (options, gate)


@pytest.mark.parametrize(
    ("spec", "code", "token"),
    [
        (replace(SPEC, run_count=0), ErrorCode.INVALID_INPUT, f"1 to {MAX_PROFILE_RUNS}, not 0"),
        (replace(SPEC, run_count=1_001), ErrorCode.INVALID_INPUT, "not 1001"),
        (replace(SPEC, backbone="MobileNet"), ErrorCode.UNKNOWN_NAME, "nearest: .*MobileNetV1"),
        (replace(SPEC, device="pd"), ErrorCode.UNKNOWN_NAME, "nearest: pc"),
        (replace(SPEC, device=""), ErrorCode.UNKNOWN_NAME, "named ''"),
        (replace(SPEC, gate=StartGate(max_celsius=500)), ErrorCode.INVALID_INPUT, "120 °C"),
        (
            replace(
                SPEC,
                runtime=Runtime.PADDLELITE,
                precision=Precision.FP32,
                onnxruntime=OnnxRuntimeOptions(arena=False),
            ),
            ErrorCode.PRECONDITION,
            "profiler .* with onnxruntime",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_cannot_hold_is_refused(spec: ProfileSpec, code: ErrorCode, token: str) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_profile(spec, [device("pc")], CATALOG)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"threads": 8},
            reason(ReasonCode.THREADS_EXCEED_CORES, {"device": "pc"}, threads=8, device_cores=4),
        ),
        (
            {"cores": parse_cores("7")},
            reason(ReasonCode.CORES_MISSING, {"device": "pc", "cores": "7", "has": "0-3"}),
        ),
        (
            {"cores": parse_cores("0")},
            reason(
                ReasonCode.THREADS_EXCEED_CHOSEN,
                {"device": "pc", "cores": "0"},
                threads=2,
                count=1,
            ),
        ),
        (
            {"onnxruntime": OnnxRuntimeOptions(execution_provider="Fast")},
            reason(
                ReasonCode.PROVIDER_MISSING,
                {
                    "device": "pc",
                    "runtime": "onnxruntime",
                    "provider": "Fast",
                    "has": "CPUExecutionProvider",
                },
            ),
        ),
    ],
)
def test_what_its_device_cannot_do_refuses_it(change: dict[str, object], why: Reason) -> None:
    with pytest.raises(Refused) as refused:
        plan_profile(replace(SPEC, **change), [device("pc")], CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (why,)
