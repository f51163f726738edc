"""Measures artifacts in fresh child processes and turns every kind of death into a reason."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

import agent
from agent.child_messages import (
    Answer,
    Baseline,
    ChildRequest,
    Phase,
    ProtocolBroken,
    Sampled,
    Sampling,
    decode_line,
    encode_request,
)
from agent.device_state import Roots
from agent.domain import (
    Failure,
    FailureReason,
    Measured,
    MeasureSettings,
    Repetition,
    Runtime,
    RuntimeInfo,
)
from agent.last_words import LastWords
from agent.process_memory import oom_kills

# Importing, loading and three runs of the slowest network on the slowest board.
START_ALLOWANCE_S = 120.0
# Half a budget for warm-up, one for sampling, and as much again for a device that stalls.
_BUDGETS = 3.0
_MEMORY_SHARE = 0.9
# A million samples fit many times; more is no answer.
_MAX_ANSWER_BYTES = 64 * 1024**2
# What a person sets for other programs must not change how many threads a runtime computes with.
_THREAD_VARIABLES = ("OMP_", "MKL_", "KMP_", "GOMP_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_")
_COMMAND = (sys.executable, "-m", "agent.child")

_Child = subprocess.Popen[bytes]


class MeasuringFailed(Exception):
    """No figure came of an attempt.

    Attributes:
        failure: the reason and one sentence.
    """

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(reason=reason, detail=detail)


class Cancellation:
    """Ends an attempt's measuring from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Child | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Kill the child that runs, and forbid new ones."""
        with self._lock:
            self._cancelled = True
            if self._running is not None:
                _kill_group(self._running)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise `MeasuringFailed` once `cancel` was called."""
        if self._cancelled:
            raise MeasuringFailed(FailureReason.CANCELLED, "the controller cancelled the attempt")

    @contextmanager
    def child(self, command: tuple[str, ...], stderr: IO[bytes]) -> Iterator[_Child]:
        """Start a child that `cancel` can kill; whatever happens, its whole group ends."""
        with self._lock:
            self.raise_if_cancelled()
            process = self._running = _spawn(command, stderr)
        with process:
            try:
                yield process
            finally:
                with self._lock:
                    self._running = None
                    _kill_group(process)


@dataclass(kw_only=True)
class Measurer:
    """Measures artifacts, one at a time; remembers each runtime's baseline.

    Attributes:
        runtimes: what the device has.
        start_allowance_s: what a child may take besides warm-up and sampling.
        memory_limit_bytes: tells the limit of private writable memory for the next child.
        roots: where the kernel's files are.
        command: starts a child.
    """

    runtimes: tuple[RuntimeInfo, ...]
    start_allowance_s: float = START_ALLOWANCE_S
    memory_limit_bytes: Callable[[], int] = field(default=lambda: most_of_available_memory())
    roots: Roots = Roots()
    command: tuple[str, ...] = _COMMAND
    _baselines: dict[tuple[Runtime, tuple[int, ...]], int] = field(default_factory=dict)

    def measure(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_repetition: Callable[[int], None],
    ) -> Measured:
        """Measure one artifact; blocks until the last repetition has ended.

        Args:
            artifact: a file that the runtime reads.
            settings: what to measure, how often and how precisely.
            cancellation: ends the measuring early.
            on_repetition: told how many repetitions have ended, after each.

        Raises:
            MeasuringFailed: there is no figure; says why.
        """
        runtime = self.check(settings)
        baseline = self._baseline_rss_bytes(settings, cancellation)
        sampled = []
        for done in range(1, settings.repetitions + 1):
            sampled.append(self._sample(artifact, settings, cancellation))
            on_repetition(done)
        return Measured(
            runtime=RuntimeInfo(
                runtime=runtime.runtime, version=runtime.version, build=sampled[0].build
            ),
            repetitions=tuple(_repetition(each, baseline) for each in sampled),
            affinity=sampled[0].affinity,
        )

    def check(self, settings: MeasureSettings) -> RuntimeInfo:
        """The runtime to measure with.

        Raises:
            MeasuringFailed: the settings cannot hold on this device.
        """
        found = [each for each in self.runtimes if each.runtime is settings.runtime]
        if not found:
            raise MeasuringFailed(
                FailureReason.NO_RUNTIME,
                f"{settings.runtime.value} is not installed on this device: "
                f"pip install 'edgerank[{settings.runtime.value}]' there",
            )
        cores = len(os.sched_getaffinity(0))
        if not 1 <= settings.threads <= cores:
            raise MeasuringFailed(
                FailureReason.RUNTIME_ERROR,
                f"{settings.threads} threads were asked for, but this agent may use "
                f"{cores} cores: ask for 1 to {cores}",
            )
        if settings.repetitions < 1:
            raise MeasuringFailed(
                FailureReason.RUNTIME_ERROR,
                f"{settings.repetitions} repetitions give no figure: ask for at least 1",
            )
        return found[0]

    def _baseline_rss_bytes(self, settings: MeasureSettings, cancellation: Cancellation) -> int:
        """The memory of a child that loads the runtime and makes the input, but has no network."""
        key = (settings.runtime, settings.input_shape)
        if key not in self._baselines:
            answer = self._run(
                _request(settings, None, self.memory_limit_bytes()),
                self.start_allowance_s,
                cancellation,
            )
            if not isinstance(answer, Baseline):
                raise MeasuringFailed(FailureReason.RUBBISH, "the child answered another question")
            self._baselines[key] = answer.peak_rss_bytes
        return self._baselines[key]

    def _sample(
        self, artifact: Path, settings: MeasureSettings, cancellation: Cancellation
    ) -> Sampled:
        sampling = Sampling(
            artifact_path=str(artifact.absolute()),
            threads=settings.threads,
            relative_half_width=settings.relative_half_width,
            time_budget_ms=settings.time_budget_ms,
        )
        limit_s = self.start_allowance_s + _BUDGETS * settings.time_budget_ms / 1_000
        answer = self._run(
            _request(settings, sampling, self.memory_limit_bytes()), limit_s, cancellation
        )
        if not isinstance(answer, Sampled):
            raise MeasuringFailed(FailureReason.RUBBISH, "the child answered another question")
        return answer

    def _run(
        self, request: ChildRequest, limit_s: float, cancellation: Cancellation
    ) -> Sampled | Baseline:
        oom_kills_before = oom_kills(self.roots.proc)
        with tempfile.TemporaryFile() as stderr:
            with cancellation.child(self.command, stderr) as process:
                output, timed_out = _converse(process, encode_request(request), limit_s)
                returncode = process.wait()
            cancellation.raise_if_cancelled()
            if timed_out:
                raise MeasuringFailed(
                    FailureReason.TIMED_OUT,
                    f"the child was stopped after {limit_s:g} s, {LastWords(stderr)}",
                )
            oom_killed = oom_kills(self.roots.proc) > oom_kills_before
            return _understand(output, _Death(returncode, oom_killed, LastWords(stderr)))


def _spawn(command: tuple[str, ...], stderr: IO[bytes]) -> _Child:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env=_environment(os.environ),
            # `-m` puts the working folder first on the path: it must be the one of our packages.
            cwd=Path(agent.__file__).parent.parent,
        )
    except OSError as error:
        raise MeasuringFailed(
            FailureReason.CRASHED, f"the measuring child could not be started: {error}"
        ) from error


def _converse(process: _Child, request: bytes, limit_s: float) -> tuple[bytes, bool]:
    """The child's whole output, and whether it was killed for taking too long.

    Reading blocks, and so does the timer: nothing here computes while the child measures.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill_group(process)

    deadline = threading.Timer(limit_s, expire)
    deadline.start()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            process.stdin.close()
        except BrokenPipeError:
            pass  # It died before it read; how it ended says more.
        output = process.stdout.read(_MAX_ANSWER_BYTES)
        if len(output) == _MAX_ANSWER_BYTES:
            _kill_group(process)
        process.wait()
    finally:
        deadline.cancel()
    return output, expired.is_set()


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
                FailureReason.OUT_OF_MEMORY,
                f"the child ran out of memory{when} and {_ending(self.returncode)}, {self.words}",
            )
        return MeasuringFailed(
            FailureReason.CRASHED, f"the child {_ending(self.returncode)}{when}, {self.words}"
        )


