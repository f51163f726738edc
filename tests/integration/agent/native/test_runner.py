"""The native runner measures as the Python child does, in real processes of a real runtime."""

import errno
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from agent.child.messages import (
    ChildRequest,
    Phase,
    Sampled,
    Sampling,
    encode_request,
)
from agent.child.stopping import median_interval, relative_half_width, warmed_up, warmup_ended
from agent.device.kernel_files import Roots
from agent.measuring.introspection import describe_runtimes
from agent.measuring.measurer import CHILD_COMMAND, Measurer, most_of_available_memory
from agent.measuring.native.child import NativeChild
from agent.measuring.native.finding import infos_of
from agent.measuring.native.given import write_given
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes
from controller.figures.outputs import wrong_output
from protos.fleet import Measured
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings, OutputCheck, StopReason
from protos.reasons import ReasonCode
from protos.reference.noise import reference_inputs
from protos.reference.outputs import write_outputs
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.integration.agent.networks import Artifacts, settings, takes
from tests.own_networks import FIXED_SHAPE, onnx_network

RUNTIME = Runtime.ONNXRUNTIME
TOLERANCE = 1e-4
MIB = 1024**2


@pytest.fixture
def measurer(native: NativeChild) -> Measurer:
    return Measurer(runtimes=infos_of({RUNTIME: native}), children={RUNTIME: native})


def measure(
    measurer: Measurer, artifact: Path, wanted: MeasureSettings, reference: Path | None = None
) -> Measured:
    return measurer.measure(artifact, wanted, Cancellation(), reference=reference)


def request_for(artifact: Path, network: str = "tiny") -> ChildRequest:
    return ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=most_of_available_memory(),
        runtime=RUNTIME,
        takes=takes(network),
        input_seed=0,
        sampling=Sampling(
            artifact_path=str(artifact), threads=1, relative_half_width=0.5, time_budget_ms=5_000
        ),
    )


def ask(
    native: NativeChild,
    request: ChildRequest,
    on_phase: Callable[[int, Phase], None] = lambda _pid, _phase: None,
) -> Sampled:
    answer = native.ask(
        lambda _pid: request,
        limit_s=120,
        cancellation=Cancellation(),
        proc_root=Roots().proc,
        on_phase=on_phase,
    )
    assert isinstance(answer, Sampled)
    return answer


def test_a_network_is_measured_with_its_context(measurer: Measurer, artifacts: Artifacts) -> None:
    measured = measure(measurer, artifacts.path("tiny", RUNTIME), settings(RUNTIME))
    assert measured.runtime.version == onnxruntime.__version__
    assert re.search(r"git-commit-id=.*; edgerank-runner [0-9.]+$", measured.runtime.build)
    assert set(measured.affinity) == os.sched_getaffinity(0)
    repetition = measured.repetition
    assert len(repetition.latency_ns) >= 30
    assert min(repetition.latency_ns) > 0
    assert repetition.peak_rss_bytes > repetition.baseline_rss_bytes > 0
    assert repetition.load_ns > 0
    assert repetition.busy_threads == 1
    assert repetition.memory is not None
    assert None not in [getattr(repetition.memory, each.name) for each in fields(repetition.memory)]
    before, after = repetition.before, repetition.after
    assert before is not None
    assert after is not None
    assert before.taken_at_unix_ms <= after.taken_at_unix_ms
    assert after.waiting_share is not None


def test_it_ends_by_the_same_rules(measurer: Measurer, artifacts: Artifacts) -> None:
    wanted = settings(RUNTIME, relative_half_width=0.05, time_budget_ms=20_000)
    repetition = measure(measurer, artifacts.path("tiny", RUNTIME), wanted).repetition
    budget_ns = wanted.time_budget_ms * 1_000_000 // 2
    for count in range(1, len(repetition.warmup_ns) + 1):
        runs = repetition.warmup_ns[:count]
        is_last = count == len(repetition.warmup_ns)
        assert warmup_ended(runs, sum(runs), budget_ns) is is_last
    assert repetition.warmup_settled is warmed_up(repetition.warmup_ns)
    assert repetition.stop_reason is StopReason.PRECISE
    # Both draw at random: a tenth of the width is more than that makes.
    interval = median_interval(repetition.latency_ns, np.random.default_rng(0))
    assert relative_half_width(interval, float(np.median(repetition.latency_ns))) < 0.055


