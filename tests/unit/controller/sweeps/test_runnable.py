"""What a device cannot run is left out by name before anything is made or pushed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.devices import Device
from controller.domain.errors import ErrorCode, Refused
from controller.sweeps.planning import Plan, plan_sweep
from controller.sweeps.possible.known_files import KnownFiles
from controller.sweeps.possible.runnable import why_not
from models.catalog.needs import FileNeeds, operators_of
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, variants_of
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.sweeps.test_planning import BOTH, CATALOG, SPEC, device

PI_4 = ("asimd",)
PI_5 = ("asimd", "asimddp", "asimdhp", "fphp")
HALF = replace(SPEC, backbones=("MobileNetV1",), threads=(1,), precisions=(Precision.FP16,))
LITE = replace(HALF, runtimes=(Runtime.PADDLELITE,))
VARIANTS = variants_of(CATALOG.get("MobileNetV1"), tuple(Precision))


def board(name: str, instruction_sets: tuple[str, ...], architecture: str = "aarch64") -> Device:
    found = device(name, architecture=architecture)
    return replace(found, profile=replace(found.profile, instruction_sets=instruction_sets))


def lack(name: str) -> Reason:
    words = {"device": name, "runtime": "paddlelite", "precision": "fp16"}
    return reason(ReasonCode.HALF_PRECISION_MISSING, words)


def measured(plan: Plan) -> set[tuple[str, Runtime, Precision]]:
    return {(job.device_id, job.settings.runtime, job.variant.precision) for job in plan.jobs}


def test_half_precision_of_paddle_lite_is_left_out_of_cores_that_have_none() -> None:
    boards = [board("pi4", PI_4), board("pi5", PI_5)]
    plan = plan_sweep(HALF, boards, CATALOG)
    # ONNX Runtime computes such a file in single precision there.
    assert measured(plan) == {
        ("id-of-pi4", Runtime.ONNXRUNTIME, Precision.FP16),
        ("id-of-pi5", Runtime.ONNXRUNTIME, Precision.FP16),
        ("id-of-pi5", Runtime.PADDLELITE, Precision.FP16),
    }
    assert plan.left_out == (lack("pi4"),)


def test_it_refuses_where_no_device_that_is_named_has_anything_else_of_it() -> None:
    with pytest.raises(Refused) as refused:
        plan_sweep(replace(LITE, devices=("pi4",)), [board("pi4", PI_4)], CATALOG)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (lack("pi4"),)
    both = replace(LITE, devices=("pi4",), precisions=(Precision.FP32, Precision.FP16))
    plan = plan_sweep(both, [board("pi4", PI_4)], CATALOG)
    assert measured(plan) == {("id-of-pi4", Runtime.PADDLELITE, Precision.FP32)}
    assert plan.left_out == (lack("pi4"),)


@given(flags=st.sets(st.sampled_from(("asimd", "asimddp", "asimdhp", "fphp", "neon"))))
def test_only_a_device_that_tells_of_its_instructions_is_known_to_lack_one(flags: set[str]) -> None:
    told = board("board", tuple(sorted(flags)))
    is_known_to_lack = bool(flags) and "asimdhp" not in flags
    for variant in VARIANTS:
        is_of_half = variant.format is Format.PADDLELITE and variant.precision is Precision.FP16
        expected = (lack("board"),) if is_of_half and is_known_to_lack else ()
        assert why_not(told, variant, FileNeeds()) == expected


def test_all_that_is_in_the_way_comes_from_one_question() -> None:
    (onnx,) = (v for v in VARIANTS if v.format is Format.ONNX and v.precision is Precision.FP32)
    (arm,) = (v for v in VARIANTS if is_arm_half(v))
    old = board("old", PI_4)
    info = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.7.0")
    old = replace(old, profile=replace(old.profile, runtimes=(info, BOTH[0])))
    assert [each.code for each in why_not(old, onnx, FileNeeds())] == [ReasonCode.FILE_TOO_NEW]
    assert why_not(old, arm, FileNeeds()) == (lack("old"),)


def is_arm_half(variant: Variant) -> bool:
    return variant.format is Format.PADDLELITE and variant.precision is Precision.FP16


def lite(extra_kernels: bool | None) -> Device:
    info = RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13", extra_kernels=extra_kernels)
    found = board("board", PI_5)
    return replace(found, profile=replace(found.profile, runtimes=(info,)))


def test_a_paddle_lite_without_extra_kernels_is_given_no_file_that_needs_them() -> None:
    operators = ("conv2d", "hard_swish", "matmul_v2", "softmax")
    needs = FileNeeds(operators=operators)
    missing = reason(
        ReasonCode.EXTRA_KERNELS_MISSING,
        {
            "device": "board",
            "backbone": "MobileNetV1",
            "version": "2.13",
            "operators": "hard_swish, matmul_v2",
        },
    )
    is_arm = {v: v.format is Format.PADDLELITE and v.target is Target.ARM for v in VARIANTS}
    assert {True, False} == set(is_arm.values())
    for variant in VARIANTS:
        expected = (missing,) if is_arm[variant] else ()
        assert why_not(lite(extra_kernels=False), variant, needs) == expected
        for told in (True, None):
            assert why_not(lite(told), variant, needs) == ()
        basic = FileNeeds(operators=("conv2d", "sigmoid", "relu", "softmax"))
        assert why_not(lite(extra_kernels=False), variant, basic) == ()


def test_a_sweep_leaves_such_a_file_out_once_one_was_made() -> None:
    arm = next(v for v in VARIANTS if v.target is Target.ARM and v.precision is Precision.FP32)
    spec = replace(LITE, precisions=())
    known = KnownFiles(made={arm: FileNeeds(operators=("hard_swish",))})
    boards = [board("whole", PI_5), replace(lite(extra_kernels=False), device_id="id-of-bare")]
    plan = plan_sweep(spec, boards, CATALOG, known)
    assert {job.device_id for job in plan.jobs if job.variant == arm} == {"id-of-whole"}
    assert [each.code for each in plan.left_out] == [ReasonCode.EXTRA_KERNELS_MISSING]


def test_operators_of_a_file_are_those_that_its_kernels_compute() -> None:
    content = (
        b"\x02\x00v2.13\0conv2d/def/4/1/1\0op_device\0conv2d/def/4/1/1hard_swish/def/4/1/1\xff"
    )
    assert operators_of(content) == ("conv2d", "hard_swish")
    assert operators_of(b"\x02\x00nothing/of/it") == ()


def test_files_for_accelerators_are_made_where_they_are_asked_for_and_devices_have_them() -> None:
    assert not any(variant.target.is_accelerator for variant in VARIANTS)
    spec = replace(LITE, precisions=(), accelerators=(Target.OPENCL, Target.NNAPI))
    phone = board("phone", PI_5)
    phone = replace(phone, profile=replace(phone.profile, accelerators=("opencl",)))
    pc = board("pc", (), architecture="x86_64")
    # Its own library drives no file for ARM.
    pc = replace(pc, profile=replace(pc.profile, accelerators=("opencl",)))
    boards = [phone, board("board", PI_5), pc]
    plan = plan_sweep(spec, boards, CATALOG)
    assert {(job.device_id, job.variant.target) for job in plan.jobs} == {
        ("id-of-phone", Target.ARM),
        ("id-of-phone", Target.OPENCL),
        ("id-of-board", Target.ARM),
        ("id-of-pc", Target.X86),
    }
    lacks = {(each.words["device"], each.words["accelerator"]) for each in plan.left_out}
    assert lacks == {
        ("phone", "nnapi"),
        *((device, each) for device in ("board", "pc") for each in ("opencl", "nnapi")),
    }
