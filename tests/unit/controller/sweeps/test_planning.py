"""A sweep expands to every job that was asked for, or is refused before anything starts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.conversions import ConversionSpec
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.sweeps import SweepSpec
from controller.sweeps.planning import plan_conversion, plan_sweep
from models.catalog.catalog import DEMO_BACKBONES, load_catalog
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import Target, WeightsKind
from protos.device import DeviceProfile
from protos.inputs import MAX_BATCH, square
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo

CATALOG = load_catalog()
BOTH = tuple(RuntimeInfo(runtime=runtime, version="1") for runtime in Runtime)
SPEC = SweepSpec(
    backbones=("MobileNetV1", "EfficientNetB2"),
    devices=(),
    runtimes=tuple(Runtime),
    threads=(1, 2),
    weights=WeightsKind.SYNTHETIC,
    fewest_repetitions=3,
    most_repetitions=3,
    relative_half_width=0.02,
    time_budget_ms=1_000,
)


def device(
    name: str,
    *,
    architecture: str = "x86_64",
    runtimes: tuple[RuntimeInfo, ...] = BOTH,
    connected: bool = True,
    logical_cores: int = 4,
) -> Device:
    return Device(
        device_id=f"id-of-{name}",
        name=name,
        labels={},
        profile=DeviceProfile(
            architecture=architecture, runtimes=runtimes, logical_cores=logical_cores
        ),
        connected=connected,
        enrolled_at_unix_ms=0,
        last_seen_at_unix_ms=0,
    )


@given(
    backbones=st.lists(st.sampled_from(DEMO_BACKBONES), min_size=1, max_size=5),
    runtimes=st.lists(st.sampled_from(Runtime), min_size=1, max_size=3),
    threads=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    device_count=st.integers(1, 3),
)
def test_a_plan_is_the_product_of_what_was_asked_each_once(
    backbones: list[str], runtimes: list[Runtime], threads: list[int], device_count: int
) -> None:
    spec = replace(
        SPEC, backbones=tuple(backbones), runtimes=tuple(runtimes), threads=tuple(threads)
    )
    plan = plan_sweep(spec, [device(str(number)) for number in range(device_count)], CATALOG)
    wanted = len(set(backbones)) * len(set(runtimes)) * len(set(threads)) * device_count
    assert len(set(plan.jobs)) == len(plan.jobs) == wanted
    assert plan.left_out == ()


def test_each_device_gets_the_artifact_of_its_architecture_at_the_evaluation_size() -> None:
    devices = [device("pc"), device("phone", architecture="aarch64")]
    jobs = plan_sweep(replace(SPEC, threads=(1,)), devices, CATALOG).jobs
    targets = {
        (job.device_id, job.settings.runtime, job.variant.target.value, job.settings.takes.shape)
        for job in jobs
        if job.variant.backbone == "EfficientNetB2"
    }
    shape = (1, 3, 260, 260)
    assert targets == {
        ("id-of-pc", Runtime.PADDLELITE, "x86", shape),
        ("id-of-pc", Runtime.ONNXRUNTIME, "any", shape),
        ("id-of-phone", Runtime.PADDLELITE, "arm", shape),
        ("id-of-phone", Runtime.ONNXRUNTIME, "any", shape),
    }


def test_all_devices_means_the_connected_ones_and_what_each_can_do() -> None:
    onnx_only = (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"),)
    devices = [device("pc"), device("board", runtimes=onnx_only), device("off", connected=False)]
    plan = plan_sweep(replace(SPEC, threads=(1,)), devices, CATALOG)
    assert {(job.device_id, job.settings.runtime) for job in plan.jobs} == {
        ("id-of-pc", Runtime.PADDLELITE),
        ("id-of-pc", Runtime.ONNXRUNTIME),
        ("id-of-board", Runtime.ONNXRUNTIME),
    }
    words = {"device": "board", "runtime": "paddlelite", "has": "onnxruntime"}
    assert plan.left_out == (reason(ReasonCode.RUNTIME_MISSING, words),)


@pytest.mark.parametrize(
    ("change", "code", "token"),
    [
        ({"backbones": ("MobileNetV9",)}, ErrorCode.UNKNOWN_NAME, "nearest: MobileNetV"),
        ({"devices": ("pd",)}, ErrorCode.UNKNOWN_NAME, "'pd'; nearest: pc"),
        ({"devices": ("PC",)}, ErrorCode.UNKNOWN_NAME, "'PC'; nearest: pc"),
        ({"threads": ()}, ErrorCode.INVALID_INPUT, "threads"),
        ({"fewest_repetitions": 0}, ErrorCode.INVALID_INPUT, "1 to 20, not 0 to 3"),
        ({"fewest_repetitions": 4}, ErrorCode.INVALID_INPUT, "1 to 20, not 4 to 3"),
        ({"most_repetitions": 21}, ErrorCode.INVALID_INPUT, "1 to 20, not 3 to 21"),
        ({"time_ms": 0}, ErrorCode.INVALID_INPUT, "above 0 and at most 168 h"),
        ({"relative_half_width": 0.0}, ErrorCode.INVALID_INPUT, "above 0 %"),
        ({"time_budget_ms": 1}, ErrorCode.INVALID_INPUT, "100 ms to 600"),
        ({"sustained_minutes": 61}, ErrorCode.INVALID_INPUT, "1 to 60 minutes"),
        ({"paced_fps": 0.5}, ErrorCode.INVALID_INPUT, "1 to 240 times a second, not 0.5"),
        (
            {"paced_fps": 30, "sustained_minutes": 1},
            ErrorCode.INVALID_INPUT,
            "ask for one of both",
        ),
        ({"name": "a,b"}, ErrorCode.INVALID_INPUT, "'a,b'"),
        ({"name": "before:noon"}, ErrorCode.INVALID_INPUT, "colon"),
        ({"name": " x"}, ErrorCode.INVALID_INPUT, "blank"),
        ({"name": "x" * 65}, ErrorCode.INVALID_INPUT, "64"),
        ({"backbones": ()}, ErrorCode.INVALID_INPUT, "one backbone"),
    ],
)
def test_what_cannot_hold_is_refused_with_what_would(
    change: dict[str, object], code: ErrorCode, token: str
) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_sweep(replace(SPEC, **change), [device("pc")], CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"devices": ("bare",), "runtimes": (Runtime.PADDLELITE,)},
            reason(
                ReasonCode.RUNTIME_MISSING,
                {"device": "bare", "runtime": "paddlelite", "has": "no runtime"},
            ),
        ),
        (
            {"devices": ("pc",), "threads": (8,)},
            reason(ReasonCode.THREADS_EXCEED_CORES, {"device": "pc"}, threads=8, device_cores=4),
        ),
        (
            {"devices": ("mips",), "runtimes": (Runtime.PADDLELITE,)},
            reason(
                ReasonCode.ARCHITECTURE_UNKNOWN,
                {
                    "device": "mips",
                    "architecture": "mips64",
                    "known": "x86_64, AMD64, aarch64, arm64, armv7l, armv8l",
                },
            ),
        ),
    ],
)
def test_what_a_named_device_cannot_do_refuses_the_sweep(
    change: dict[str, object], why: Reason
) -> None:
    devices = [device("pc"), device("bare", runtimes=()), device("mips", architecture="mips64")]
    with pytest.raises(Refused) as refused:
        plan_sweep(replace(SPEC, **change), devices, CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (why,)


def test_pace_is_part_of_every_jobs_settings_but_the_sentinels() -> None:
    plan = plan_sweep(replace(SPEC, paced_fps=30, sentinel=True), [device("pc")], CATALOG)
    assert {(job.is_sentinel, job.settings.paced_fps) for job in plan.jobs} == {
        (False, 30),
        (True, 0),
    }


def test_sustained_inference_is_part_of_every_jobs_settings() -> None:
    plan = plan_sweep(replace(SPEC, sustained_minutes=10), [device("pc")], CATALOG)
    assert {job.settings.sustained_minutes for job in plan.jobs} == {10}


def test_a_sweep_without_a_device_says_how_to_get_one() -> None:
    with pytest.raises(EdgerankError, match="start an agent") as refused:
        plan_sweep(SPEC, [device("off", connected=False)], CATALOG)
    assert refused.value.code is ErrorCode.PRECONDITION


ALL_PRECISIONS = MADE_PRECISIONS


def lack(name: str, architecture: str, precision: Precision, has: str) -> Reason:
    """A precision that Paddle Lite does not have on a device."""
    words = {"device": name, "runtime": "paddlelite", "architecture": architecture}
    return reason(ReasonCode.PRECISION_MISSING, words | {"precision": precision.value, "has": has})


def test_each_runtime_takes_the_precisions_that_its_file_has_on_the_device() -> None:
    devices = [device("pc"), device("phone", architecture="aarch64")]
    spec = replace(SPEC, backbones=("MobileNetV1",), threads=(1,), precisions=ALL_PRECISIONS)
    plan = plan_sweep(replace(spec, devices=("pc", "phone")), devices, CATALOG)
    planned: dict[tuple[str, str], list[Precision]] = {}
    for job in plan.jobs:
        key = (job.device_id, job.settings.runtime.value)
        planned.setdefault(key, []).append(job.variant.precision)
    assert planned == {
        ("id-of-pc", "paddlelite"): [Precision.FP32, Precision.INT8_DYNAMIC],
        ("id-of-pc", "onnxruntime"): list(ALL_PRECISIONS),
        ("id-of-phone", "paddlelite"): [Precision.FP32, Precision.FP16, Precision.INT8_DYNAMIC],
        ("id-of-phone", "onnxruntime"): list(ALL_PRECISIONS),
    }
    assert plan.left_out == (
        lack("pc", "x86_64", Precision.FP16, has="fp32, int8-dynamic"),
        lack("pc", "x86_64", Precision.INT8_STATIC, has="fp32, int8-dynamic"),
        lack("phone", "aarch64", Precision.INT8_STATIC, has="fp32, fp16, int8-dynamic"),
    )


@pytest.mark.parametrize("devices", [("pc",), ()], ids=["named", "all"])
def test_a_precision_that_no_runtime_has_is_refused_naming_what_would_do(
    devices: tuple[str, ...],
) -> None:
    spec = replace(
        SPEC, devices=devices, runtimes=(Runtime.PADDLELITE,), precisions=(Precision.INT8_STATIC,)
    )
    with pytest.raises(Refused) as refused:
        plan_sweep(spec, [device("pc")], CATALOG)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (
        lack("pc", "x86_64", Precision.INT8_STATIC, has="fp32, int8-dynamic"),
    )


def test_sizes_and_batches_multiply_and_are_in_the_input_shape() -> None:
    spec = replace(
        SPEC,
        backbones=("MobileNetV1",),
        runtimes=(Runtime.ONNXRUNTIME,),
        threads=(1,),
        input_sizes=(square(192), square(256), square(192)),
        batches=(1, 4),
    )
    plan = plan_sweep(spec, [device("pc")], CATALOG)
    assert [(job.settings.takes.shape, job.variant.batch) for job in plan.jobs] == [
        ((1, 3, 192, 192), 1),
        ((4, 3, 192, 192), 4),
        ((1, 3, 256, 256), 1),
        ((4, 3, 256, 256), 4),
    ]


def test_a_conversion_is_every_format_and_target_once() -> None:
    spec = ConversionSpec(
        backbones=("MobileNetV1", "MobileNetV1"),
        weights=WeightsKind.SYNTHETIC,
        precisions=ALL_PRECISIONS,
    )
    plan = plan_conversion(spec, CATALOG)
    variants = plan.variants
    assert plan.left_out == ()
    assert len(set(variants)) == len(variants) == 9
    fp32_only = replace(spec, precisions=(), input_sizes=(square(64),), batches=(2,))
    assert [
        (v.target.value, v.input_size, v.batch)
        for v in plan_conversion(fp32_only, CATALOG).variants
    ] == [
        ("arm", square(64), 2),
        ("x86", square(64), 2),
        ("any", square(64), 2),
    ]
    besides = replace(spec, precisions=(), accelerators=(Target.OPENCL, Target.NNAPI))
    assert {each.target for each in plan_conversion(besides, CATALOG).variants} == set(Target)


@pytest.mark.parametrize(
    ("changes", "token"),
    [
        ({"batches": (MAX_BATCH + 1,)}, f"1 to {MAX_BATCH} images"),
        ({"backbones": ()}, "one backbone"),
        ({"accelerators": (Target.ARM,)}, "opencl and nnapi"),
    ],
)
def test_what_no_file_can_be_is_refused_for_sweeps_and_conversions_alike(
    changes: dict[str, tuple[object, ...]], token: str
) -> None:
    conversion = ConversionSpec(backbones=("MobileNetV1",), weights=WeightsKind.SYNTHETIC)
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_conversion(replace(conversion, **changes), CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.INVALID_INPUT
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_sweep(replace(SPEC, **changes), [device("pc")], CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_every_job_is_told_the_gate_of_its_sweep() -> None:
    gate = StartGate(max_celsius=45, max_load_by_others=0.5, min_battery_percent=30)
    jobs = plan_sweep(replace(SPEC, gate=gate), [device("pc")], CATALOG).jobs
    assert {job.settings.gate for job in jobs} == {gate}


@pytest.mark.parametrize(
    ("gate", "token"),
    [
        (StartGate(max_celsius=0), "120 °C, not 0 °C"),
        (StartGate(max_celsius=float("nan")), "120 °C, not nan °C"),
        (StartGate(max_celsius=121), "120 °C, not 121 °C"),
        (StartGate(max_load_by_others=-0.5), "256 cores, not -0.5"),
        (StartGate(max_load_by_others=0), "256 cores, not 0"),
        (StartGate(max_load_by_others=float("inf")), "256 cores, not inf"),
        (StartGate(max_load_by_others=float("nan")), "256 cores, not nan"),
        (StartGate(min_battery_percent=0), "1 to 100 %, not 0 %"),
        (StartGate(min_battery_percent=101), "1 to 100 %, not 101 %"),
        (StartGate(deadline_ms=3_600_001), "3600 s, not 3600001 ms"),
        (StartGate(deadline_ms=-1), "3600 s, not -1 ms"),
    ],
)
def test_a_gate_that_no_device_could_pass_or_that_says_nothing_is_refused(
    gate: StartGate, token: str
) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_sweep(replace(SPEC, gate=gate), [device("pc")], CATALOG)
    assert refused.value.code is ErrorCode.INVALID_INPUT
