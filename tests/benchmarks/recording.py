"""A small real network, measured by the real child."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import cattrs

from agent.child_messages import ChildRequest, Phase, Sampled, Sampling
from agent.domain import Runtime
from agent.kernel_files import Roots
from agent.measuring import START_ALLOWANCE_S, most_of_available_memory
from agent.supervision import Cancellation, ask_child
from controller.domain import Repetition
from controller.planning import INPUT_SEED
from tests.own_networks import onnx_network, save_onnx

SHAPE = (1, 3, 768, 768)
# No interval is as narrow, so that only the time ends sampling.
NEVER = 1e-9
CHILD = (sys.executable, "-m", "agent.child")


def small_network(folder: Path) -> Path:
    """A network of about a millisecond, as ONNX Runtime reads it."""
    return save_onnx(onnx_network(SHAPE), folder / "small.onnx")


def one_repetition(
    artifact: Path,
    time_budget_ms: int,
    command: tuple[str, ...] = CHILD,
    *,
    relative_half_width: float = NEVER,
    on_sampling: Callable[[], object] = lambda: None,
) -> Repetition:
    """What a fresh child measures of `small_network`, as the controller receives it.

    Args:
        artifact: the network.
        time_budget_ms: of the repetition.
        command: starts the child.
        relative_half_width: ends sampling before the budget.
        on_sampling: called when sampling begins.
    """
    request = ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=most_of_available_memory(),
        runtime=Runtime.ONNXRUNTIME,
        input_shape=SHAPE,
        input_seed=INPUT_SEED,
        sampling=Sampling(
            artifact_path=str(artifact),
            threads=1,
            relative_half_width=relative_half_width,
            time_budget_ms=time_budget_ms,
        ),
    )

    def on_phase(_pid: int, phase: Phase) -> None:
        if phase is Phase.SAMPLING:
            on_sampling()

    sampled = ask_child(
        request,
        command=command,
        limit_s=START_ALLOWANCE_S,
        cancellation=Cancellation(),
        proc_root=Roots().proc,
        on_phase=on_phase,
    )
    assert isinstance(sampled, Sampled)
    document = {"baseline_rss_bytes": 0, **cattrs.unstructure(sampled)}
    return cattrs.structure(document, Repetition)


def record(folder: Path, processes: int, seconds: float) -> list[tuple[int, ...]]:
    """Of each fresh child its latencies in ns, in order, for so many seconds."""
    artifact = small_network(folder)
    return [
        one_repetition(artifact, round(seconds * 1_000)).latency_ns for _ in range(processes)
    ]
