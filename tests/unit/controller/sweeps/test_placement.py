"""Cores, threads and execution providers that a device lacks are refused before anything starts."""

from dataclasses import replace

import pytest

from controller.domain.cores import CoreChoice, Cores, parse_cores
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.domain.sweeps import SweepSpec
from controller.sweeps.planning import plan_sweep
from protos.device import CoreCluster
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime, RuntimeInfo
from tests.unit.controller.sweeps.test_planning import BOTH, CATALOG, SPEC, device

ONE = replace(SPEC, backbones=("MobileNetV1",), threads=(1,))
XNNPACK = OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")
PC, PHONE = {"device": "pc"}, {"device": "phone"}
WITHOUT_XNNPACK = reason(
    ReasonCode.PROVIDER_MISSING,
    PC
    | {
        "runtime": "onnxruntime",
        "provider": XNNPACK.execution_provider,
        "has": "CPUExecutionProvider",
    },
)


def phone(name: str = "phone", runtimes: tuple[RuntimeInfo, ...] = BOTH) -> Device:
    """Four little cores, three middle ones, one big one."""
    made = device(name, architecture="aarch64", logical_cores=8, runtimes=runtimes)
    clusters = (
        CoreCluster(cpus=(7,), capacity=1024),
        CoreCluster(cpus=(4, 5, 6), capacity=762),
        CoreCluster(cpus=(0, 1, 2, 3), capacity=225),
    )
    return replace(made, profile=replace(made.profile, clusters=clusters))


def listed(*cpus: int) -> Cores:
    return Cores(choice=CoreChoice.LISTED, cpus=cpus)


def alike(name: str = "pc") -> Device:
    made = device(name)
    clusters = (CoreCluster(cpus=(0, 1, 2, 3), max_frequency_khz=3_000_000),)
    return replace(made, profile=replace(made.profile, clusters=clusters))


def planned_cores(spec: SweepSpec, *devices: Device) -> dict[str, tuple[int, ...]]:
    return {job.device_id: job.settings.cores for job in plan_sweep(spec, devices, CATALOG).jobs}


@pytest.mark.parametrize(
    ("cores", "numbers"),
    [
        ("big", (7,)),
        ("little", (0, 1, 2, 3)),
        ("all", ()),
        ("", ()),
        ("0,4-6", (0, 4, 5, 6)),
        ("0-7", (0, 1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_cores_become_the_numbers_that_they_have_on_the_device(
    cores: str, numbers: tuple[int, ...]
) -> None:
    assert planned_cores(replace(ONE, cores=parse_cores(cores)), phone()) == {
        "id-of-phone": numbers
    }


def test_each_device_has_its_own_big_cores() -> None:
    other = phone("other")
    swapped = replace(other.profile, clusters=other.profile.clusters[::-1])
    devices = (phone(), replace(other, profile=swapped))
    assert planned_cores(replace(ONE, cores=parse_cores("big")), *devices) == {
        "id-of-phone": (7,),
        "id-of-other": (0, 1, 2, 3),
    }


def test_a_device_that_tells_nothing_of_its_cores_is_taken_at_its_word() -> None:
    unknown = device("pc", logical_cores=0)
    assert planned_cores(replace(ONE, cores=parse_cores("9")), unknown) == {"id-of-pc": (9,)}


@pytest.mark.parametrize(
    ("asked", "change", "why"),
    [
        (
            alike(),
            {"cores": parse_cores("big")},
            reason(ReasonCode.CORES_ALIKE, PC | {"choice": "big", "has": "0-3"}),
        ),
        (
            device("pc"),
            {"cores": parse_cores("little")},
            reason(ReasonCode.CORE_CLASSES_UNKNOWN, PC | {"choice": "little", "has": "0-3"}),
        ),
        (
            device("pc", logical_cores=0),
            {"cores": parse_cores("little")},
            reason(ReasonCode.CORE_CLASSES_UNKNOWN, PC | {"choice": "little", "has": ""}),
        ),
        (
            device("pc"),
            {"cores": parse_cores("2-5")},
            reason(ReasonCode.CORES_MISSING, PC | {"cores": "4-5", "has": "0-3"}),
        ),
        (
            phone(),
            {"cores": parse_cores("little"), "threads": (8,)},
            reason(ReasonCode.THREADS_EXCEED_CHOSEN, PHONE | {"cores": "0-3"}, threads=8, count=4),
        ),
        (
            phone(),
            {"threads": (9,)},
            reason(ReasonCode.THREADS_EXCEED_CORES, PHONE, threads=9, device_cores=8),
        ),
        (
            device("pc"),
            {"onnxruntime": XNNPACK},
            WITHOUT_XNNPACK,
        ),
        (
            device("board", architecture="riscv64"),
            {"flush_denormals": True, "runtimes": (Runtime.ONNXRUNTIME,)},
            reason(
                ReasonCode.FLUSHING_UNKNOWN,
                {
                    "device": "board",
                    "architecture": "riscv64",
                    "known": "x86_64, AMD64, aarch64, arm64, armv7l, armv8l",
                },
            ),
        ),
    ],
)
def test_what_a_device_lacks_refuses_a_sweep_that_names_it(
    asked: Device, change: dict[str, object], why: Reason
) -> None:
    spec = replace(ONE, devices=(asked.name,), **change)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        plan_sweep(spec, [asked], CATALOG)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (why,)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"cores": parse_cores("3")},
            reason(ReasonCode.CORES_MISSING, PHONE | {"cores": "3", "has": "0-1"}),
        ),
        (
            {"cores": parse_cores("big")},
            reason(
                ReasonCode.CORES_NOT_ALLOWED, PHONE | {"choice": "big", "cores": "7", "has": "0-1"}
            ),
        ),
        (
            {"threads": (4,)},
            reason(ReasonCode.THREADS_EXCEED_ALLOWED, PHONE, threads=4, count=2, device_cores=8),
        ),
    ],
)
def test_cores_that_its_agent_may_not_use_are_none(change: dict[str, object], why: Reason) -> None:
    whole = phone()
    limited = replace(whole, profile=replace(whole.profile, usable_cpus=(0, 1)))
    spec = replace(ONE, devices=("phone",), **change)  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        plan_sweep(spec, [limited], CATALOG)
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == (why,)


