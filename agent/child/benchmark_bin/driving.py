"""Runs `benchmark_bin`, one process after the other, each confined to its files."""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.child.benchmark_bin.tracing import await_end
from agent.child.last_words import LastWords
from agent.device.kernel_files import own_descriptors
from agent.runtimes import RuntimeRefused

_MOST_OUTPUT_BYTES: Final = 64 * 1024**2
# Its numbers: 0 and 1 bind threads to cores of its own choice, 3 leaves them where they are.
_NO_BINDING: Final = "3"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of the program printed, and the most memory that it needed, bytes."""

    text: str
    peak_rss_bytes: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program, and what each of its runs is held to.

    Attributes:
        path: of the program.
        memory_limit_bytes: of private writable memory.
        proc_root: where the kernel tells of processes.
        architecture: of this machine.
    """

    path: Path
    memory_limit_bytes: int
    proc_root: Path
    architecture: str = field(default_factory=platform.machine)

    def version(self) -> Run:
        """Let it say its version, and read no network.

        Raises:
            RuntimeRefused: as `run`.
        """
        return self._run(("--version",), files=())

    def run(
        self,
        artifact: Path,
        shapes: Sequence[Sequence[int]],
        inputs: Sequence[Path],
        *,
        threads: int,
        warmup: int,
        repeats: int,
        shows_outputs: bool = False,
    ) -> Run:
        """Let it load an artifact and compute.

        Args:
            artifact: an `.nb` file.
            shapes: of the inputs.
            inputs: a file of each, as `written` gives them.
            threads: exactly as many compute.
            warmup: inferences that do not count.
            repeats: inferences that count, at least 1.
            shows_outputs: whether it prints each element of the outputs of the last one.

        Raises:
            RuntimeRefused: it did not start, or ended by itself with another code than 0.
        """
        flags = {
            "optimized_model_file": str(artifact),
            "input_shape": ":".join(",".join(map(str, shape)) for shape in shapes),
            "input_data_path": ":".join(map(str, inputs)),
            "backend": "x86" if self.architecture == "x86_64" else "arm",
            "threads": str(threads),
            "power_mode": _NO_BINDING,
            "warmup": str(warmup),
            "repeats": str(repeats),
            "show_output_elem": "true" if shows_outputs else "false",
        }
        arguments = tuple(f"--{name}={value}" for name, value in flags.items())
        return self._run(arguments, files=(artifact, *inputs))

    def _run(self, arguments: Sequence[str], files: Sequence[Path]) -> Run:
        confined = (sys.executable, "-m", "agent.child.benchmark_bin.confined")
        held = (str(self.memory_limit_bytes), *map(str, files), "--")
        with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as stderr:
            with subprocess.Popen(
                (*confined, *held, str(self.path), *arguments),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=stderr,
                pass_fds=own_descriptors(files),
            ) as process:
                end = await_end(process.pid, self.proc_root)
                process.returncode = end.returncode
            if end.returncode != 0:
                raise RuntimeRefused(
                    f"{self.path.name} ended with {_ending(end.returncode)}, {LastWords(stderr)}"
                )
            printed.seek(0)
            text = printed.read(_MOST_OUTPUT_BYTES).decode(errors="replace")
        return Run(text=text, peak_rss_bytes=end.peak_rss_bytes)


def _ending(returncode: int) -> str:
    return f"code {returncode}" if returncode >= 0 else f"signal {-returncode}"


def affinity() -> tuple[int, ...]:
    """The cores that every run is on, as the program binds no thread itself."""
    return tuple(sorted(os.sched_getaffinity(0)))
