"""Run one step of a conversion in a child process and turn every kind of death into a reason.

Converters fail by abort, SIGSEGV, hanging, or by exiting as if nothing had happened. None of
these may reach the process that asks.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import cattrs

from models.requests import MILESTONE

Answer = TypeVar("Answer")

_STDERR_TAIL_BYTES = 16 * 1024
_LAST_WORDS_LENGTH = 300
# What crash handlers print around the message: frames, rulers, times, headings.
_CRASH_FRAME = re.compile(
    r"^(\d+ |@ |-{3,}|={3,}|\[TimeInfo|\[SignalInfo|C\+\+ Traceback|Traceback \(most|  )"
)
# Time, file and function that Paddle Lite's log puts before a message.
_LOG_PREFIX = re.compile(r"^\[[A-Z] +\d+/ *\d+ [\d:.]+ [^\]]*\] *")
_TELLING = re.compile(r"error|fail|check|cannot|can't|not |refus|abort|denied|unable|bad_", re.I)


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What one step may use.

    Attributes:
        timeout_s: wall time, seconds.
        memory_bytes: private writable memory (RLIMIT_DATA).
        threads: threads of the mathematics libraries inside the child.
    """

    timeout_s: float = 900.0
    memory_bytes: int = 8 * 1024**3
    threads: int = 1


class StepFailed(Exception):
    """A step ended without its result.

    Attributes:
        step: name of the module below `models.steps`.
        reason: one sentence: how it ended and its last words.
        crashed: whether the child died, hung or answered rubbish, rather than saying no.
    """

    def __init__(self, step: str, reason: str, *, crashed: bool) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason
        self.crashed = crashed


class ConversionCancelled(Exception):
    """The conversion was cancelled; its children have ended."""


