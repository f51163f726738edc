"""Ask a child process to run one step of a conversion, and turn every kind of death into a reason.

Converters fail by abort, SIGSEGV, hanging, or by exiting as if nothing had happened. None of
these may reach the process that asks.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar

import cattrs

import models
from models.processes.ending import await_end
from models.processes.last_words import last_words, tail_of
from models.processes.requests import MILESTONE, Bounds
from sandbox.endings import ending_of

Answer = TypeVar("Answer")

# Any answer fits many times; whatever took a child over could write for ever.
_MAX_ANSWER_BYTES = 4 * 1024**2
# The libraries below read their thread count once, when they are loaded.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What one step may use.

    Attributes:
        timeout_s: wall time, seconds; each process has twice that of processor time.
        memory_bytes: private writable memory (RLIMIT_DATA).
        file_bytes: size of each file that it writes (RLIMIT_FSIZE).
    """

    timeout_s: float = 900.0
    memory_bytes: int = 8 * 1024**3
    file_bytes: int = 16 * 1024**3

    def bounds(self, workdir: Path, readable: Iterable[Path] = ()) -> Bounds:
        """Return what a step that works in a folder may use, and what of ours it may read."""
        return Bounds(
            memory_bytes=self.memory_bytes,
            file_bytes=self.file_bytes,
            # One more for what a library does beside it.
            cpu_s=math.ceil(2 * self.timeout_s),
            workdir=str(workdir.absolute()),
            readable=tuple(str(path.absolute()) for path in readable),
        )


class StepFailed(Exception):
    """A step ended without its result.

    Attributes:
        step: name of the module below `models.steps`.
        reason: one sentence: how it ended and its last words.
        crashed: whether the child died, hung or answered rubbish, rather than saying no.
        said: all that a tool said, of which the reason has what is useful; empty where none did.
    """

    def __init__(self, step: str, reason: str, *, crashed: bool, said: str = "") -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason
        self.crashed = crashed
        self.said = said


class ConversionCancelled(Exception):
    """The conversion was cancelled; its children have ended."""


class Child(Protocol):
    """A process that was started for one step, in a process group of its own."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def kill(self) -> None:
        """Kill it and all that it started, from any thread, also when it has ended."""

    def await_end(self) -> int:
        """Wait until it has ended and return its exit code, or the signal's number negated."""

    def close(self) -> None:
        """Kill what is left of it and let go of it; nothing else may be called after this."""


class Cancellation:
    """Ends the running children of conversions from another thread, and forbids new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Child] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Kill every child that runs; later steps raise `ConversionCancelled`."""
        with self._lock:
            self._cancelled = True
            for child in self._running:
                child.kill()

    def raise_if_cancelled(self) -> None:
        """Raise `ConversionCancelled` once `cancel` was called."""
        if self._cancelled:
            raise ConversionCancelled("the conversion was cancelled")

    @contextmanager
    def child(self, start: Callable[[], Child]) -> Iterator[Child]:
        """Start a child that `cancel`, or leaving, kills."""
        with self._lock:
            self.raise_if_cancelled()
            child = start()
            self._running.add(child)
        try:
            yield child
        finally:
            with self._lock:
                self._running.discard(child)
            child.close()


class SpawnedChild:
    """A process of a command of its own."""

    def __init__(self, command: Sequence[str], stderr: IO[bytes], workdir: Path) -> None:
        """Start the command in a folder, which is also that of its temporary files."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=workdir,
            env=environment(workdir),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin = self._process.stdin
        self.stdout = self._process.stdout

    def kill(self) -> None:
        """Kill its whole group, whose number is its own until it is waited for."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def await_end(self) -> int:
        """Wait until it has ended and return how."""
        return await_end(self._process.pid)

    def close(self) -> None:
        """Kill what is left of its group, close the pipes and reap it."""
        self.kill()
        with self._process:
            pass


