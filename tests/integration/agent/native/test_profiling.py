"""The native runner tells where the time went, and what ran which node, as Python does."""

import gzip
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from agent.child.inputs import make_inputs
from agent.child.messages import (
    ChildRequest,
    Profiling,
    Sampled,
    Sampling,
    decode_line,
    encode_request,
)
from agent.child.operator_profile import read_operator_times
from agent.child.profiling import MAX_TRACE_BYTES, providers_used
from agent.measuring.measurer import Measurer
from agent.measuring.native.child import NativeChild
from agent.measuring.native.finding import infos_of
from agent.measuring.native.given import write_given
from agent.measuring.native.traces import keep_trace
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes, import_runtime
from protos.fleet import Profiled
from protos.inputs import NetworkInput, square
from protos.measuring import LayerTime, MeasureSettings, OperatorTimes
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.networks import settings

RUNTIME = Runtime.ONNXRUNTIME
TAKES = NetworkInput(size=square(32))
# Nodes inside of a node, and a scalar.
BRANCHING = """
<ir_version: 8, opset_import: ["" : 13]>
branching (float[1,3,32,32] images) => (float[1,3,32,32] given) {
    sum = ReduceSum <keepdims = 0> (images)
    none = Constant <value = float {0.0}> ()
    is_positive = Greater (sum, none)
    chosen = If (is_positive) <
        then_branch = positive () => (float[1,3,32,32] kept) {
            once = Exp (images)
            kept = Exp (once)
        },
        else_branch = negative () => (float[1,3,32,32] turned) { turned = Neg (images) }
    >
    given = Sigmoid (chosen)
}
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("branching") / "network.onnx"
    onnx.save_model(onnx.parser.parse_model(BRANCHING), str(path))
    return path


@pytest.fixture(scope="module")
def measurer(native: NativeChild) -> Measurer:
    return Measurer(runtimes=infos_of({RUNTIME: native}), children={RUNTIME: native})


def wanted(run_count: int) -> MeasureSettings:
    return replace(settings(RUNTIME), takes=TAKES, profile_runs=run_count)


def profiled_by(measurer: Measurer, network: Path, run_count: int) -> Profiled:
    return measurer.profile(network, wanted(run_count), Cancellation())


def told_of(layer: LayerTime) -> LayerTime:
    """What does not differ from one profile to the next."""
    return replace(layer, total_ns=0, median_ns=0)


def test_a_profile_is_that_of_the_python_child(measurer: Measurer, network: Path) -> None:
    ours = profiled_by(measurer, network, 10)
    python = Measurer(runtimes=available_runtimes())
    theirs = profiled_by(python, network, 10)
    assert list(map(told_of, ours.times.layers)) == list(map(told_of, theirs.times.layers))
    assert {each.operator for each in ours.times.layers} >= {"If", "ReduceSum", "Sigmoid"}
    assert ours.affinity == theirs.affinity
    assert "edgerank-runner" in ours.runtime.build


def test_it_reads_its_trace_as_the_python_child_reads_it(measurer: Measurer, network: Path) -> None:
    profiled = profiled_by(measurer, network, 7)
    times: OperatorTimes = profiled.times
    unprofiled = (times.unprofiled_run_median_ns,)
    assert times == read_operator_times(gzip.decompress(profiled.trace_gzip), 7, unprofiled)
    assert times.run_median_ns > 0
    assert times.unprofiled_run_median_ns > 0


def test_which_provider_ran_how_many_nodes(
    native: NativeChild, network: Path, tmp_path: Path
) -> None:
    traces, given = tmp_path / "traces", tmp_path / "given"
    traces.mkdir()
    given.mkdir()
    sampling = Sampling(
        artifact_path=str(network),
        threads=1,
        relative_half_width=0.5,
        time_budget_ms=1_000,
        trace_folder=str(traces),
    )
    request = ChildRequest(
        parent_pid=0,
        memory_limit_bytes=0,
        runtime=RUNTIME,
        takes=TAKES,
        input_seed=1,
        sampling=sampling,
        given=write_given(given, TAKES, 1),
    )
    command = (str(native.runner), "run", str(native.library))
    ended = subprocess.run(command, input=encode_request(request), capture_output=True, check=True)
    assert list(traces.iterdir()) == []
    answer = decode_line(ended.stdout.splitlines(keepends=True)[-1])
    assert isinstance(answer, Sampled)
    python = providers_used(import_runtime(RUNTIME), sampling, make_inputs(TAKES, 1), tmp_path)
    told = [(each.provider, each.node_count) for each in answer.providers]
    assert told == [(each.provider, each.node_count) for each in python]
    assert all(each.total_ns > 0 for each in answer.providers)


def test_a_trace_that_grows_too_long_says_how_many_inferences_fit(
    measurer: Measurer, network: Path
) -> None:
    one = json.loads(gzip.decompress(profiled_by(measurer, network, 1).trace_gzip))
    # A trace of one has six inferences, its warm-up's included.
    too_many = MAX_TRACE_BYTES // (len(json.dumps(one)) // 6) * 2
    with pytest.raises(MeasuringFailed) as caught:
        profiled_by(measurer, network, too_many)
    assert caught.value.failure.code is ReasonCode.RUNTIME_ERROR
    fitting = int(str(caught.value).rpartition(" ")[2])
    assert 1 < fitting < too_many


def test_a_trace_that_is_none_of_the_runners_is_not_kept(tmp_path: Path) -> None:
    profiling = Profiling(artifact_path="", threads=1, run_count=1, folder=str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("[]")
    profiling.uncompressed_path.symlink_to(elsewhere)
    with pytest.raises(MeasuringFailed) as linked:
        keep_trace(profiling)
    assert linked.value.failure.code is ReasonCode.RUNTIME_ERROR
    profiling.uncompressed_path.unlink()
    profiling.uncompressed_path.write_bytes(b" " * (MAX_TRACE_BYTES + 1))
    with pytest.raises(MeasuringFailed) as endless:
        keep_trace(profiling)
    assert endless.value.failure.code is ReasonCode.RUBBISH
    assert not profiling.trace_path.exists()
