"""Measuring: what a repetition is told, and what it tells."""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

from protos.device import DeviceState
from protos.inputs import NetworkInput
from protos.reasons import Reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

PACED_SETTLING_MS: Final = 1_000
"""How long paced inference runs before it counts, while clocks fall to where idle gaps let them."""
# Fewer tell little of a median, and nothing of a tail.
_LEAST_FRAMES: Final = 30
_MOST_PACED_MS: Final = 60_000


class StopReason(Enum):
    """Why a repetition took no more samples."""

    PRECISE = "precise"
    """The interval is as narrow as was asked for."""
    TIME_BUDGET = "time_budget"
    """Its time was over."""
    NOISE_STABLE = "noise_stable"
    """More samples would tell nothing new."""
    BELOW_PROCESS_SPREAD = "below_process_spread"
    """Its error is small beside what processes differ by."""
    SUSTAINED = "sustained"
    """Its minutes are over."""


@dataclass(frozen=True, kw_only=True)
class StartGate:
    """What a device has to be like before a repetition starts; None is no condition.

    What the kernel does not tell is no obstacle.

    Attributes:
        max_celsius: the processor's hottest zone is below it, degrees Celsius, or back at its
            resting level.
        max_load_by_others: cores' time that others take, at most; 0.5 is half of one core.
        min_battery_percent: charge at least, percent, of a device that runs on its battery.
        deadline_ms: how long a start may wait, ms; then it goes on all the same.
        is_strict: whether the attempt fails then instead.
    """

    max_celsius: float | None = None
    max_load_by_others: float | None = None
    min_battery_percent: int | None = None
    deadline_ms: int = 0
    is_strict: bool = False


@dataclass(frozen=True, kw_only=True)
class MeasureSettings:
    """Everything that one repetition is told, besides the artifact.

    Attributes:
        runtime: what it computes with.
        threads: threads that the runtime computes with, at least 1.
        relative_half_width: wanted half-width of the median's 95 % interval, relative to the
            median: 0.02 is +-2 %.
        time_budget_ms: the longest that one repetition may sample, warm-up not counted, ms.
        takes: what every inference is given.
        input_seed: seed of the images.
        cores: cores that a child may run on, ascending; empty is every core that the agent may
            use.
        flush_denormals: whether subnormal numbers count as 0.
        onnxruntime: what ONNX Runtime alone is told; None for other runtimes.
        gate: what the device has to be like before a repetition starts.
        sustained_minutes: minutes of continuous inference, in the place of half-width and budget;
            0 is neither.
        profile_runs: inferences to profile in the place of measuring; 0 measures.
        paced_fps: frames a second: behind its samples it runs once for each frame that comes on a
            clock, at rest between them; 0 does not.
    """

    runtime: Runtime
    threads: int
    relative_half_width: float
    time_budget_ms: int
    takes: NetworkInput
    input_seed: int
    cores: tuple[int, ...] = ()
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None
    gate: StartGate = StartGate()
    sustained_minutes: int = 0
    profile_runs: int = 0
    paced_fps: float = 0.0

    @property
    def paced_ms(self) -> int:
        """How long one repetition runs on its clock, ms; see `paced_ms`."""
        return paced_ms(self.paced_fps, self.time_budget_ms)


