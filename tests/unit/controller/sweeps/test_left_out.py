"""What some devices cannot do is left out and told; what none of them can do is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.devices import Device
from controller.domain.errors import ErrorCode, Refused
from controller.domain.sweeps import SweepSpec
from controller.sweeps.planning import Plan, plan_sweep
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import OnnxRuntimeOptions, Runtime, RuntimeInfo
from tests.unit.controller.sweeps.test_planning import BOTH, CATALOG, SPEC, device

LITE, ONNX = (RuntimeInfo(runtime=runtime, version="1") for runtime in Runtime)
ONE = replace(SPEC, backbones=("MobileNetV1",), threads=(1,))
THOSE_THERE = replace(ONE, runtimes=())
LAST_WORDS = "the child died by SIGILL while importing, saying nothing"
BROKEN = replace(LITE, last_words=LAST_WORDS)


def measured(plan: Plan) -> set[tuple[str, Runtime, int]]:
    return {
        (job.device_id.removeprefix("id-of-"), job.settings.runtime, job.settings.threads)
        for job in plan.jobs
    }


def without(name: str, runtime: Runtime, has: str) -> Reason:
    words = {"device": name, "runtime": runtime.value, "has": has}
    return reason(ReasonCode.RUNTIME_MISSING, words)


def broken(name: str) -> Reason:
    words = {"device": name, "runtime": "paddlelite", "version": "1", "detail": LAST_WORDS}
    return reason(ReasonCode.RUNTIME_BROKEN, words)


def refused(spec: SweepSpec, *devices: Device) -> tuple[Reason, ...]:
    with pytest.raises(Refused) as caught:
        plan_sweep(spec, devices, CATALOG)
    assert caught.value.code is ErrorCode.PRECONDITION
    return caught.value.reasons


@pytest.mark.parametrize("named", [(), ("board",), ("pc", "board")])
def test_without_runtimes_each_device_measures_with_those_that_it_has(
    named: tuple[str, ...],
) -> None:
    devices = [device("pc"), device("board", runtimes=(ONNX,))]
    plan = plan_sweep(replace(THOSE_THERE, devices=named), devices, CATALOG)
    of_board = {("board", Runtime.ONNXRUNTIME, 1)}
    of_pc = {("pc", runtime, 1) for runtime in Runtime}
    assert measured(plan) == (of_board if named == ("board",) else of_board | of_pc)
    assert plan.left_out == (without("board", Runtime.PADDLELITE, "onnxruntime"),)


def test_a_runtime_by_name_is_left_out_where_one_device_lacks_it() -> None:
    devices = [device("pc"), device("board", runtimes=(ONNX,))]
    plan = plan_sweep(replace(ONE, devices=("pc", "board")), devices, CATALOG)
    assert measured(plan) == {
        ("pc", Runtime.PADDLELITE, 1),
        ("pc", Runtime.ONNXRUNTIME, 1),
        ("board", Runtime.ONNXRUNTIME, 1),
    }
    assert plan.left_out == (without("board", Runtime.PADDLELITE, "onnxruntime"),)


@pytest.mark.parametrize("named", [(), ("board", "phone")])
def test_a_runtime_by_name_that_no_device_has_is_refused(named: tuple[str, ...]) -> None:
    devices = (device("board", runtimes=(ONNX,)), device("phone", runtimes=(ONNX,)))
    assert refused(replace(ONE, devices=named), *devices) == (
        without("board", Runtime.PADDLELITE, "onnxruntime"),
        without("phone", Runtime.PADDLELITE, "onnxruntime"),
    )


def test_a_device_without_any_runtime_has_nothing_to_measure_with() -> None:
    bare = device("bare", runtimes=())
    assert refused(replace(THOSE_THERE, devices=("bare",)), bare)[0].words["has"] == "no runtime"


def test_a_runtime_that_crashes_gets_no_jobs_and_its_last_words_are_told() -> None:
    devices = [device("pc", runtimes=(BROKEN, ONNX))]
    plan = plan_sweep(THOSE_THERE, devices, CATALOG)
    assert measured(plan) == {("pc", Runtime.ONNXRUNTIME, 1)}
    assert plan.left_out == (broken("pc"),)
    assert refused(replace(ONE, runtimes=(Runtime.PADDLELITE,)), *devices) == (broken("pc"),)


def test_threads_that_only_one_of_the_named_devices_has_are_measured_there() -> None:
    devices = [device("pc", logical_cores=8), device("board", logical_cores=4)]
    spec = replace(ONE, threads=(8,), devices=("pc", "board"))
    plan = plan_sweep(spec, devices, CATALOG)
    assert measured(plan) == {("pc", runtime, 8) for runtime in Runtime}
    assert [each.code for each in plan.left_out] == [ReasonCode.THREADS_EXCEED_CORES]
    assert {each.words["device"] for each in refused(replace(spec, threads=(1, 16)), *devices)} == {
        "pc",
        "board",
    }


def test_an_execution_provider_that_no_named_device_has_is_refused_beside_other_runtimes() -> None:
    xnnpack = OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")
    spec = replace(THOSE_THERE, devices=("pc",), onnxruntime=xnnpack)
    (why,) = refused(spec, device("pc"))
    assert why.code is ReasonCode.PROVIDER_MISSING


@given(
    has=st.lists(st.sets(st.sampled_from(BOTH)), min_size=1, max_size=4),
    wanted=st.sets(st.sampled_from(Runtime)),
)
def test_what_can_be_measured_is_and_the_rest_is_told(
    has: list[set[RuntimeInfo]], wanted: set[Runtime]
) -> None:
    devices = [
        device(str(number), runtimes=tuple(info for info in BOTH if info in its))
        for number, its in enumerate(has)
    ]
    there = {info.runtime for its in has for info in its}
    asked = tuple(runtime for runtime in Runtime if runtime in wanted)
    spec = replace(ONE, runtimes=asked, devices=tuple(each.name for each in devices))
    if not there or not wanted <= there:
        assert refused(spec, *devices)
        return
    plan = plan_sweep(spec, devices, CATALOG)
    runtimes = wanted or set(Runtime)
    pairs = {
        (each.name, info.runtime, 1)
        for each in devices
        for info in each.profile.runtimes
        if info.runtime in runtimes
    }
    assert measured(plan) == pairs
    assert len(plan.left_out) == len(devices) * len(runtimes) - len(pairs)