@pytest.mark.parametrize("network", ["tiny", "wide"])
def test_it_gives_what_the_python_package_gives(
    measurer: Measurer, artifacts: Artifacts, network: str, tmp_path: Path
) -> None:
    artifact = artifacts.path(network, RUNTIME)
    session = onnxruntime.InferenceSession(str(artifact))
    inputs = np.stack(list(reference_inputs(takes(network))))
    (name,) = (each.name for each in session.get_inputs())
    outputs = np.stack([session.run(None, {name: images})[0] for images in inputs])
    write_outputs(tmp_path / "outputs", inputs, [outputs])
    check = measure(
        measurer, artifact, settings(RUNTIME, network), tmp_path / "outputs"
    ).repetition.output_check
    assert check is not None
    assert check.input_count == 4
    assert check.max_relative_difference is not None
    assert check.max_relative_difference < 1e-6


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("altered", ReasonCode.OUTPUT_BEYOND_TOLERANCE),
        ("constant", ReasonCode.OUTPUT_CONSTANT),
        ("nan", ReasonCode.OUTPUT_NOT_FINITE),
        ("faint", ReasonCode.OUTPUT_OF_OTHER_SHAPE),
    ],
)
def test_a_wrong_output_is_told_as_by_the_python_child(
    measurer: Measurer, artifacts: Artifacts, network: str, why: ReasonCode
) -> None:
    artifact, wanted = artifacts.path(network, RUNTIME), settings(RUNTIME, network)
    reference = artifacts.reference("tiny" if network != "faint" else "wide")
    check = measure(measurer, artifact, wanted, reference).repetition.output_check
    assert check is not None
    assert why in [each.code for each in wrong_output(check, TOLERANCE)]
    python = Measurer(runtimes=available_runtimes())
    same = measure(python, artifact, wanted, reference).repetition.output_check
    assert same is not None
    assert nearly(check) == nearly(same)


def nearly(check: OutputCheck) -> OutputCheck:
    """With five digits of each figure: of the rest, the order of adding decides."""
    figures = (check.max_relative_difference, check.l2_relative_difference)
    largest, l2 = (None if each is None else float(f"{each:.4e}") for each in figures)
    return replace(check, max_relative_difference=largest, l2_relative_difference=l2)


def lines_of(command: Sequence[object], request: bytes) -> tuple[list[bytes], dict[str, Any]]:
    """The phases that a child tells, and its answer as it stands."""
    ended = subprocess.run(list(map(str, command)), input=request, capture_output=True, check=True)
    *phases, answer = ended.stdout.splitlines()
    document: dict[str, Any] = json.loads(answer.partition(b" ")[2])
    return phases, document


def test_its_lines_have_what_those_of_the_python_child_have(
    native: NativeChild, artifacts: Artifacts, tmp_path: Path
) -> None:
    request = request_for(artifacts.path("tiny", RUNTIME))
    asked = encode_request(replace(request, given=write_given(tmp_path, request.takes, 0)))
    phases, of_python = lines_of(CHILD_COMMAND, asked)
    same_phases, of_native = lines_of((native.runner, "run", native.library), asked)
    assert phases == same_phases
    # What only some runtimes tell has a default.
    needed = {each.name for each in fields(Sampled) if each.default is MISSING}
    assert needed <= of_native.keys()
    assert of_native["memory"].keys() == of_python["memory"].keys()
    assert of_native["before"].keys() <= of_python["before"].keys()


def test_it_runs_on_a_clock(native: NativeChild, artifacts: Artifacts, tmp_path: Path) -> None:
    request = request_for(artifacts.path("tiny", RUNTIME))
    request = replace(request, given=write_given(tmp_path, request.takes, 0))
    asked = json.loads(encode_request(request))
    asked["sampling"].update(paced_fps=50.0, paced_ms=1_500)
    command = (native.runner, "run", native.library)
    phases, answer = lines_of(command, json.dumps(asked).encode())
    assert b'phase "running on a clock"' in phases
    # Those of the first second are not told; a busy machine drops frames.
    assert 1 <= len(answer["paced"]["latency_ns"]) <= 25
    assert len(answer["paced"]["delay_ns"]) == len(answer["paced"]["latency_ns"])
    assert min(answer["paced"]["delay_ns"]) >= 0