def paced_ms(fps: float, time_budget_ms: int) -> int:
    """How long a repetition runs on a clock, ms: half of its time budget, or 30 frames if longer.

    Args:
        fps: frames a second; 0 is no clock.
        time_budget_ms: the longest that it may sample, ms.
    """
    if not fps:
        return 0
    least_ms = math.ceil(_LEAST_FRAMES * 1_000 / fps)
    return PACED_SETTLING_MS + max(least_ms, min(time_budget_ms // 2, _MOST_PACED_MS))


@dataclass(frozen=True, kw_only=True)
class PacedSamples:
    """Inferences that began on a clock, in order; a frame that came meanwhile was dropped.

    Attributes:
        latency_ns: what each took, ns.
        delay_ns: how long after its frame each began, ns.
    """

    latency_ns: tuple[int, ...]
    delay_ns: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class AveragedRuns:
    """What is known of inferences of which a program tells the mean alone.

    Attributes:
        run_count: inferences of the mean.
        shortest_ns: of them, ns.
        longest_ns: of them, ns.
    """

    run_count: int
    shortest_ns: int
    longest_ns: int


@dataclass(frozen=True, kw_only=True)
class ProcessMemory:
    """How the resident memory of a whole child divides, by phase and by kind.

    Attributes:
        load_peak_rss_bytes: high-water mark while it loaded the artifact, bytes; None where the
            kernel does not tell.
        first_run_peak_rss_bytes: high-water mark of the first run, bytes; None where the kernel
            does not tell.
        steady_peak_rss_bytes: high-water mark of the warm-up, bytes; None where the kernel does
            not tell.
        private_dirty_bytes: written to and not shared, when it was warmed up, bytes; None where
            the kernel does not tell.
        anonymous_bytes: heap and stacks, when it was warmed up, bytes; None where the kernel does
            not tell.
        file_backed_bytes: pages of mapped files: libraries, and the artifact where the runtime
            maps it, when it was warmed up, bytes; None where the kernel does not tell.
        mapped_artifact_bytes: of those, the artifact's; 0 where the runtime copies it into its
            heap, bytes; None where the kernel does not tell.
        sampled_anonymous_bytes: heap and stacks when sampling had ended, samples included, bytes;
            None where the kernel does not tell.
    """

    load_peak_rss_bytes: int | None = None
    first_run_peak_rss_bytes: int | None = None
    steady_peak_rss_bytes: int | None = None
    private_dirty_bytes: int | None = None
    anonymous_bytes: int | None = None
    file_backed_bytes: int | None = None
    mapped_artifact_bytes: int | None = None
    sampled_anonymous_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class OutputCheck:
    """What a child's outputs on the reference inputs were, beside those that they should be.

    Attributes:
        input_count: inputs that were compared.
        max_relative_difference: largest max|a-b| / max|b| over inputs and outputs; None where it
            cannot be said: outputs are not finite, or of another shape.
        l2_relative_difference: largest ||a-b|| / ||b|| over the same, by sums of squares; None
            where it cannot be said.
        top1_agreement: share of score vectors of the first output whose largest score is that of
            the reference, 0 to 1; no accuracy; None where there is no vector of scores, or it is
            too long to be kept whole.
        nonfinite_share: share of all numbers that are NaN or infinite, 0 to 1.
        is_constant: whether an output is the same on every input, and should not be.
        is_other_shape: whether there are other outputs, or outputs of another shape.
    """

    input_count: int
    max_relative_difference: float | None = None
    l2_relative_difference: float | None = None
    top1_agreement: float | None = None
    nonfinite_share: float = 0.0
    is_constant: bool = False
    is_other_shape: bool = False


@dataclass(frozen=True, kw_only=True)
class ProviderUse:
    """What an execution provider ran of one inference.

    Attributes:
        provider: by the runtime's own name.
        node_count: nodes as the runtime runs them: a part that a provider takes whole is one.
        total_ns: what they took, ns.
    """

    provider: str
    node_count: int
    total_ns: int


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """What one child process measured.

    Attributes:
        latency_ns: every timed inference, in order, ns.
        warmup_ns: the inferences before, in order, ns; the first is the first run.
        load_ns: reading the artifact and making it ready, ns.
        peak_rss_bytes: high-water mark of the whole process until sampling began, bytes.
        baseline_rss_bytes: the same of a process with the runtime and no model, bytes.
        busy_threads: threads that used the CPU while it sampled.
        stop_reason: why it took no more samples.
        pss_bytes: proportional set size when it was warmed up, bytes; None where the kernel does
            not give it.
        before: the device before; None is unknown.
        after: the device after; None is unknown.
        during: the device about once a second while it sampled, farther apart where there would be
            more than 120 states.
        memory: how its memory divides; None is unknown.
        is_suspect: whether the sentinel drifted meanwhile; figures are derived without it, unless
            fewer than two others are left: then all count, and the verdict is throttled.
        samples_per_minute: of sustained inference, how many of its samples each minute has, in
            order; else empty.
        warmup_settled: whether its windows agreed when the warm-up ended; else its runs or its
            time were used up; None is unknown.
        started_unready: what was in the way of its start gate when it started all the same; figures
            are derived without it, unless fewer than two others are left: then all count, and the
            verdict is disturbed. None is nothing.
        waited_ms: how long its start waited for the device to be ready, ms.
        output_check: what its outputs were when it had sampled; None where they were not compared.
        paced: inferences on a clock behind the samples; None where none were asked for.
        at_rest: power and battery just before it began, in order; one where a battery is charged,
            empty where the kernel tells no power.
        providers: of what was told another execution provider than the CPU's, what each ran in one
            profiled inference behind all others; empty where that is not known.
        averaged: of a program that tells no single inference: `latency_ns` is then one number, the
            mean of these; None where it holds single inferences.
    """

    latency_ns: tuple[int, ...]
    warmup_ns: tuple[int, ...]
    load_ns: int
    peak_rss_bytes: int
    baseline_rss_bytes: int
    busy_threads: int
    stop_reason: StopReason
    pss_bytes: int | None = None
    before: DeviceState | None = None
    after: DeviceState | None = None
    during: tuple[DeviceState, ...] = ()
    memory: ProcessMemory | None = None
    is_suspect: bool = False
    samples_per_minute: tuple[int, ...] = ()
    warmup_settled: bool | None = None
    started_unready: Reason | None = None
    waited_ms: int = 0
    output_check: OutputCheck | None = None
    paced: PacedSamples | None = None
    at_rest: tuple[DeviceState, ...] = ()
    providers: tuple[ProviderUse, ...] = ()
    averaged: AveragedRuns | None = None


@dataclass(frozen=True, kw_only=True)
class LayerTime:
    """What one node of the graph took, as the runtime runs it; nodes inside it do not count.

    Attributes:
        name: as the runtime calls it, whose optimiser makes nodes that the artifact does not have.
        operator: what it computes: `Conv`, `ReorderOutput`.
        execution_provider: which part of the runtime ran it, by the runtime's own name.
        call_count: how often it ran in all profiled inferences.
        total_ns: what it took in all of them, ns.
        median_ns: median of one inference, ns.
        output_shapes: a text for each output as it was last: `1x64x56x56`; empty for a scalar.
    """

    name: str
    operator: str
    execution_provider: str
    call_count: int
    total_ns: int
    median_ns: int
    output_shapes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OperatorTimes:
    """Where the time of the profiled inferences went.

    Attributes:
        run_count: profiled inferences.
        total_ns: wall time of all of them, ns.
        run_median_ns: of the median one, ns; the profiler's own writing included.
        unprofiled_run_median_ns: median of as many inferences of the same process with the
            profiler off, ns.
        layers: in the order in which they first ran.
    """

    run_count: int
    total_ns: int
    run_median_ns: int
    unprofiled_run_median_ns: int
    layers: tuple[LayerTime, ...]
