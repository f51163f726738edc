"""Whatever happens to a measuring child is a result with a reason, and the next one measures."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.child.messages import Baseline, ChildRequest
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed, ask_child
from agent.runtimes import available_runtimes
from protos.fleet import Failure
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.details import detail_of
from tests.integration.agent.networks import Artifacts, settings

both_runtimes = pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)
MIB = 1024**2
FOREVER_MINUTES = 60


@pytest.fixture
def measurer() -> Measurer:
    return Measurer(runtimes=available_runtimes())


def failure_of(
    measurer: Measurer,
    artifact: Path,
    wanted: MeasureSettings,
    cancellation: Cancellation | None = None,
) -> Failure:
    with pytest.raises(MeasuringFailed) as caught:
        measurer.measure(artifact, wanted, cancellation or Cancellation())
    return caught.value.failure


@both_runtimes
def test_an_artifact_of_other_bytes(measurer: Measurer, tmp_path: Path, runtime: Runtime) -> None:
    artifact = tmp_path / "artifact"
    artifact.write_bytes(b"no network at all" * 1_000)
    failure = failure_of(measurer, artifact, settings(runtime))
    assert failure.code in (ReasonCode.RUNTIME_ERROR, ReasonCode.CRASHED)
    assert detail_of(failure)


@both_runtimes
def test_an_artifact_that_is_cut_off(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path, runtime: Runtime
) -> None:
    content = artifacts.path("wide", runtime).read_bytes()
    artifact = tmp_path / "artifact"
    artifact.write_bytes(content[: len(content) // 2])
    failure = failure_of(measurer, artifact, settings(runtime, "wide"))
    assert failure.code in (ReasonCode.RUNTIME_ERROR, ReasonCode.CRASHED)
    assert detail_of(failure)
    measurer.measure(artifacts.path("tiny", runtime), settings(runtime), Cancellation())


def test_onnx_runtime_says_that_the_input_has_the_wrong_shape(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    wrong = settings(Runtime.ONNXRUNTIME, "wide")
    failure = failure_of(measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), wrong)
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert "dimensions" in detail_of(failure)


@both_runtimes
def test_a_child_that_is_killed(artifacts: Artifacts, runtime: Runtime) -> None:
    # The child of the baseline must live, so the killer waits for the phase of the other one.
    killer = (sys.executable, "-c", KILLED_WHILE_SAMPLING)
    failure = failure_of(
        Measurer(runtimes=available_runtimes(), command=killer),
        artifacts.path("tiny", runtime),
        settings(runtime),
    )
    assert failure.code is ReasonCode.CRASHED
    assert " SIGKILL while sampling," in detail_of(failure)


KILLED_WHILE_SAMPLING = """
import os, signal, time
from agent.child import __main__ as child
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
child.sample = die
child.main()
"""


@both_runtimes
def test_a_child_that_takes_too_long_is_stopped(artifacts: Artifacts, runtime: Runtime) -> None:
    # With no allowance at all, the child is still importing when its time is over.
    hasty = Measurer(runtimes=available_runtimes(), start_allowance_s=0.05)
    failure = failure_of(hasty, artifacts.path("wide", runtime), settings(runtime, "wide"))
    assert failure.code is ReasonCode.TIMED_OUT
    assert " after 0.05 s," in detail_of(failure)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("print('hello')", "the child wrote 'hello\\n'"),
        ("print('sampled {}')", "the child wrote no sampled: '{}\\n'"),
        ("pass", "the child exited without an answer"),
        ("print('phase \"sampling\"')", "the child exited without an answer"),
        ("import os; os.write(1, bytes(range(256)))", "the child wrote '\\x00\\x01"),
    ],
)
def test_a_child_that_answers_rubbish(artifacts: Artifacts, script: str, told: str) -> None:
    measurer = Measurer(runtimes=available_runtimes(), command=(sys.executable, "-c", script))
    failure = failure_of(
        measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), settings(Runtime.ONNXRUNTIME)
    )
    assert failure.code is ReasonCode.RUBBISH
    assert detail_of(failure).startswith(told)


def test_a_child_that_never_stops_talking_is_stopped(artifacts: Artifacts) -> None:
    chatty = (sys.executable, "-c", "import os\nwhile True: os.write(1, b'x' * 65536)")
    failure = failure_of(
        Measurer(runtimes=available_runtimes(), command=chatty),
        artifacts.path("tiny", Runtime.ONNXRUNTIME),
        settings(Runtime.ONNXRUNTIME),
    )
    assert failure.code in (ReasonCode.RUBBISH, ReasonCode.CRASHED)


def test_noise_on_stdout_does_not_break_the_protocol(artifacts: Artifacts) -> None:
    noisy = """
import os
from agent.child import __main__ as child
measure = child._measure
def loud(*arguments):
    os.write(1, b"a library prints on stdout\\n")
    return measure(*arguments)
