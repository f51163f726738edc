"""Runs `benchmark_bin` here, one process after the other, each confined to its files."""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.child.last_words import LastWords
from agent.child.programs.benchmark_bin.asking import Work, arguments_of
from agent.child.programs.benchmark_bin.tracing import await_end
from agent.child.programs.repeating import Run
from agent.device.kernel_files import own_descriptors
from agent.runtimes import RuntimeRefused
from sandbox.endings import ending_of

_MOST_OUTPUT_BYTES: Final = 64 * 1024**2


@dataclass(frozen=True, kw_only=True)
class LocalProgram:
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

    def run(self, work: Work, inputs: Sequence[Path]) -> Run:
        """Let it load an artifact and compute.

        Raises:
            RuntimeRefused: it did not start, or ended by itself with another code than 0.
        """
        arguments = arguments_of(work, inputs, self.architecture)
        return self._run(arguments, files=(Path(work.artifact), *inputs))

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on, as the program binds no thread itself."""
        return tuple(sorted(os.sched_getaffinity(0)))

    def _run(self, arguments: Sequence[str], files: Sequence[Path]) -> Run:
        confined = (sys.executable, "-m", "agent.child.programs.benchmark_bin.confined")
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
                    f"{self.path.name} {ending_of(end.returncode)}, {LastWords(stderr)}"
                )
            printed.seek(0)
            text = printed.read(_MOST_OUTPUT_BYTES).decode(errors="replace")
        return Run(text=text, peak_rss_bytes=end.peak_rss_bytes)