@pytest.mark.parametrize(
    ("quota", "threads", "is_refused"),
    [(1.5, 1, False), (1.5, 2, True), (2.0, 2, False), (0.5, 1, False), (None, 4, False)],
)
def test_threads_beyond_a_quota_are_refused(
    quota: float | None, threads: int, is_refused: bool
) -> None:
    whole = phone()
    limited = replace(whole, profile=replace(whole.profile, cpu_quota_cores=quota))
    spec = replace(ONE, devices=("phone",), threads=(threads,))
    if not is_refused:
        assert plan_sweep(spec, [limited], CATALOG).jobs
        return
    assert quota is not None
    with pytest.raises(Refused) as refused:
        plan_sweep(spec, [limited], CATALOG)
    why = reason(ReasonCode.THREADS_EXCEED_QUOTA, PHONE, threads=threads, quota_cores=quota)
    assert refused.value.reasons == (why,)


def test_of_a_class_of_cores_those_are_taken_that_the_agent_may_use() -> None:
    whole = phone()
    limited = replace(whole, profile=replace(whole.profile, usable_cpus=(1, 2, 7)))
    assert planned_cores(replace(ONE, cores=parse_cores("little")), limited) == {
        "id-of-phone": (1, 2)
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"cores": parse_cores("big")},
            reason(ReasonCode.CORES_ALIKE, PC | {"choice": "big", "has": "0-3"}),
        ),
        (
            {"cores": parse_cores("7")},
            reason(ReasonCode.CORES_MISSING, PC | {"cores": "7", "has": "0-3"}),
        ),
        ({"onnxruntime": XNNPACK}, WITHOUT_XNNPACK),
    ],
)
def test_of_all_devices_the_one_that_lacks_it_is_left_out(
    change: dict[str, object], why: Reason
) -> None:
    able = phone("able", (with_providers("XnnpackExecutionProvider", "CPUExecutionProvider"),))
    spec = replace(ONE, runtimes=(Runtime.ONNXRUNTIME,), **change)  # type: ignore[arg-type]
    plan = plan_sweep(spec, [alike(), able], CATALOG)
    assert {job.device_id for job in plan.jobs} == {"id-of-able"}
    assert plan.left_out == (why,)


def with_providers(*names: str) -> RuntimeInfo:
    return RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1", execution_providers=names)


def test_options_of_onnx_runtime_reach_its_jobs_only() -> None:
    options = OnnxRuntimeOptions(
        graph_optimization=GraphOptimization.BASIC, spinning=False, arena=False
    )
    spec = replace(ONE, onnxruntime=options, flush_denormals=True)
    jobs = plan_sweep(spec, [device("pc")], CATALOG).jobs
    assert {(job.settings.runtime, job.settings.onnxruntime) for job in jobs} == {
        (Runtime.ONNXRUNTIME, options),
        (Runtime.PADDLELITE, None),
    }
    assert all(job.settings.flush_denormals for job in jobs)


def test_what_onnx_runtime_was_told_is_stored_also_when_it_is_as_usual() -> None:
    (job,) = plan_sweep(replace(ONE, runtimes=(Runtime.ONNXRUNTIME,)), [device("pc")], CATALOG).jobs
    assert job.settings.onnxruntime == OnnxRuntimeOptions()


@pytest.mark.parametrize(
    ("change", "token"),
    [
        ({"cores": listed()}, "below 8192, ascending"),
        ({"cores": listed(2, 1)}, "below 8192, ascending"),
        ({"cores": listed(1, 1)}, "below 8192, ascending"),
        ({"cores": listed(8_192)}, "below 8192, ascending"),
        ({"cores": Cores(choice=CoreChoice.BIG, cpus=(1,))}, "no other choice"),
        (
            {"runtimes": (Runtime.PADDLELITE,), "onnxruntime": OnnxRuntimeOptions(arena=False)},
            "settings of onnxruntime",
        ),
    ],
)
def test_what_makes_no_sense_on_any_device_is_refused(
    change: dict[str, object], token: str
) -> None:
    with pytest.raises(EdgerankError, match=token) as refused:
        plan_sweep(replace(ONE, **change), [device("pc")], CATALOG)  # type: ignore[arg-type]
    assert refused.value.code is ErrorCode.INVALID_INPUT
