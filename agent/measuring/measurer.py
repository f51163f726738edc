"""Measures artifacts in fresh child processes, one repetition each."""

import os
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from agent.child.messages import (
    Baseline,
    ChildRequest,
    Profiling,
    RunsProfiled,
    Sampled,
    Sampling,
)
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots, own_descriptors
from agent.measuring.children import Child, PythonChild
from agent.measuring.device_watch import DeviceWatch
from agent.measuring.folders import folder_for
from agent.measuring.gate_watch import GateWatch, OnWaiting
from agent.measuring.placement import check_cores, check_execution_provider
from agent.measuring.resting import states_at_rest
from agent.measuring.supervision import (
    Cancellation,
    ChildAnswer,
    MeasuringFailed,
    OnPhase,
)
from protos.device import DeviceState
from protos.fleet import Measured, Profiled
from protos.inputs import NetworkInput
from protos.measuring import MeasureSettings, Repetition, StartGate
from protos.reasons import Reason, ReasonCode
from protos.runtimes import Runtime, RuntimeInfo

# Importing, loading, the first runs of the slowest network on the slowest board, and four to
# compare its outputs.
START_ALLOWANCE_S = 120.0
# Half a budget for warm-up, one for sampling, and as much again for a device that stalls.
_BUDGETS = 3.0
_MEMORY_SHARE = 0.9
_MS_PER_MINUTE = 60_000
CHILD_COMMAND = (sys.executable, "-m", "agent.child")
# Runtime, shape of the input, cores.
_BaselineKey = tuple[Runtime, NetworkInput, tuple[int, ...]]


def most_of_available_memory() -> int:
    """Nine tenths of the memory that the device has left, in bytes."""
    return int(psutil.virtual_memory().available * _MEMORY_SHARE)


def _own_cpus() -> Collection[int]:
    return os.sched_getaffinity(0)