def _understand(output: bytes, death: _Death) -> Sampled | Baseline:
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
            raise MeasuringFailed(FailureReason.RUBBISH, f"{broken}, {death.words}") from broken
    if isinstance(answer, Failure):
        raise MeasuringFailed(answer.reason, answer.detail)
    if death.returncode != 0:
        raise death.failure(phase)
    if answer is None:
        raise MeasuringFailed(
            FailureReason.RUBBISH, f"the child exited without an answer, {death.words}"
        )
    return answer


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        return f"died by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"died by signal {-returncode}"


def most_of_available_memory() -> int:
    """Nine tenths of the memory that the device has left, in bytes."""
    return int(psutil.virtual_memory().available * _MEMORY_SHARE)


def _request(
    settings: MeasureSettings, sampling: Sampling | None, memory_limit_bytes: int
) -> ChildRequest:
    return ChildRequest(
        parent_pid=os.getpid(),
        memory_limit_bytes=memory_limit_bytes,
        runtime=settings.runtime,
        input_shape=settings.input_shape,
        input_seed=settings.input_seed,
        sampling=sampling,
    )


def _repetition(sampled: Sampled, baseline_rss_bytes: int) -> Repetition:
    return Repetition(
        latency_ns=sampled.latency_ns,
        warmup_ns=sampled.warmup_ns,
        load_ns=sampled.load_ns,
        peak_rss_bytes=sampled.peak_rss_bytes,
        pss_bytes=sampled.pss_bytes,
        baseline_rss_bytes=baseline_rss_bytes,
        busy_threads=sampled.busy_threads,
        stop_reason=sampled.stop_reason,
        before=sampled.before,
        after=sampled.after,
    )


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in inherited.items() if not k.startswith(_THREAD_VARIABLES)}
    # numpy's own library would start threads that the runtime does not use.
    return {**kept, "OPENBLAS_NUM_THREADS": "1"}


def _kill_group(process: _Child) -> None:
    """Kill a child's whole process group; one that has ended already is no error."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
