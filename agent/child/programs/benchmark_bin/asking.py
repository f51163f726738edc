"""What `benchmark_bin` is asked and what it answers, wherever it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, Protocol

from agent.child.programs.repeating import Run

# Its numbers: 0 and 1 bind threads to cores of its own choice, 3 leaves them where they are.
_NO_BINDING: Final = "3"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one run computes.

    Attributes:
        artifact: an `.nb` file, where the program runs.
        shapes: of the inputs.
        threads: exactly as many compute.
        warmup: inferences that do not count.
        repeats: inferences that count, at least 1.
        shows_outputs: whether it prints each element of the outputs of the last one.
    """

    artifact: str
    shapes: Sequence[Sequence[int]]
    threads: int
    warmup: int
    repeats: int
    shows_outputs: bool = False


class Program(Protocol):
    """The program, on this device or on another one."""

    @property
    def path(self) -> Path:
        """The program's file, on this machine."""

    def version(self) -> Run:
        """Let it say its version, and read no network; raises as `run`."""

    def run(self, work: Work, inputs: Sequence[Path]) -> Run:
        """Let it load an artifact and compute on inputs, a file of this machine each.

        Raises:
            RuntimeRefused: it did not start, or ended by itself with another code than 0.
        """

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on."""


def arguments_of(work: Work, inputs: Sequence[PurePath], architecture: str) -> tuple[str, ...]:
    """Its arguments for a machine of an architecture, as `uname -m` says it."""
    flags = {
        "optimized_model_file": work.artifact,
        "input_shape": ":".join(",".join(map(str, shape)) for shape in work.shapes),
        "input_data_path": ":".join(map(str, inputs)),
        "backend": "x86" if architecture == "x86_64" else "arm",
        "threads": str(work.threads),
        "power_mode": _NO_BINDING,
        "warmup": str(work.warmup),
        "repeats": str(work.repeats),
        "show_output_elem": "true" if work.shows_outputs else "false",
    }
    return tuple(f"--{name}={value}" for name, value in flags.items())