@dataclass(kw_only=True)
class Measurer:
    """Measures artifacts, one at a time; remembers each runtime's baseline.

    Attributes:
        runtimes: what the device has.
        start_allowance_s: what a child may take besides warm-up and sampling.
        memory_limit_bytes: tells the limit of private writable memory for the next child.
        roots: where the kernel's files are.
        command: starts a child.
        children: measure in the place of that one, by runtime.
        gate_watch: lets a repetition start.
        now_unix_ms: the device's clock.
        usable_cpus: tells the cores that a child may use.
    """

    runtimes: tuple[RuntimeInfo, ...]
    start_allowance_s: float = START_ALLOWANCE_S
    memory_limit_bytes: Callable[[], int] = most_of_available_memory
    roots: Roots = field(default_factory=Roots)
    command: tuple[str, ...] = CHILD_COMMAND
    children: Mapping[Runtime, Child] = field(default_factory=dict)
    gate_watch: GateWatch = field(default_factory=GateWatch)
    now_unix_ms: Callable[[], int] = now_unix_ms
    usable_cpus: Callable[[], Collection[int]] = _own_cpus
    _baselines: dict[_BaselineKey, int] = field(default_factory=dict)

    def measure(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
        *,
        process_spread: float = 0.0,
        reference: Path | None = None,
    ) -> Measured:
        """Measure one repetition of an artifact; blocks until its child has ended.

        Args:
            artifact: a file that the runtime reads.
            settings: what to measure and how precisely.
            cancellation: ends the measuring early.
            on_waiting: told what its start waits for.
            process_spread: standard deviation between processes, relative; 0 is unknown.
            reference: a file of what its outputs should be; None does not compare them.

        Raises:
            MeasuringFailed: there is no figure; says why.
        """
        runtime = self.check(settings)
        baseline = self._baseline_rss_bytes(settings, cancellation)
        passage = _Passage(self.gate_watch, settings.gate, cancellation, on_waiting)
        sampling = _sampling(artifact, reference, settings, process_spread)
        at_rest = states_at_rest(self.gate_watch.look, self.now_unix_ms, cancellation.wait)
        with folder_for("a trace") if _delegates(settings) else nullcontext() as folder:
            sampling = replace(sampling, trace_folder=folder)
            sampled, during = self._sample(sampling, settings, cancellation, passage)
        return Measured(
            runtime=replace(
                runtime, build=sampled.build, version=sampled.library_version or runtime.version
            ),
            repetition=replace(
                _repetition(sampled, during, baseline),
                started_unready=passage.in_the_way,
                at_rest=at_rest,
            ),
            affinity=sampled.affinity,
        )

    def profile(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
    ) -> Profiled:
        """Profile one artifact in one child; blocks until it has ended.

        Args:
            artifact: a file that the runtime reads.
            settings: how many inferences, and how the network is made ready to run.
            cancellation: ends it early.
            on_waiting: told what its start waits for.

        Raises:
            MeasuringFailed: there is no profile; says why.
        """
        runtime = self.check(settings)
        limit_s = self.start_allowance_s + sampling_limit_ms(settings) / 1_000
        passage = _Passage(self.gate_watch, settings.gate, cancellation, on_waiting)
        with folder_for("a trace") as folder:
            profiling = Profiling(
                artifact_path=str(artifact.absolute()),
                threads=settings.threads,
                run_count=settings.profile_runs,
                folder=folder,
                flush_denormals=settings.flush_denormals,
                onnxruntime=settings.onnxruntime,
            )
            answer = self._ask(
                settings, profiling, limit_s, cancellation, while_it_starts=passage.wait
            )
            if not isinstance(answer, RunsProfiled):
                raise MeasuringFailed(ReasonCode.RUBBISH, "the child answered another question")
            return Profiled(
                runtime=replace(runtime, build=answer.build),
                times=answer.times,
                trace_gzip=_kept_trace(profiling),
                affinity=answer.affinity,
                started_unready=passage.in_the_way,
            )

    def check(self, settings: MeasureSettings) -> RuntimeInfo:
        """The runtime to measure with.

        Raises:
            MeasuringFailed: the settings cannot hold on this device.
        """
        found = [each for each in self.runtimes if each.runtime is settings.runtime]
        if not found:
            raise MeasuringFailed(
                ReasonCode.NO_RUNTIME,
                f"{settings.runtime.value} is not installed on this device: "
                f"pip install '.[agent,{settings.runtime.value}]' there, in edgerank's folder",
            )
        check_cores(settings, self.usable_cpus())
        check_execution_provider(settings, found[0])
        return found[0]

    def _baseline_rss_bytes(self, settings: MeasureSettings, cancellation: Cancellation) -> int:
        """The memory of a child that loads the runtime and makes the input, but has no network."""
        key = (settings.runtime, settings.takes, settings.cores)
        if key not in self._baselines:
            answer = self._ask(settings, None, self.start_allowance_s, cancellation)
            if not isinstance(answer, Baseline):
                raise MeasuringFailed(ReasonCode.RUBBISH, "the child answered another question")
            self._baselines[key] = answer.peak_rss_bytes
        return self._baselines[key]

    def _sample(
        self,
        sampling: Sampling,
        settings: MeasureSettings,
        cancellation: Cancellation,
        passage: "_Passage",
    ) -> tuple[Sampled, tuple[DeviceState, ...]]:
        """What a child sampled, and the device's states meanwhile."""
        limit_s = self.start_allowance_s + sampling_limit_ms(settings) / 1_000
        with DeviceWatch(self.roots, self.now_unix_ms) as watch:
            answer = self._ask(
                settings,
                sampling,
                limit_s,
                cancellation,
                while_it_starts=passage.wait,
                on_phase=watch.on_phase,
            )
        if not isinstance(answer, Sampled):
            raise MeasuringFailed(ReasonCode.RUBBISH, "the child answered another question")
        return answer, watch.states

    def _ask(
        self,
        settings: MeasureSettings,
        work: Sampling | Profiling | None,
        limit_s: float,
        cancellation: Cancellation,
        *,
        while_it_starts: Callable[[int], None] = lambda _pid: None,
        on_phase: OnPhase = lambda _pid, _phase: None,
    ) -> ChildAnswer:
        def request_for(pid: int) -> ChildRequest:
            while_it_starts(pid)
            return ChildRequest(
                parent_pid=os.getpid(),
                # Of this moment: others may have taken memory meanwhile.
                memory_limit_bytes=self.memory_limit_bytes(),
                runtime=settings.runtime,
                takes=settings.takes,
                input_seed=settings.input_seed,
                cores=settings.cores,
                sampling=work if isinstance(work, Sampling) else None,
                profiling=work if isinstance(work, Profiling) else None,
            )

        return self.children.get(settings.runtime, PythonChild(self.command)).ask(
            request_for,
            limit_s=limit_s,
            cancellation=cancellation,
            proc_root=self.roots.proc,
            on_phase=on_phase,
            inherited=() if work is None else own_descriptors(work.files),
        )


