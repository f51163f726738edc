"""What a job is told besides the artifact holds in the child, or is refused with what would do."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.child.messages import ChildRequest, Sampled, Sampling
from agent.device.kernel_files import Roots
from agent.measuring.introspection import describe_runtimes
from agent.measuring.measurer import CHILD_COMMAND, Measurer
from agent.measuring.supervision import Cancellation, ChildAnswer, MeasuringFailed, ask_child
from agent.runtimes import available_runtimes
from protos.fleet import Measured
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions, Runtime, RuntimeInfo
from tests.integration.agent.details import detail_of
from tests.integration.agent.networks import Artifacts, settings, takes

both_runtimes = pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)
PROC = Roots().proc
GIB = 1024**3
A_CORE = min(os.sched_getaffinity(0))
NO_CORE = 4_000


def measure(artifacts: Artifacts, wanted: MeasureSettings) -> Measured:
    measurer = Measurer(runtimes=available_runtimes())
    artifact = artifacts.path("tiny", wanted.runtime)
    return measurer.measure(artifact, wanted, Cancellation())


def ask(
    runtime: Runtime, sampling: Sampling | None, network: str = "tiny", cores: tuple[int, ...] = ()
) -> ChildAnswer:
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=2 * GIB,
        runtime=runtime,
        takes=takes(network),
        input_seed=1,
        cores=cores,
        sampling=sampling,
    )
    return ask_child(
        lambda _pid: request,
        command=CHILD_COMMAND,
        limit_s=60,
        cancellation=Cancellation(),
        proc_root=PROC,
    )


def sampling(artifact: Path, **changes: object) -> Sampling:
    fields: dict[str, object] = {
        "artifact_path": str(artifact),
        "threads": 1,
        "relative_half_width": 0.5,
        "time_budget_ms": 500,
    }
    return Sampling(**(fields | changes))  # type: ignore[arg-type]


@both_runtimes
def test_a_child_stays_on_the_cores_that_it_is_told(artifacts: Artifacts, runtime: Runtime) -> None:
    measured = measure(artifacts, settings(runtime, cores=(A_CORE,)))
    assert measured.affinity == (A_CORE,)


@both_runtimes
def test_so_do_all_threads_of_the_runtime(artifacts: Artifacts, runtime: Runtime) -> None:
    wanted = sampling(artifacts.path("wide", runtime), threads=2)
    answer = ask(runtime, wanted, "wide", cores=(A_CORE,))
    assert isinstance(answer, Sampled)
    assert answer.affinity == (A_CORE,)
    assert answer.busy_threads == 2


def test_a_child_refuses_cores_that_are_not_there(artifacts: Artifacts) -> None:
    wanted = sampling(artifacts.path("tiny", Runtime.ONNXRUNTIME))
    with pytest.raises(MeasuringFailed, match=rf"cores {A_CORE}, {NO_CORE};"):
        ask(Runtime.ONNXRUNTIME, wanted, cores=(A_CORE, NO_CORE))


@pytest.mark.parametrize(
    "options",
    [
        *(OnnxRuntimeOptions(graph_optimization=level) for level in GraphOptimization),
        OnnxRuntimeOptions(spinning=False),
        OnnxRuntimeOptions(arena=False),
    ],
    ids=str,
)
def test_onnx_runtime_measures_with_every_option(
    artifacts: Artifacts, options: OnnxRuntimeOptions
) -> None:
    measured = measure(artifacts, settings(Runtime.ONNXRUNTIME, onnxruntime=options))
    assert measured.repetition.latency_ns


def test_options_reach_onnx_runtime(artifacts: Artifacts) -> None:
    """Its own session says what it was told."""
    told = subprocess.run(
        [sys.executable, "-c", TELL_OPTIONS, artifacts.path("tiny", Runtime.ONNXRUNTIME)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["ORT_ENABLE_BASIC", "False", "0", "1", "3"]


TELL_OPTIONS = """
import sys
from pathlib import Path
from agent.runtimes import LoadSettings
from agent.runtimes.onnxruntime import load
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions
network = load(Path(sys.argv[1]), LoadSettings(
    threads=3,
    flush_denormals=True,
    onnxruntime=OnnxRuntimeOptions(
        graph_optimization=GraphOptimization.BASIC, spinning=False, arena=False
    ),
))
options = network._session.get_session_options()
print(options.graph_optimization_level.name, options.enable_cpu_mem_arena)
print(options.get_session_config_entry("session.intra_op.allow_spinning"))
print(options.get_session_config_entry("session.set_denormal_as_zero"))
print(options.intra_op_num_threads)
"""


def test_an_execution_provider_that_was_not_taken_is_no_figure(artifacts: Artifacts) -> None:
    wanted = OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")
    artifact = artifacts.path("tiny", Runtime.ONNXRUNTIME)
    with pytest.raises(MeasuringFailed) as caught:
        ask(Runtime.ONNXRUNTIME, sampling(artifact, onnxruntime=wanted))
    assert caught.value.failure.code is ReasonCode.RUNTIME_ERROR
    refused, _, here = detail_of(caught.value.failure).partition("; ")
    assert refused.endswith(" XnnpackExecutionProvider")
    assert here.endswith(" CPUExecutionProvider")


@both_runtimes
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("flush", [False, True], ids=["kept", "flushed"])
def test_subnormal_numbers_count_as_zero_on_all_threads_or_on_none(
    artifacts: Artifacts, runtime: Runtime, threads: int, flush: bool
) -> None:
    command = [sys.executable, "-c", TELL_ZEROS, runtime.value]
    command += [str(artifacts.path("faint", runtime)), str(threads), str(int(flush))]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split()[-1] == ("1.0" if flush else "0.0")


# Every product is 1e-40, which is subnormal.
TELL_ZEROS = """
import sys
from pathlib import Path
import numpy as np
from agent.child.denormals import set_flushing
from agent.runtimes import LoadSettings, import_runtime
from protos.runtimes import Runtime
name, artifact, threads, flush = sys.argv[1:]
runtime = import_runtime(Runtime(name))
set_flushing(flush == "1")
settings = LoadSettings(threads=int(threads), flush_denormals=flush == "1")
network = runtime.load(Path(artifact), settings)
network.set_input(np.full((1, 256, 56, 56), 1e-20, dtype=np.float32), {})
ran = network.run()
output = ran[0] if name == "onnxruntime" else network._predictor.get_output(0).numpy()
print((output == 0).mean())
"""


@both_runtimes
def test_a_child_measures_with_subnormal_numbers_flushed(
    artifacts: Artifacts, runtime: Runtime
) -> None:
    measured = measure(artifacts, settings(runtime, flush_denormals=True))
    assert measured.repetition.latency_ns


@both_runtimes
def test_a_runtime_says_its_build_and_what_it_can_compute_with(runtime: Runtime) -> None:
    (described,) = (each for each in describe() if each.runtime is runtime)
    assert described.build
    providers = ("CPUExecutionProvider",) if runtime is Runtime.ONNXRUNTIME else ()
    assert described.execution_providers == providers


@pytest.mark.parametrize(
    ("script", "limit_s", "told", "is_broken"),
    [
        ("import os; os.abort()", 60.0, "the child died by SIGABRT", True),
        # It may do better when less goes on.
        ("import time; time.sleep(600)", 0.1, "the child was stopped after 0.1 s", False),
    ],
    ids=["crashes", "hangs"],
)
def test_a_runtime_that_says_nothing_is_warned_of_and_broken_if_it_crashed(
    script: str, limit_s: float, told: str, is_broken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        described = describe((sys.executable, "-c", script), limit_s)
    assert [replace(each, last_words="") for each in described] == list(available_runtimes())
    assert all((told in each.last_words) is is_broken for each in described)
    events = [record.msg for record in caplog.records]
    assert all(isinstance(event, dict) and told in str(event["error"]) for event in events)
    assert {event["runtime"] for event in events if isinstance(event, dict)} == set(Runtime)


def describe(
    command: tuple[str, ...] = CHILD_COMMAND, limit_s: float = 60
) -> tuple[RuntimeInfo, ...]:
    return describe_runtimes(
        available_runtimes(),
        command=command,
        memory_limit_bytes=2 * GIB,
        proc_root=PROC,
        limit_s=limit_s,
    )


ORT_HERE = RuntimeInfo(
    runtime=Runtime.ONNXRUNTIME, version="1", execution_providers=("CPUExecutionProvider",)
)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (settings(Runtime.ONNXRUNTIME, cores=(A_CORE, NO_CORE)), rf"the cores {NO_CORE} were"),
        (settings(Runtime.ONNXRUNTIME, cores=(A_CORE,), threads=2), "ask for 1 to 1"),
        (settings(Runtime.ONNXRUNTIME, threads=NO_CORE), "ask for 1 to "),
        (
            settings(
                Runtime.ONNXRUNTIME,
                onnxruntime=OnnxRuntimeOptions(execution_provider="NnapiExecutionProvider"),
            ),
            "onnxruntime has on this device CPUExecutionProvider",
        ),
    ],
    ids=["no such core", "more threads than cores", "threads", "execution provider"],
)
def test_an_agent_refuses_what_cannot_hold_before_it_fetches(
    wanted: MeasureSettings, told: str
) -> None:
    with pytest.raises(MeasuringFailed, match=told):
        Measurer(runtimes=(ORT_HERE,)).check(wanted)