def test_settings_are_held(measurer: Measurer, artifacts: Artifacts) -> None:
    core = min(os.sched_getaffinity(0))
    options = OnnxRuntimeOptions(spinning=False, arena=False)
    wanted = settings(RUNTIME, "faint", cores=(core,), flush_denormals=True, onnxruntime=options)
    measured = measure(measurer, artifacts.path("faint", RUNTIME), wanted)
    assert measured.affinity == (core,)
    assert measured.repetition.busy_threads == 1


def failure_of(
    measurer: Measurer, artifact: Path, wanted: MeasureSettings
) -> tuple[ReasonCode, str]:
    with pytest.raises(MeasuringFailed) as caught:
        measure(measurer, artifact, wanted)
    return caught.value.failure.code, str(caught.value)


def test_a_file_that_is_no_network_is_refused(measurer: Measurer, tmp_path: Path) -> None:
    (tmp_path / "artifact").write_bytes(b"no network at all" * 1_000)
    code, words = failure_of(measurer, tmp_path / "artifact", settings(RUNTIME))
    assert code is ReasonCode.RUNTIME_ERROR
    assert words.startswith("ONNX Runtime refused: ")


def test_what_takes_more_memory_than_there_is_has_run_out_of_it(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    limits = iter([512 * MIB, 12 * MIB])
    measurer.memory_limit_bytes = lambda: next(limits)
    code, _ = failure_of(measurer, artifacts.path("wide", RUNTIME), settings(RUNTIME, "wide"))
    assert code is ReasonCode.OUT_OF_MEMORY


def test_an_execution_provider_that_it_does_not_know_is_refused(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    wanted = settings(RUNTIME, onnxruntime=OnnxRuntimeOptions(execution_provider="NoProvider"))
    code, words = failure_of(measurer, artifacts.path("tiny", RUNTIME), wanted)
    assert code is ReasonCode.RUNTIME_ERROR
    assert "NoProvider" in words


def test_a_library_that_is_none_is_told_of_before_any_job(runner: Path, tmp_path: Path) -> None:
    library = tmp_path / "libonnxruntime.so.1.2.3"
    library.write_text("no library")
    children = {RUNTIME: NativeChild(runner=runner, library=library)}
    (told,) = describe_runtimes(
        infos_of(children),
        command=CHILD_COMMAND,
        memory_limit_bytes=most_of_available_memory(),
        proc_root=Roots().proc,
        children=children,
    )
    assert told.version == "1.2.3"
    assert str(library) in told.last_words


def test_a_network_reads_no_file_of_anybody_elses(native: NativeChild, tmp_path: Path) -> None:
    """Its weights stand in a file beside it, which nobody has checked."""
    apart = tmp_path / "apart.onnx"
    onnx.save_model(
        onnx_network(FIXED_SHAPE),
        str(apart),
        save_as_external_data=True,
        location="weights",
        size_threshold=0,
    )
    assert onnxruntime.InferenceSession(str(apart)).get_inputs()
    request = replace(request_for(apart), takes=NetworkInput(size=square(FIXED_SHAPE[2])))
    with pytest.raises(MeasuringFailed, match=f": {errno.EACCES}$"):
        ask(native, request)


def test_it_is_held_before_it_loads_anything(native: NativeChild, artifacts: Artifacts) -> None:
    told: dict[Phase, str] = {}

    def look(pid: int, phase: Phase) -> None:
        told[phase] = Path(f"/proc/{pid}/status").read_text()

    ask(native, request_for(artifacts.path("tiny", RUNTIME)), look)
    assert re.search(r"^NoNewPrivs:\t1$", told[Phase.IMPORTING], re.M)
    assert re.search(r"^Seccomp:\t2$", told[Phase.IMPORTING], re.M)
