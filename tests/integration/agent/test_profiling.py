"""ONNX Runtime profiles a real artifact in a real child; what cannot be profiled has a reason."""

import gzip
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from agent.child.profiling import MAX_TRACE_BYTES
from agent.measuring.gate_watch import GateWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes
from protos.fleet import Failure
from protos.measuring import MeasureSettings, StartGate
from protos.reasons import ReasonCode
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.integration.agent.networks import Artifacts, settings
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx
from tests.unit.agent.trees import RASPBERRY_PI, plant


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "network.onnx")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def wanted(run_count: int, runtime: Runtime = Runtime.ONNXRUNTIME) -> MeasureSettings:
    return replace(settings(runtime), input_shape=FIXED_SHAPE, profile_runs=run_count)


def measurer(*command: str) -> Measurer:
    runtimes = available_runtimes()
    return Measurer(runtimes=runtimes, command=command) if command else Measurer(runtimes=runtimes)


def failure_of(who: Measurer, artifact: Path, asked: MeasureSettings) -> Failure:
    with pytest.raises(MeasuringFailed) as caught:
        who.profile(artifact, asked, Cancellation())
    assert "\n" not in caught.value.failure.detail
    return caught.value.failure


def test_a_network_is_profiled_with_its_context(network: Path, temporary: Path) -> None:
    profiled = measurer().profile(network, wanted(10), Cancellation())
    assert profiled.runtime.runtime is Runtime.ONNXRUNTIME
    assert profiled.runtime.version
    assert profiled.runtime.build
    assert set(profiled.affinity) == os.sched_getaffinity(0)
    times = profiled.times
    assert times.run_count == 10
    assert 0 < times.run_median_ns <= times.total_ns
    assert times.unprofiled_run_median_ns > 0
    operators = {layer.operator for layer in times.layers}
    assert {"Conv", "GlobalAveragePool", "MatMul"} <= operators
    assert {layer.call_count for layer in times.layers} == {10}
    assert times.layers[-1].output_shapes == ("1x10",)
    assert all(layer.execution_provider == "CPUExecutionProvider" for layer in times.layers)
    assert sum(layer.total_ns for layer in times.layers) <= times.total_ns
    assert list(temporary.iterdir()) == []


def test_its_trace_is_what_perfetto_opens(network: Path) -> None:
    profiled = measurer().profile(network, wanted(3), Cancellation())
    events = json.loads(gzip.decompress(profiled.trace_gzip))
    assert sum(event["name"] == "model_run" for event in events) >= 3
    for event in events:
        assert event["ph"] == "X"
        assert isinstance(event["name"], str)
        assert all(isinstance(event[key], int) for key in ("ts", "dur", "pid", "tid"))


def test_a_profile_is_of_the_cores_and_options_that_a_figure_would_be_of(network: Path) -> None:
    core = min(os.sched_getaffinity(0))
    asked = replace(wanted(2), threads=1, cores=(core,), flush_denormals=True)
    optimised = measurer().profile(network, asked, Cancellation())
    assert optimised.affinity == (core,)
    options = OnnxRuntimeOptions(graph_optimization=GraphOptimization.DISABLED)
    plain = measurer().profile(network, replace(asked, onnxruntime=options), Cancellation())
    # Optimised, the activation is part of the convolution before it.
    assert "Relu" in {layer.operator for layer in plain.times.layers}
    assert "Relu" not in {layer.operator for layer in optimised.times.layers}


def test_cores_and_providers_that_the_device_lacks_are_refused(network: Path) -> None:
    elsewhere = replace(wanted(1), cores=(4_000,))
    assert failure_of(measurer(), network, elsewhere).detail.startswith("the cores 4000 were asked")
    options = OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")
    refused = failure_of(measurer(), network, replace(wanted(1), onnxruntime=options))
    assert refused.detail.startswith("ONNX Runtime did not take XnnpackExecutionProvider")