child._measure = loud
child.main()
"""
    measurer = Measurer(runtimes=available_runtimes(), command=(sys.executable, "-c", noisy))
    runtime = Runtime.ONNXRUNTIME
    measured = measurer.measure(artifacts.path("tiny", runtime), settings(runtime), Cancellation())
    assert measured.repetition.latency_ns


@both_runtimes
def test_a_child_past_its_memory_limit(artifacts: Artifacts, runtime: Runtime) -> None:
    # Of the baseline, and of the network: enough to load the runtime, too little to run.
    limits = iter([1024 * MIB, 40 * MIB])
    measurer = Measurer(runtimes=available_runtimes(), memory_limit_bytes=lambda: next(limits))
    failure = failure_of(measurer, artifacts.path("wide", runtime), settings(runtime, "wide"))
    assert failure.code is ReasonCode.OUT_OF_MEMORY
    assert detail_of(failure)


def test_cancel_ends_a_measurement_that_would_take_long(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    cancellation = Cancellation()
    runtime = Runtime.ONNXRUNTIME
    wanted = settings(runtime, "wide", sustained_minutes=FOREVER_MINUTES)
    threading.Timer(1.5, cancellation.cancel).start()
    failure = failure_of(measurer, artifacts.path("wide", runtime), wanted, cancellation)
    assert failure.code is ReasonCode.ATTEMPT_CANCELLED


def test_a_runtime_that_the_device_lacks(artifacts: Artifacts) -> None:
    failure = failure_of(
        Measurer(runtimes=()),
        artifacts.path("tiny", Runtime.PADDLELITE),
        settings(Runtime.PADDLELITE),
    )
    assert failure.code is ReasonCode.NO_RUNTIME
    assert "pip install '.[agent,paddlelite]'" in detail_of(failure)


def test_a_runtime_that_does_not_load(artifacts: Artifacts) -> None:
    broken = (
        "import sys; sys.modules['onnxruntime'] = None; "
        "from agent.child.__main__ import main; main()"
    )
    measurer = Measurer(runtimes=available_runtimes(), command=(sys.executable, "-c", broken))
    failure = failure_of(
        measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), settings(Runtime.ONNXRUNTIME)
    )
    assert failure.code is ReasonCode.NO_RUNTIME
    assert detail_of(failure).startswith("onnxruntime does not")


@pytest.mark.parametrize("threads", [0, 4_096])
def test_threads_that_the_device_does_not_have(
    measurer: Measurer, artifacts: Artifacts, threads: int
) -> None:
    cores = len(os.sched_getaffinity(0))
    wanted = settings(Runtime.ONNXRUNTIME, threads=threads)
    failure = failure_of(measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), wanted)
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert detail_of(failure).endswith(f" 1 to {cores}")


def test_a_child_dies_with_its_agent(artifacts: Artifacts) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", MEASURE_FOREVER, str(artifacts.path("tiny", Runtime.ONNXRUNTIME))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert agent.stdout is not None
    child = int(agent.stdout.readline())
    # The file descriptor stands for this very child, whoever gets its number afterwards.
    watched = os.pidfd_open(child)
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    with os.fdopen(watched):
        assert select.select([watched], [], [], 30)[0]


MEASURE_FOREVER = """
import sys, threading
from pathlib import Path
import agent.measuring.supervision
from agent.measuring.measurer import Measurer
from agent.runtimes import available_runtimes
from protos.runtimes import Runtime
from tests.integration.agent.networks import settings
spawn, spawned = agent.measuring.supervision._spawn, []
def tell(*arguments):
    process = spawn(*arguments)
    spawned.append(process)
    if len(spawned) == 2:
        print(process.pid, flush=True)
    return process
agent.measuring.supervision._spawn = tell
Measurer(runtimes=available_runtimes()).measure(
    Path(sys.argv[1]),
    settings(Runtime.ONNXRUNTIME, sustained_minutes=60),
    agent.measuring.supervision.Cancellation(),
)
"""


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    # The grandchild alone holds the writing end: reading ends when it does.
    leaves_one_behind = f"""
import subprocess, sys
# Before it confines itself: later it starts nothing, where the kernel can hold it to that.
code = "import time; alive = open({str(fifo)!r}, 'w'); print('up', flush=True); time.sleep(90)"
started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
started.stdout.readline()
from agent.child import __main__ as child
child.main()
"""
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=1024 * MIB,
        runtime=Runtime.ONNXRUNTIME,
        takes=NetworkInput(size=square(32)),
        input_seed=1,
    )
    with ThreadPoolExecutor(1) as pool:
        lived = pool.submit(fifo.read_text)
        answer = ask_child(
            lambda _pid: request,
            command=(sys.executable, "-c", leaves_one_behind),
            limit_s=60,
            cancellation=Cancellation(),
            proc_root=Path("/proc"),
        )
        assert isinstance(answer, Baseline)
        assert lived.result(timeout=30) == ""


def test_a_child_that_cannot_be_started(artifacts: Artifacts) -> None:
    measurer = Measurer(runtimes=available_runtimes(), command=("/no/such/interpreter",))
    failure = failure_of(
        measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), settings(Runtime.ONNXRUNTIME)
    )
    assert failure.code is ReasonCode.CRASHED
    assert "/no/such/interpreter" in detail_of(failure)


def test_no_place_for_temporary_files(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    failure = failure_of(
        measurer, artifacts.path("tiny", Runtime.ONNXRUNTIME), settings(Runtime.ONNXRUNTIME)
    )
    assert failure.code is ReasonCode.CRASHED
    assert "not be started" in detail_of(failure)
