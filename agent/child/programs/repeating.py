"""What every such program is: started anew for each run, told how many inferences, and limited."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.child.last_words import tells_of_no_memory
from agent.child.messages import Baseline, ChildRequest, Line, Sampled, Sampling
from agent.runtimes import RuntimeRefused
from protos.fleet import failed
from protos.inputs import ElementType, NetworkInput
from protos.reasons import ReasonCode

_NS_PER_MS: Final = 1_000_000
_MOST_RUNS: Final = 100_000
# What `agent.child` warms up with at most and at least.
_WARMUPS: Final = (3, 300)


class Unreadable(ValueError):
    """What a program printed is not what it prints; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of a program printed, and the most memory that it needed, bytes."""

    text: str
    peak_rss_bytes: int


def answer_of(
    name: str,
    request: ChildRequest,
    *,
    cannot: Iterable[str],
    baseline: Callable[[], Baseline],
    measured: Callable[[Sampling, Path], Sampled],
) -> Line:
    """The answer to a request: what a program told, or why it could not.

    Args:
        name: of the program.
        request: what is asked.
        cannot: what of it the program cannot do.
        baseline: asks it without a network.
        measured: measures with it; given what to sample, and a folder until that is done.
    """
    try:
        if request.sampling is None and request.profiling is None:
            return baseline()
        sampling = _sampling_of(name, request.sampling, request.takes, cannot)
        with tempfile.TemporaryDirectory(prefix="edgerank-") as folder:
            return measured(sampling, Path(folder))
    except (RuntimeRefused, Unreadable, OSError) as error:
        no_memory = tells_of_no_memory(str(error))
        code = ReasonCode.OUT_OF_MEMORY if no_memory else ReasonCode.RUNTIME_ERROR
        return failed(code, str(error))


def _sampling_of(
    name: str, sampling: Sampling | None, takes: NetworkInput, cannot: Iterable[str]
) -> Sampling:
    """What is to be sampled, where a program can do that.

    Args:
        name: of the program.
        sampling: what is asked; None is a profile.
        takes: what the network is given.
        cannot: what it is asked besides and cannot do.

    Raises:
        RuntimeRefused: it cannot.
    """
    if sampling is None:
        raise _refused(name, "a profile")
    types = (takes.kind.element_type, *(each.element_type for each in takes.kind.constants))
    asked = {
        "inference for minutes": bool(sampling.windows),
        "inference on a clock": bool(sampling.paced_fps),
        "batches of numbers that are not float32": any(
            each is not ElementType.FLOAT32 for each in types
        ),
    }
    for what in (*(what for what, is_asked in asked.items() if is_asked), *cannot):
        raise _refused(name, what)
    return sampling


def _refused(name: str, what: str) -> RuntimeRefused:
    return RuntimeRefused(
        f"{name} does not do {what}: ask for less, or measure with the runtime's Python package or "
        "the native runner"
    )


def run_counts(inference_ns: int, time_budget_ms: int) -> tuple[int, int]:
    """How many inferences warm up, and how many count, within a time budget.

    Args:
        inference_ns: what one took that had one before it.
        time_budget_ms: for those that count; half of it for the others, as in `agent.child`.
    """
    affordable = time_budget_ms * _NS_PER_MS // max(1, inference_ns)
    least, most = _WARMUPS
    return max(least, min(most, affordable // 2)), max(1, min(_MOST_RUNS, affordable))
