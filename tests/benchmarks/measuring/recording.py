"""Networks measured by the real child, one repetition at a time."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cattrs

from agent.child.messages import ChildRequest, Phase, Sampled, Sampling
from agent.device.kernel_files import Roots
from agent.measuring.measurer import START_ALLOWANCE_S, most_of_available_memory
from agent.measuring.supervision import Cancellation, OnPhase, ask_child
from controller.sweeps.parts import INPUT_SEED
from protos.inputs import ImageSize, NetworkInput, square
from protos.measuring import Repetition
from protos.runtimes import Runtime
from tests.own_networks import onnx_network, save_onnx

_SIZE = 768
# No interval is as narrow, so that only the time ends sampling.
NEVER = 1e-9
CHILD = (sys.executable, "-m", "agent.child")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured, and how."""

    artifact: Path
    runtime: Runtime
    input_size: ImageSize
    threads: int = 1


def small_network(folder: Path) -> Subject:
    """A network of about a millisecond."""
    network = onnx_network((1, 3, _SIZE, _SIZE))
    return Subject(
        artifact=save_onnx(network, folder / "small.onnx"),
        runtime=Runtime.ONNXRUNTIME,
        input_size=square(_SIZE),
    )


def one_repetition(
    subject: Subject,
    time_budget_ms: int,
    *,
    command: tuple[str, ...] = CHILD,
    relative_half_width: float = NEVER,
    process_spread: float = 0.0,
    on_phase: OnPhase = lambda _pid, _phase: None,
) -> Repetition:
    """What a fresh child measures, as the controller receives it.

    Args:
        subject: the network.
        time_budget_ms: of sampling.
        command: starts the child.
        relative_half_width: ends sampling before the budget.
        process_spread: does, too, at a third of it.
        on_phase: told the child's number and each phase that it begins.
    """
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=most_of_available_memory(),
        runtime=subject.runtime,
        takes=NetworkInput(size=subject.input_size),
        input_seed=INPUT_SEED,
        sampling=Sampling(
            artifact_path=str(subject.artifact),
            threads=subject.threads,
            relative_half_width=relative_half_width,
            time_budget_ms=time_budget_ms,
            process_spread=process_spread,
        ),
    )
    sampled = ask_child(
        lambda _pid: request,
        command=command,
        limit_s=START_ALLOWANCE_S + time_budget_ms / 100,
        cancellation=Cancellation(),
        proc_root=Roots().proc,
        on_phase=on_phase,
    )
    assert isinstance(sampled, Sampled)
    document = {"baseline_rss_bytes": 0, **cattrs.unstructure(sampled)}
    return cattrs.structure(document, Repetition)


def when_sampling(begin: Callable[[], object]) -> OnPhase:
    """To be told of a child's phases: calls `begin` when it begins to sample."""

    def on_phase(_pid: int, phase: Phase) -> None:
        if phase is Phase.SAMPLING:
            begin()

    return on_phase


def record(folder: Path, processes: int, seconds: float) -> list[tuple[int, ...]]:
    """Of each fresh child its latencies of a small network in ns, in order, for so many seconds."""
    subject, budget_ms = small_network(folder), round(seconds * 1_000)
    return [one_repetition(subject, budget_ms).latency_ns for _ in range(processes)]