class Cancellation:
    """Ends the running children of conversions from another thread, and forbids new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Kill every child that runs; later steps raise `ConversionCancelled`."""
        with self._lock:
            self._cancelled = True
            for process in self._running:
                _kill_group(process)

    def raise_if_cancelled(self) -> None:
        """Raise `ConversionCancelled` once `cancel` was called."""
        if self._cancelled:
            raise ConversionCancelled("the conversion was cancelled")

    @contextmanager
    def child(
        self, command: list[str], *, stderr: IO[bytes], cwd: Path, env: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a child in a process group of its own that `cancel`, or leaving, kills.

        Whoever uses the child must not wait for it: while it is not waited for, no other group can
        have its number.
        """
        with self._lock:
            self.raise_if_cancelled()
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
            self._running.add(process)
        with process:
            try:
                yield process
            finally:
                with self._lock:
                    self._running.discard(process)
                    _kill_group(process)
                # Leaving `with process` closes the pipes and waits for the child.


class StepChild:
    """A step's process, which readies itself and then waits for its one request."""

    def __init__(
        self,
        step: str,
        *,
        workdir: Path,
        limits: StepLimits,
        cancellation: Cancellation,
        command: Sequence[str] = (sys.executable, "-m", "models.steps"),
    ) -> None:
        """Start `python -m models.steps <step>`; `ask` or `close` ends it.

        Args:
            step: module name below `models.steps`.
            workdir: the child's working folder, also for its temporary files.
            limits: time, from the request on, memory and threads of the child.
            cancellation: ends the child early.
            command: what runs steps, given as its last arguments a step's name, the number of the
                process that it must not outlive, and its memory in bytes.

        Raises:
            ConversionCancelled: `cancellation` was used.
        """
        self._step = step
        self._timeout_s = limits.timeout_s
        self._cancellation = cancellation
        with ExitStack() as stack:
            self._stderr = stack.enter_context(tempfile.TemporaryFile())
            self._running = stack.enter_context(ExitStack())
            self._process = self._running.enter_context(
                cancellation.child(
                    [*command, step, str(os.getpid()), str(limits.memory_bytes)],
                    stderr=self._stderr,
                    cwd=workdir,
                    env=_environment(limits.threads, workdir),
                )
            )
            # From here on the child and what it says are left by `ask` or `close`.
            stack.pop_all()

    def close(self) -> None:
        """End the child, asked or not."""
        with self._stderr:
            self._running.close()

    def ask(
        self,
        request: object,
        answer_type: type[Answer],
        on_milestone: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Give the child its request, wait for its end and return its answer.

        Args:
            request: the dataclass that the step expects.
            answer_type: the dataclass that it answers with.
            on_milestone: called when the child says that a part of its work is done.

        Raises:
            StepFailed: the step refused its work, died, hung or answered rubbish.
            ConversionCancelled: the cancellation ended it.
        """
        stdin = json.dumps(cattrs.unstructure(request)).encode()
        with self._stderr:
            with self._running:
                stdout, timed_out = _converse(self._process, stdin, self._timeout_s, on_milestone)
            self._cancellation.raise_if_cancelled()
            if timed_out:
                reason = f"the child was stopped after {self._timeout_s:g} s"
                raise StepFailed(self._step, f"{reason}{_last_words(self._stderr)}", crashed=True)
            if self._process.returncode != 0:
                ending = f"the child {_ending(self._process.returncode)}"
                raise StepFailed(self._step, f"{ending}{_last_words(self._stderr)}", crashed=True)
            return _decode(self._step, stdout, answer_type, self._stderr)


def run_step(
    step: str,
    request: object,
    answer_type: type[Answer],
    *,
    workdir: Path,
    limits: StepLimits,
    cancellation: Cancellation,
    command: Sequence[str] = (sys.executable, "-m", "models.steps"),
) -> Answer:
    """Run a step on a request and return its answer; see `StepChild`.

    Raises:
        StepFailed: the step refused its work, died, hung or answered rubbish.
        ConversionCancelled: `cancellation` ended it.
    """
    child = StepChild(
        step, workdir=workdir, limits=limits, cancellation=cancellation, command=command
    )
    return child.ask(request, answer_type)


def _converse(
    process: subprocess.Popen[bytes],
    request: bytes,
    timeout_s: float,
    on_milestone: Callable[[], None],
) -> tuple[bytes, bool]:
    """Return the child's answer once it has ended, and whether it took too long.

    `communicate` would wait for the child, after which its group could no longer be killed.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill_group(process)

    deadline = threading.Timer(timeout_s, expire)
    deadline.start()
    answer = []
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        # Of a child that died before it read, how it ended says more than the broken pipe.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(request)
        for line in process.stdout:
            if line == MILESTONE:
                on_milestone()
            else:
                answer.append(line)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        deadline.cancel()
        # One that has begun to kill must have killed before the child is waited for.
        deadline.join()
    return b"".join(answer), expired.is_set()


def _environment(threads: int, workdir: Path) -> dict[str, str]:
    # The libraries below read their thread count once, when they are loaded.
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(names, str(threads)),
        "PYTHONUNBUFFERED": "1",
        # A killed child cannot remove its temporary files; in its folder they go with that.
        "TMPDIR": str(workdir.absolute()),
    }


def _decode(step: str, stdout: bytes, answer_type: type[Answer], stderr: IO[bytes]) -> Answer:
    if not stdout:
        ending = f"the child exited without an answer{_last_words(stderr)}"
        raise StepFailed(step, ending, crashed=True)
    try:
        answer = json.loads(stdout)
    except ValueError as error:
        shown = ascii(stdout[:80].decode(errors="replace"))
        rubbish = f"the child answered with no JSON: {shown}"
        raise StepFailed(step, rubbish, crashed=True) from error
    if isinstance(answer, Mapping) and isinstance(answer.get("refused"), str):
        words = _last_words(stderr) if answer.get("see_stderr") is True else ""
        raise StepFailed(step, answer["refused"] + words, crashed=False)
    try:
        return cattrs.structure(answer["done"], answer_type)
    except (cattrs.BaseValidationError, KeyError, TypeError) as error:
        shown = ascii(stdout[:80].decode(errors="replace"))
        rubbish = f"the child's answer is of another form: {shown}"
        raise StepFailed(step, rubbish, crashed=True) from error


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"died by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"died by signal {-returncode}"


def _last_words(stderr: IO[bytes]) -> str:
    """Return the line of stderr that says most, as an ending of a sentence."""
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
    lines = stderr.read().decode(errors="replace").splitlines()
    words = [line.strip() for line in lines if line.strip() and not _CRASH_FRAME.match(line)]
    if not words:
        return ", saying nothing"
    telling = [line for line in words if _TELLING.search(line)] or words
    said = _LOG_PREFIX.sub("", telling[-1])
    return f", its last words: {said[:_LAST_WORDS_LENGTH].rstrip('.')}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a child's whole process group; the child must not have been waited for.

    The group's number is the child's. A child that has ended keeps it until it is waited for.
    """
    os.killpg(process.pid, signal.SIGKILL)