@dataclass
class _Passage:
    """Waits at a gate while a child starts, and remembers what was in the way all the same."""

    watch: GateWatch
    gate: StartGate
    cancellation: Cancellation
    on_waiting: OnWaiting
    in_the_way: Reason | None = None

    def wait(self, pid: int) -> None:
        """Block until the device is ready, the child's own start not counted."""
        self.in_the_way = self.watch.await_open(self.gate, self.cancellation, self.on_waiting, pid)


def _sampling(
    artifact: Path, reference: Path | None, settings: MeasureSettings, process_spread: float
) -> Sampling:
    return Sampling(
        artifact_path=str(artifact.absolute()),
        threads=settings.threads,
        relative_half_width=settings.relative_half_width,
        time_budget_ms=settings.time_budget_ms,
        process_spread=process_spread,
        flush_denormals=settings.flush_denormals,
        onnxruntime=settings.onnxruntime,
        windows=settings.sustained_minutes,
        window_ms=_MS_PER_MINUTE,
        paced_fps=settings.paced_fps,
        paced_ms=settings.paced_ms,
        reference_path=None if reference is None else str(reference.absolute()),
    )


def _kept_trace(profiling: Profiling) -> bytes:
    try:
        return profiling.trace_path.read_bytes()
    except OSError as error:
        raise MeasuringFailed(ReasonCode.RUBBISH, f"the child left no trace: {error}") from error


def _delegates(settings: MeasureSettings) -> bool:
    return settings.onnxruntime is not None and settings.onnxruntime.delegates


def sampling_limit_ms(settings: MeasureSettings) -> float:
    """What warm-up and sampling may take together."""
    sustained_ms = settings.sustained_minutes * _MS_PER_MINUTE
    # As much again for a device that stalls; frames drop where an inference is slow.
    return _BUDGETS * settings.time_budget_ms + sustained_ms + 2 * settings.paced_ms


def _repetition(
    sampled: Sampled, during: tuple[DeviceState, ...], baseline_rss_bytes: int
) -> Repetition:
    return Repetition(
        latency_ns=sampled.latency_ns,
        warmup_ns=sampled.warmup_ns,
        warmup_settled=sampled.warmup_settled,
        load_ns=sampled.load_ns,
        peak_rss_bytes=sampled.peak_rss_bytes,
        pss_bytes=sampled.pss_bytes,
        memory=sampled.memory,
        baseline_rss_bytes=baseline_rss_bytes,
        busy_threads=sampled.busy_threads,
        stop_reason=sampled.stop_reason,
        before=sampled.before,
        after=sampled.after,
        during=during,
        samples_per_minute=sampled.samples_per_window,
        output_check=sampled.output_check,
        paced=sampled.paced,
        providers=sampled.providers,
        averaged=sampled.averaged,
    )
