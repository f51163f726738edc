"""A sweep expands to every job that was asked for, or is refused before anything starts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import Device, DeviceProfile, Runtime, RuntimeInfo, SweepSpec
from controller.errors import EdgerankError, ErrorCode
from controller.planning import plan_sweep
from models.catalog import DEMO_BACKBONES, load_catalog
from models.variants import WeightsKind

CATALOG = load_catalog()
BOTH = tuple(RuntimeInfo(runtime=runtime, version="1") for runtime in Runtime)
SPEC = SweepSpec(
    backbones=("MobileNetV1", "EfficientNetB2"),
    devices=(),
    runtimes=tuple(Runtime),
    threads=(1, 2),
    weights=WeightsKind.SYNTHETIC,
    repetitions=3,
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
        (job.device_id, job.settings.runtime, job.variant.target.value, job.settings.input_shape)
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
    assert plan.left_out == ("device 'board' has no paddlelite; it has onnxruntime",)


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"backbones": ("MobileNetV9",)}, ErrorCode.UNKNOWN_NAME, "nearest: MobileNetV"),
        ({"devices": ("pd",)}, ErrorCode.UNKNOWN_NAME, "no device is named 'pd'; nearest: pc"),
        (
            {"devices": ("bare",), "runtimes": (Runtime.PADDLELITE,)},
            ErrorCode.PRECONDITION,
            "device 'bare' has no paddlelite; it has no runtime",
        ),
        (
            {"devices": ("pc",), "threads": (8,)},
            ErrorCode.PRECONDITION,
            "device 'pc' has 4 cores; ask for at most as many threads, not 8",
        ),
        ({"threads": ()}, ErrorCode.INVALID_INPUT, "threads must be"),
        ({"repetitions": 0}, ErrorCode.INVALID_INPUT, "repetitions must be 1 to 20"),
        ({"relative_half_width": 0.0}, ErrorCode.INVALID_INPUT, "precision must be above 0 %"),
        ({"time_budget_ms": 1}, ErrorCode.INVALID_INPUT, "time budget must be 100 ms to 600 s"),
        ({"backbones": ()}, ErrorCode.INVALID_INPUT, "at least one backbone"),
        ({"runtimes": ()}, ErrorCode.INVALID_INPUT, "at least one runtime"),
    ],
)
def test_what_cannot_hold_is_refused_with_what_would(
    change: dict[str, object], code: ErrorCode, sentence: str
) -> None:
    devices = [device("pc"), device("bare", runtimes=())]
    with pytest.raises(EdgerankError) as refused:
        plan_sweep(replace(SPEC, **change), devices, CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is code
    assert sentence in str(refused.value)


def test_a_sweep_without_a_device_says_how_to_get_one() -> None:
    with pytest.raises(EdgerankError, match="no device is connected; start an agent"):
        plan_sweep(SPEC, [device("off", connected=False)], CATALOG)


def test_an_architecture_without_a_paddle_lite_target_is_named() -> None:
    spec = replace(SPEC, devices=("mips",), runtimes=(Runtime.PADDLELITE,))
    with pytest.raises(EdgerankError, match="whose architecture is 'mips64'"):
        plan_sweep(spec, [device("mips", architecture="mips64")], CATALOG)
