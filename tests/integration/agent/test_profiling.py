"""ONNX Runtime profiles a real artifact in a real child; what cannot be profiled has a reason."""

import gzip
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from agent.artifacts.files import OpenArtifact
from agent.child.inputs import make_inputs
from agent.child.messages import Sampling
from agent.child.profiling import MAX_TRACE_BYTES, providers_used
from agent.measuring.gate_watch import GateWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes, import_runtime
from protos.fleet import Failure
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings, StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime
from tests.integration.agent.details import detail_of
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
    return replace(settings(runtime), takes=NetworkInput(size=square(64)), profile_runs=run_count)


def measurer(*command: str) -> Measurer:
    runtimes = available_runtimes()
    return Measurer(runtimes=runtimes, command=command) if command else Measurer(runtimes=runtimes)


def failure_of(who: Measurer, artifact: Path, asked: MeasureSettings) -> Failure:
    with pytest.raises(MeasuringFailed) as caught:
        who.profile(artifact, asked, Cancellation())
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


def test_what_the_digest_was_taken_of_is_what_is_profiled(network: Path) -> None:
    with OpenArtifact(network.open("rb", buffering=0)) as opened:
        network.unlink()
        profiled = measurer().profile(opened.path, wanted(3), Cancellation())
    assert profiled.times.run_count == 3


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
    assert "cores 4000 " in detail_of(failure_of(measurer(), network, elsewhere))
    options = OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")
    refused = failure_of(measurer(), network, replace(wanted(1), onnxruntime=options))
    assert refused.code is ReasonCode.RUNTIME_ERROR
    assert "not take XnnpackExecutionProvider" in detail_of(refused)


def test_a_profile_waits_at_the_gate_that_a_repetition_waits_at(
    network: Path, tmp_path: Path
) -> None:
    board = plant(tmp_path / "board", RASPBERRY_PI)
    hot = tmp_path / "board" / "sys/class/thermal/thermal_zone0/temp"
    watch = GateWatch(roots=board)
    watch.look()
    hot.write_text("72000\n")
    heard: list[Reason | None] = []

    def cool_down(what: Reason | None) -> None:
        heard.append(what)
        hot.write_text("50000\n")

    cooling = replace(wanted(1), gate=StartGate(max_celsius=45, deadline_ms=3_600_000))
    waits = Measurer(runtimes=available_runtimes(), gate_watch=watch)
    waits.profile(network, cooling, Cancellation(), cool_down)
    warm, started = heard
    assert warm is not None
    assert warm.code is ReasonCode.PROCESSOR_ABOVE_REST
    assert warm.figures["celsius"] == 72
    assert started is None
    hot.write_text("72000\n")
    at_once = replace(wanted(1), gate=StartGate(max_celsius=45, is_strict=True))
    assert failure_of(waits, network, at_once).reasons == (
        reason(ReasonCode.NOT_READY, deadline_ms=0),
        warm,
    )


def test_paddle_lite_is_refused_with_what_would_do(artifacts: Artifacts) -> None:
    asked = replace(settings(Runtime.PADDLELITE), profile_runs=3)
    failure = failure_of(measurer(), artifacts.path("tiny", Runtime.PADDLELITE), asked)
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert detail_of(failure).endswith("profile with onnxruntime")


def test_a_trace_that_grows_too_long_says_how_many_inferences_fit(
    network: Path, temporary: Path
) -> None:
    one = gzip.decompress(measurer().profile(network, wanted(1), Cancellation()).trace_gzip)
    # A trace of one has six inferences, its warm-up's included.
    too_many = MAX_TRACE_BYTES // (len(one) // 6) * 2
    failure = failure_of(measurer(), network, wanted(too_many))
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert " 16 MiB;" in detail_of(failure)
    fitting = int(detail_of(failure).rpartition(" ")[2])
    assert 1 < fitting < too_many
    measurer().profile(network, wanted(fitting), Cancellation())
    assert list(temporary.iterdir()) == []


def test_an_artifact_of_other_bytes(tmp_path: Path) -> None:
    artifact = tmp_path / "artifact"
    artifact.write_bytes(b"no network at all" * 100)
    failure = failure_of(measurer(), artifact, wanted(1))
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert detail_of(failure).startswith("ONNX Runtime refused")


DIES = """
import os, signal
from agent.child import __main__ as child, profiling
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
profiling.read_operator_times = die
child.main()
"""
CUTS_OFF = """
from agent.child import __main__ as child, profiling
read = profiling._read
profiling._read = lambda *told: read(*told)[:-100]
child.main()
"""


LEAVES_NONE = """
from pathlib import Path
from agent.child import __main__ as child
Path.write_bytes = lambda *_: 0
child.main()
"""


def test_a_child_that_is_killed_leaves_nothing_behind(network: Path, temporary: Path) -> None:
    failure = failure_of(measurer(sys.executable, "-c", DIES), network, wanted(1))
    assert failure.code is ReasonCode.CRASHED
    assert " SIGKILL while reporting," in detail_of(failure)
    assert list(temporary.iterdir()) == []


def test_a_trace_that_is_cut_off_is_no_profile(network: Path) -> None:
    failure = failure_of(measurer(sys.executable, "-c", CUTS_OFF), network, wanted(1))
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert detail_of(failure).startswith("the profiler's trace")


def test_an_answer_without_a_trace_is_no_profile(network: Path) -> None:
    failure = failure_of(measurer(sys.executable, "-c", LEAVES_NONE), network, wanted(1))
    assert failure.code is ReasonCode.RUBBISH


def test_a_cancelled_profile_starts_no_child(network: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(MeasuringFailed) as caught:
        measurer().profile(network, wanted(1), cancellation)
    assert caught.value.failure.code is ReasonCode.ATTEMPT_CANCELLED


@pytest.mark.parametrize(
    ("runtime", "providers"),
    [(Runtime.ONNXRUNTIME, ["CPUExecutionProvider"]), (Runtime.PADDLELITE, [])],
    ids=lambda each: getattr(each, "value", ""),
)
def test_which_provider_ran_how_many_nodes_is_known_where_a_runtime_tells(
    network: Path, tmp_path: Path, runtime: Runtime, providers: list[str]
) -> None:
    sampling = Sampling(
        artifact_path=str(network), threads=1, relative_half_width=0.5, time_budget_ms=1_000
    )
    inputs = make_inputs(NetworkInput(size=square(64)), 1)
    used = providers_used(import_runtime(runtime), sampling, inputs, tmp_path)
    assert [each.provider for each in used] == providers
    assert all(each.node_count > 0 and each.total_ns > 0 for each in used)