def environment(folder: Path) -> dict[str, str]:
    """Return what a process of a step finds in its environment: nothing that we have in ours.

    Args:
        folder: its home, and where its temporary files are; a killed process cannot remove them,
            so they go with that.
    """
    return {
        **_THREADS,
        "HOME": str(folder.absolute()),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(models.__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder.absolute()),
        # Where somebody keeps libraries that the system's linker does not know.
        **{name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
    }


def run_step(
    step: str,
    request: object,
    answer_type: type[Answer],
    *,
    workdir: Path,
    limits: StepLimits,
    cancellation: Cancellation,
    readable: Iterable[Path] = (),
    command: Sequence[str] = (sys.executable, "-m", "models.steps"),
) -> Answer:
    """Run a step in a process of its own, `python -m models.steps`, and return its answer.

    Args:
        step: module name below `models.steps`.
        request: the dataclass that the step expects.
        answer_type: the dataclass that it answers with.
        workdir: the child's working folder, also for its temporary files.
        limits: time, memory and files of the child.
        cancellation: ends the child early.
        readable: files and folders elsewhere that the step reads.
        command: what runs steps, given as its last arguments a step's name, the number of the
            process that it must not outlive, and its bounds as JSON.

    Raises:
        StepFailed: the step refused its work, died, hung or answered rubbish.
        ConversionCancelled: `cancellation` ended it.
    """
    bounds = json.dumps(cattrs.unstructure(limits.bounds(workdir, readable)))
    whole = [*command, step, str(os.getpid()), bounds]
    return ask(
        step,
        request,
        answer_type,
        start=lambda stderr: SpawnedChild(whole, stderr, workdir),
        timeout_s=limits.timeout_s,
        cancellation=cancellation,
    )


def ask(
    step: str,
    request: object,
    answer_type: type[Answer],
    *,
    start: Callable[[IO[bytes]], Child],
    timeout_s: float,
    cancellation: Cancellation,
    on_milestone: Callable[[], None] = lambda: None,
) -> Answer:
    """Start a child, give it its request, wait for its end and return its answer.

    Args:
        step: module name below `models.steps`.
        request: the dataclass that the step expects.
        answer_type: the dataclass that it answers with.
        start: starts the child, given what its stderr goes to.
        timeout_s: wall time that it may take, seconds.
        cancellation: ends the child early.
        on_milestone: called when the child says that a part of its work is done.

    Raises:
        StepFailed: the step refused its work, died, hung or answered rubbish.
        ConversionCancelled: the cancellation ended it.
    """
    stdin = json.dumps(cattrs.unstructure(request)).encode()
    with tempfile.TemporaryFile() as stderr:
        with cancellation.child(lambda: start(stderr)) as child:
            stdout, returncode, timed_out = _converse(child, stdin, timeout_s, on_milestone)
        cancellation.raise_if_cancelled()
        if timed_out:
            raise _ended(step, f"the child was stopped after {timeout_s:g} s", stderr)
        if returncode != 0:
            raise _ended(step, f"the child {ending_of(returncode)}", stderr)
        return _decode(step, stdout, answer_type, stderr)


def _converse(
    child: Child, request: bytes, timeout_s: float, on_milestone: Callable[[], None]
) -> tuple[bytes, int, bool]:
    """Return the child's answer once it has ended, how it ended, and whether it took too long."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        child.kill()

    deadline = threading.Timer(timeout_s, expire)
    deadline.start()
    answer = bytearray()
    try:
        # Of a child that died before it read, how it ended says more than the broken pipe.
        with suppress(BrokenPipeError), child.stdin:
            child.stdin.write(request)
        heard = 0
        while line := child.stdout.readline(_MAX_ANSWER_BYTES - heard):
            heard += len(line)
            if line == MILESTONE:
                on_milestone()
            else:
                answer += line
        if heard == _MAX_ANSWER_BYTES:
            child.kill()
        returncode = child.await_end()
    finally:
        deadline.cancel()
        # One that has begun to kill must have killed before the child is let go of.
        deadline.join()
    return bytes(answer), returncode, expired.is_set()


def _decode(step: str, stdout: bytes, answer_type: type[Answer], stderr: IO[bytes]) -> Answer:
    if not stdout:
        raise _ended(step, "the child exited without an answer", stderr)
    try:
        answer = json.loads(stdout)
    except ValueError as error:
        shown = ascii(stdout[:80].decode(errors="replace"))
        rubbish = f"the child answered with no JSON: {shown}"
        raise StepFailed(step, rubbish, crashed=True) from error
    if isinstance(answer, Mapping) and isinstance(answer.get("refused"), str):
        said, words = answer.get("said"), ""
        if answer.get("see_stderr") is True:
            said = tail_of(stderr)
            words = last_words(said)
        told = said if isinstance(said, str) else ""
        raise StepFailed(step, answer["refused"] + words, crashed=False, said=told)
    try:
        return cattrs.structure(answer["done"], answer_type)
    except (cattrs.BaseValidationError, KeyError, TypeError) as error:
        shown = ascii(stdout[:80].decode(errors="replace"))
        rubbish = f"the child's answer is of another form: {shown}"
        raise StepFailed(step, rubbish, crashed=True) from error


def _ended(step: str, ending: str, stderr: IO[bytes]) -> StepFailed:
    """Return the failure of a child that ended without an answer."""
    said = tail_of(stderr)
    return StepFailed(step, f"{ending}{last_words(said)}", crashed=True, said=said)
