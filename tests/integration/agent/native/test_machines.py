"""The runner as it is built for other machines."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from agent.child.messages import ChildRequest, Sampled, Sampling, decode_line, encode_request
from agent.measuring.native.given import write_given
from protos.runtimes import Runtime
from tests.integration.agent.native.conftest import printed_by
from tests.integration.agent.networks import Artifacts, takes

MOST_BYTES = 1_000_000
OLDEST_GLIBC = 17


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_it_is_small_and_runs_on_old_systems(runners: Path, machine: str) -> None:
    program = (runners / machine / "edgerank-runner").read_bytes()
    assert len(program) < MOST_BYTES
    versions = [int(each) for each in re.findall(rb"GLIBC_2\.([0-9]+)", program)]
    assert versions
    assert max(versions) <= OLDEST_GLIBC


def test_one_for_aarch64_measures_the_same_network_there(
    runners: Path, artifacts: Artifacts, tmp_path: Path
) -> None:
    userland = Path(os.environ.get("EDGERANK_AARCH64") or printed_by("tools/aarch64-userland"))
    library = printed_by("tools/onnxruntime-library", "aarch64")
    emulate = (userland / "qemu-aarch64-static", "-cpu", "cortex-a72", "-L", userland / "root")
    reference = artifacts.reference("tiny")
    traces = tmp_path / "traces"
    traces.mkdir()
    request = ChildRequest(
        parent_pid=0,
        memory_limit_bytes=0,
        runtime=Runtime.ONNXRUNTIME,
        takes=takes("tiny"),
        input_seed=0,
        sampling=Sampling(
            artifact_path=str(artifacts.path("tiny", Runtime.ONNXRUNTIME)),
            threads=1,
            relative_half_width=0.5,
            time_budget_ms=2_000,
            reference_path=str(reference),
            trace_folder=str(traces),
        ),
        given=write_given(tmp_path, takes("tiny"), 0, reference),
    )
    ended = subprocess.run(
        [*emulate, runners / "aarch64" / "edgerank-runner", "run", library],
        input=encode_request(request),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer = decode_line(ended.stdout.splitlines(keepends=True)[-1])
    assert isinstance(answer, Sampled), answer
    assert answer.latency_ns
    assert answer.output_check is not None
    assert answer.output_check.max_relative_difference is not None
    assert answer.output_check.max_relative_difference < 1e-5
    (use,) = answer.providers
    assert use.provider == "CPUExecutionProvider"
    assert use.node_count > 0
