"""Starts a measuring child and turns every kind of death into a reason."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import agent
from agent.child.last_words import LastWords
from agent.child.messages import (
    Answer,
    Baseline,
    ChildRequest,
    Phase,
    ProtocolBroken,
    RunsProfiled,
    Sampled,
    decode_line,
    encode_request,
    phase_of,
)
from agent.device.process_memory import oom_kills
from protos.fleet import Failure, failed
from protos.reasons import ReasonCode
from sandbox.endings import ending_of

# A million samples fit many times; more is no answer.
_MAX_ANSWER_BYTES = 64 * 1024**2
# Of the agent's environment, what a runtime needs to be found and loaded, on Android, too.
_KEPT_VARIABLES = (
    *("ANDROID_DATA", "ANDROID_ROOT", "LD_LIBRARY_PATH", "PATH", "PREFIX", "PYTHONHOME"),
    *("PYTHONPATH", "TMPDIR"),
)

_Child = subprocess.Popen[bytes]
OnPhase = Callable[[int, Phase], None]
RequestFor = Callable[[int], ChildRequest]
ChildAnswer = Sampled | Baseline | RunsProfiled


class MeasuringFailed(Exception):
    """No figure came of an attempt.

    Attributes:
        failure: what happened, and why.
    """

    def __init__(self, code: ReasonCode, detail: str) -> None:
        super().__init__(detail)
        self.failure = failed(code, detail)

    @classmethod
    def of(cls, failure: Failure) -> "MeasuringFailed":
        """Wrap a failure that is told already."""
        error = cls(failure.code, failure.reasons[0].words.get("detail", ""))
        error.failure = failure
        return error


class DeviceAway(Exception):
    """The device that this process speaks for has gone; nothing is wrong with what it measured."""


class Cancellation:
    """Ends an attempt's measuring from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Child | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Kill the child that runs, and forbid new ones."""
        with self._lock:
            self._cancelled.set()
            if self._running is not None:
                _kill_group(self._running)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise `MeasuringFailed` once `cancel` was called."""
        if self.cancelled:
            raise MeasuringFailed(
                ReasonCode.ATTEMPT_CANCELLED, "the controller cancelled the attempt"
            )

    def wait(self, seconds: float) -> None:
        """Let so much time pass; raise `MeasuringFailed` as soon as `cancel` is called."""
        self._cancelled.wait(seconds)
        self.raise_if_cancelled()

    @contextmanager
    def child(
        self, command: tuple[str, ...], stderr: IO[bytes], inherited: Collection[int] = ()
    ) -> Iterator[_Child]:
        """Start a child that `cancel` can kill; whatever happens, its whole group ends.

        Whoever uses the child must not wait for it: while it is not waited for, no other group can
        have its number.
        """
        with self._lock:
            self.raise_if_cancelled()
            process = self._running = _spawn(command, stderr, inherited)
        with process:
            try:
                yield process
            finally:
                with self._lock:
                    self._running = None
                    _kill_group(process)
                # Leaving `with process` closes the pipes and waits for the child.


def ask_child(
    request_for: RequestFor,
    *,
    command: tuple[str, ...],
    limit_s: float,
    cancellation: Cancellation,
    proc_root: Path,
    on_phase: OnPhase = lambda _pid, _phase: None,
    inherited: Collection[int] = (),
) -> ChildAnswer:
    """Start a child, ask it, and wait for its answer; its whole process group ends with it.

    Args:
        request_for: given the child's number, tells what to ask it. It may take its time, in which
            the child reads its libraries and then waits; what it raises ends the child.
        command: starts the child.
        limit_s: wall time after which it is killed, from when it is asked.
        cancellation: kills it earlier.
        proc_root: where the kernel counts whom it killed for lack of memory.
        on_phase: told the child's number and each phase that it begins, at once.
        inherited: descriptors of this process that the child has, too, by the same numbers.

    Raises:
        MeasuringFailed: it refused, died, hung, was cancelled or answered rubbish.
    """
    oom_kills_before = oom_kills(proc_root)
    with _place_for_stderr() as stderr:
        with cancellation.child(command, stderr, inherited) as process:
            request = encode_request(request_for(process.pid))
            output, timed_out = _converse(process, request, limit_s, on_phase)
        cancellation.raise_if_cancelled()
        words = LastWords(stderr)
        if timed_out:
            raise MeasuringFailed(
                ReasonCode.TIMED_OUT, f"the child was stopped after {limit_s:g} s, {words}"
            )
        oom_killed = oom_kills(proc_root) > oom_kills_before
        return _understand(output, _Death(process.returncode, oom_killed, words))


def _place_for_stderr() -> IO[bytes]:
    """A file and not a pipe: a library that fills a pipe nobody reads would wait forever."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise _not_started(error) from error