def test_a_profile_waits_at_the_gate_that_a_repetition_waits_at(
    network: Path, tmp_path: Path
) -> None:
    board = plant(tmp_path / "board", RASPBERRY_PI)
    hot = tmp_path / "board" / "sys/class/thermal/thermal_zone0/temp"
    watch = GateWatch(roots=board)
    watch.look()
    hot.write_text("72000\n")
    heard: list[str] = []

    def cool_down(what: str) -> None:
        heard.append(what)
        hot.write_text("50000\n")

    cooling = replace(wanted(1), gate=StartGate(max_celsius=45, deadline_ms=3_600_000))
    waits = Measurer(runtimes=available_runtimes(), gate_watch=watch)
    waits.profile(network, cooling, Cancellation(), cool_down)
    assert heard == ["the processor is at 72.0 °C, starts below 51.7 °C, as at rest", ""]
    hot.write_text("72000\n")
    at_once = replace(wanted(1), gate=StartGate(max_celsius=45))
    assert failure_of(waits, network, at_once).reason is ReasonCode.NOT_READY


def test_paddle_lite_is_refused_with_what_would_do(artifacts: Artifacts) -> None:
    asked = replace(settings(Runtime.PADDLELITE), profile_runs=3)
    failure = failure_of(measurer(), artifacts.path("tiny", Runtime.PADDLELITE), asked)
    assert failure.reason is ReasonCode.RUNTIME_ERROR
    assert failure.detail.endswith("profile with onnxruntime")


def test_a_trace_that_grows_too_long_says_how_many_inferences_fit(
    network: Path, temporary: Path
) -> None:
    one = gzip.decompress(measurer().profile(network, wanted(1), Cancellation()).trace_gzip)
    # A trace of one has six inferences, its warm-up's included.
    too_many = MAX_TRACE_BYTES // (len(one) // 6) * 2
    failure = failure_of(measurer(), network, wanted(too_many))
    assert failure.reason is ReasonCode.RUNTIME_ERROR
    assert "is longer than 16 MiB; profile at most " in failure.detail
    fitting = int(failure.detail.rpartition(" ")[2])
    assert 1 < fitting < too_many
    measurer().profile(network, wanted(fitting), Cancellation())
    assert list(temporary.iterdir()) == []


def test_an_artifact_of_other_bytes(tmp_path: Path) -> None:
    artifact = tmp_path / "artifact"
    artifact.write_bytes(b"no network at all" * 100)
    failure = failure_of(measurer(), artifact, wanted(1))
    assert failure.reason is ReasonCode.RUNTIME_ERROR
    assert failure.detail.startswith("ONNX Runtime refused")


DIES = """
import os, signal
import agent.child, agent.child.profiling
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
agent.child.profiling.read_operator_times = die
agent.child.main()
"""
CUTS_OFF = """
import agent.child, agent.child.profiling
read = agent.child.profiling._read
agent.child.profiling._read = lambda *told: read(*told)[:-100]
agent.child.main()
"""


def test_a_child_that_is_killed_leaves_nothing_behind(network: Path, temporary: Path) -> None:
    failure = failure_of(measurer(sys.executable, "-c", DIES), network, wanted(1))
    assert failure.reason is ReasonCode.CRASHED
    assert failure.detail.startswith("the child died by SIGKILL while reporting")
    assert list(temporary.iterdir()) == []


def test_a_trace_that_is_cut_off_is_no_profile(network: Path) -> None:
    failure = failure_of(measurer(sys.executable, "-c", CUTS_OFF), network, wanted(1))
    assert failure.reason is ReasonCode.RUNTIME_ERROR
    assert failure.detail.startswith("the profiler's trace makes no sense")


def test_a_cancelled_profile_starts_no_child(network: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(MeasuringFailed) as caught:
        measurer().profile(network, wanted(1), cancellation)
    assert caught.value.failure.reason is ReasonCode.ATTEMPT_CANCELLED
