"""What `onnxruntime_perf_test` is asked and what it answers, wherever it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from agent.child.programs.repeating import Run
from protos.runtimes import GraphOptimization, OnnxRuntimeOptions

_LEVELS: Final = {
    GraphOptimization.DISABLED: "0",
    GraphOptimization.BASIC: "1",
    GraphOptimization.EXTENDED: "2",
    GraphOptimization.ALL: "99",
}


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one run computes.

    Attributes:
        artifact: an ONNX file, where the program runs.
        threads: exactly as many compute.
        repeats: inferences that it tells, behind the one that it warms up with.
        flushes: whether subnormal numbers are 0.
        options: what ONNX Runtime alone is told.
    """

    artifact: str
    threads: int
    repeats: int
    flushes: bool
    options: OnnxRuntimeOptions


@dataclass(frozen=True, kw_only=True)
class TimedRun(Run):
    """A run with the file of times that it wrote."""

    times: str


class Program(Protocol):
    """The program, on this device or on another one."""

    def usage(self) -> Run:
        """Let it say how it is used, and read no network; raises as `run`."""

    def run(self, work: Work, tensor: Path) -> TimedRun:
        """Let it load an artifact and compute on a tensor, which is a file of this machine.

        Raises:
            RuntimeRefused: it did not start, or ended by itself with another code than 0.
        """

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on."""


def arguments_of(work: Work, model: str, times: str) -> tuple[str, ...]:
    """Its arguments, in the form that all its versions read.

    Args:
        work: what it computes.
        model: where the artifact is, in a folder of its own that has a folder of inputs.
        times: where it writes the times.
    """
    flags = ["-e", "cpu", "-m", "times", "-r", str(work.repeats), "-x", str(work.threads)]
    # Named, these are what every other way of ours sets; see `agent.runtimes.onnxruntime`.
    flags += ["-y", "1", "-o", _LEVELS[work.options.graph_optimization]]
    flags += [] if work.options.spinning else ["-D"]
    flags += [] if work.options.arena else ["-A"]
    flags += ["-z"] if work.flushes else []
    return (*flags, model, times)