def _not_started(error: OSError) -> MeasuringFailed:
    return MeasuringFailed(ReasonCode.CRASHED, f"the measuring child could not be started: {error}")


def _spawn(command: tuple[str, ...], stderr: IO[bytes], inherited: Collection[int]) -> _Child:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            pass_fds=inherited,
            env=child_environment(),
            # `-m` puts the working folder first on the path: it must be the one of our packages.
            cwd=Path(agent.__file__).parent.parent,
        )
    except OSError as error:
        raise _not_started(error) from error


def _converse(
    process: _Child, request: bytes, limit_s: float, on_phase: OnPhase
) -> tuple[bytes, bool]:
    """The child's whole output, and whether it was killed for taking too long.

    Reading blocks, and so does the timer: nothing here computes while the child measures.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill_group(process)

    # What a lease asks for may be longer than any clock counts.
    deadline = threading.Timer(min(limit_s, threading.TIMEOUT_MAX), expire)
    deadline.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        # Of a child that died before it read, how it ended says more than the broken pipe.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(request)
        output = _listen(process.stdout, lambda phase: on_phase(process.pid, phase))
        if len(output) == _MAX_ANSWER_BYTES:
            _kill_group(process)
        _await_end(process)
    finally:
        deadline.cancel()
        # One that has begun to kill must have killed before the child is waited for.
        deadline.join()
    return output, expired.is_set()


def _listen(stdout: IO[bytes], on_phase: Callable[[Phase], None]) -> bytes:
    """Everything that the child writes, up to the most that it may."""
    output = bytearray()
    while line := stdout.readline(_MAX_ANSWER_BYTES - len(output)):
        output += line
        phase = phase_of(line)
        if phase is not None:
            on_phase(phase)
    return bytes(output)


@dataclass(frozen=True)
class _Death:
    """How a child ended."""

    returncode: int
    oom_killed: bool
    words: LastWords

    def failure(self, phase: Phase | None) -> MeasuringFailed:
        """Why a child that did not exit by itself, or not with 0, gave no figure."""
        when = f" while {phase.value}" if phase else ""
        killed_for_memory = self.oom_killed and self.returncode == -signal.SIGKILL
        if killed_for_memory or self.words.tell_of_no_memory:
            return MeasuringFailed(
                ReasonCode.OUT_OF_MEMORY,
                f"the child ran out of memory{when} and {ending_of(self.returncode)}, {self.words}",
            )
        return MeasuringFailed(
            ReasonCode.CRASHED, f"the child {ending_of(self.returncode)}{when}, {self.words}"
        )


def _understand(output: bytes, death: _Death) -> ChildAnswer:
    phase: Phase | None = None
    answer: Answer | None = None
    try:
        for raw_line in output.splitlines(keepends=True):
            line = decode_line(raw_line)
            if isinstance(line, Phase):
                phase = line
            else:
                answer = line
    except ProtocolBroken as broken:
        # A child that was killed while it wrote leaves half a line behind.
        if death.returncode == 0:
            raise MeasuringFailed(ReasonCode.RUBBISH, f"{broken}, {death.words}") from broken
    if isinstance(answer, Failure):
        raise MeasuringFailed.of(answer)
    if death.returncode != 0:
        raise death.failure(phase)
    if answer is None:
        raise MeasuringFailed(
            ReasonCode.RUBBISH, f"the child exited without an answer, {death.words}"
        )
    return answer


def child_environment() -> dict[str, str]:
    """Nothing that is set for other programs, but where libraries and temporary files are."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # numpy's own library would start threads that the runtime does not use.
    return {**kept, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}


def _await_end(process: _Child) -> None:
    """Block until the child has ended, and leave it to be waited for."""
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def _kill_group(process: _Child) -> None:
    """Kill a child's whole process group; the child must not have been waited for.

    The group's number is the child's. A child that has ended keeps it until it is waited for.
    """
    os.killpg(process.pid, signal.SIGKILL)
