"""Outputs are compared in the child that measured, in both runtimes, and in nothing's way."""

import os

import pytest

from agent.child.messages import ChildRequest, Phase, Sampled, Sampling
from agent.device.kernel_files import Roots
from agent.measuring.measurer import CHILD_COMMAND, Measurer, most_of_available_memory
from agent.measuring.supervision import Cancellation, ask_child
from agent.runtimes import available_runtimes
from controller.figures.outputs import wrong_output
from protos.measuring import OutputCheck
from protos.reasons import ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.networks import Artifacts, settings, takes

TOLERANCE = 1e-4
both_runtimes = pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)


def checked(artifacts: Artifacts, network: str, reference: str, runtime: Runtime) -> OutputCheck:
    """Measures a network and compares its outputs with what another one is to give."""
    measured = Measurer(runtimes=available_runtimes()).measure(
        artifacts.path(network, runtime),
        settings(runtime, network),
        Cancellation(),
        reference=artifacts.reference(reference),
    )
    assert measured.repetition.latency_ns
    check = measured.repetition.output_check
    assert check is not None
    return check


@both_runtimes
@pytest.mark.parametrize("network", ["tiny", "wide"])
def test_a_network_that_is_right_is_within_float32_of_paddle(
    artifacts: Artifacts, network: str, runtime: Runtime
) -> None:
    check = checked(artifacts, network, network, runtime)
    assert check.input_count == 4
    assert check.max_relative_difference is not None
    assert check.l2_relative_difference is not None
    assert check.max_relative_difference < 1e-5
    assert check.l2_relative_difference <= 1e-5
    assert check.top1_agreement == (1.0 if network == "tiny" else None)
    assert wrong_output(check, TOLERANCE) == ()


@both_runtimes
@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("altered", ReasonCode.OUTPUT_BEYOND_TOLERANCE),
        ("constant", ReasonCode.OUTPUT_CONSTANT),
        ("nan", ReasonCode.OUTPUT_NOT_FINITE),
    ],
)
def test_one_that_is_not_is_wrong_by_name(
    artifacts: Artifacts, network: str, why: ReasonCode, runtime: Runtime
) -> None:
    check = checked(artifacts, network, "tiny", runtime)
    codes = [each.code for each in wrong_output(check, TOLERANCE)]
    assert codes[0] is ReasonCode.WRONG_OUTPUT
    assert why in codes
    if network == "nan":
        assert check.nonfinite_share == 1.0


@both_runtimes
def test_another_networks_outputs_are_of_another_shape(
    artifacts: Artifacts, runtime: Runtime
) -> None:
    assert checked(artifacts, "faint", "wide", runtime).is_other_shape


def test_a_reference_of_a_newer_controller_is_compared_with_by_nobody(
    artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    newer = tmp_path_factory.mktemp("newer") / "reference"
    newer.write_bytes(b'{"version": 2}\n')
    measured = Measurer(runtimes=available_runtimes()).measure(
        artifacts.path("tiny", Runtime.ONNXRUNTIME),
        settings(Runtime.ONNXRUNTIME),
        Cancellation(),
        reference=newer,
    )
    assert measured.repetition.output_check is None


def test_it_is_the_last_that_a_child_does(artifacts: Artifacts) -> None:
    phases: list[Phase] = []
    wanted = settings(Runtime.ONNXRUNTIME)
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=most_of_available_memory(),
        runtime=Runtime.ONNXRUNTIME,
        takes=takes("tiny"),
        input_seed=1,
        sampling=Sampling(
            artifact_path=str(artifacts.path("tiny", Runtime.ONNXRUNTIME)),
            threads=1,
            relative_half_width=wanted.relative_half_width,
            time_budget_ms=wanted.time_budget_ms,
            reference_path=str(artifacts.reference("tiny")),
        ),
    )
    answer = ask_child(
        lambda _pid: request,
        command=CHILD_COMMAND,
        limit_s=120,
        cancellation=Cancellation(),
        proc_root=Roots().proc,
        on_phase=lambda _pid, phase: phases.append(phase),
    )
    assert isinstance(answer, Sampled)
    assert phases[-3:] == [Phase.SAMPLING, Phase.REPORTING, Phase.COMPARING]
