"""The fresh process of one repetition or one profile: `python -m agent.child`.

It knows one runtime. Whatever the runtime does to it, a crash, a hang, running out of memory, is
seen by the agent as a result with a reason.
"""

import gc
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from agent.child.answers import check_outputs
from agent.child.confinement import (
    CoresRefused,
    bind_to_parent,
    confine,
    go_first_when_memory_ends,
    limit_memory,
    set_stdout_aside,
    stay_on_cores,
)
from agent.child.inputs import Inputs, make_inputs
from agent.child.last_words import tells_of_no_memory
from agent.child.loading import load_network
from agent.child.messages import (
    Baseline,
    ChildRequest,
    Line,
    Phase,
    RunsProfiled,
    Sampled,
    Sampling,
    decode_request,
    say,
)
from agent.child.pacing import pace
from agent.child.profiling import profile, providers_used
from agent.child.sampling import Run, Samples, sample, sample_windows, warm_up
from agent.child.stopping import LEAST_START_NS, StoppingRule, warmed_up
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.process_memory import (
    PeakMeter,
    anonymous_bytes,
    peak_rss_bytes,
    pss_bytes,
    read_residence,
)
from agent.device.state import read_device_state
from agent.device.threads import (
    ThreadMeter,
    cores_of_threads,
)
from agent.runtimes import Network, RuntimeModule, RuntimeRefused, import_runtime
from protos.fleet import failed
from protos.inputs import NetworkInput
from protos.measuring import (
    PACED_SETTLING_MS,
    OutputCheck,
    PacedSamples,
    ProcessMemory,
    ProviderUse,
)
from protos.reasons import ReasonCode
from protos.reference.outputs import ReferenceUnreadable, read_outputs

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def main() -> None:
    """Answer the one request on stdin."""
    pipe = set_stdout_aside()
    asked = sys.stdin.buffer.read()
    if not asked:
        # Whoever started this process is gone, or has given it up.
        return
    request = decode_request(asked)
    bind_to_parent(request.parent_pid)
    limit_memory(request.memory_limit_bytes)
    go_first_when_memory_ends(Roots().proc)
    confine(request.files, request.trace_folder)
    say(pipe, _answer(request, pipe))
    pipe.close()
    # Runtimes that crash while they are taken down would turn a good answer into a failure.
    os._exit(0)


def _answer(request: ChildRequest, pipe: BinaryIO) -> Line:
    try:
        return _work(request, pipe)
    except ImportError as error:
        return failed(
            ReasonCode.NO_RUNTIME,
            f"{request.runtime.value} does not load on this device: {error}",
        )
    except RuntimeRefused as error:
        no_memory = tells_of_no_memory(str(error))
        reason = ReasonCode.OUT_OF_MEMORY if no_memory else ReasonCode.RUNTIME_ERROR
        return failed(reason, str(error))
    except CoresRefused as error:
        return failed(ReasonCode.RUNTIME_ERROR, str(error))
    except MemoryError as error:
        return failed(
            ReasonCode.OUT_OF_MEMORY,
            f"the child ran into its memory limit: {str(error) or 'no memory left'}",
        )


def _work(request: ChildRequest, pipe: BinaryIO) -> Sampled | RunsProfiled | Baseline:
    stay_on_cores(request.cores)
    say(pipe, Phase.IMPORTING)
    runtime = import_runtime(request.runtime)
    inputs = make_inputs(request.takes, request.input_seed)
    answer: Sampled | RunsProfiled
    if request.profiling is not None:
        answer = profile(runtime, request.profiling, inputs, lambda phase: say(pipe, phase))
    elif request.sampling is not None:
        answer = _measure(runtime, request.sampling, request.takes, inputs, pipe)
    else:
        return _baseline(runtime)
    if request.cores and answer.affinity != tuple(sorted(request.cores)):
        raise CoresRefused(
            f"{request.runtime.value} let its threads run on the cores {answer.affinity}, "
            f"not only on {request.cores}; measure on all cores"
        )
    return answer


def _baseline(runtime: RuntimeModule) -> Baseline:
    """Do everything that measuring does, but without a network, and tell the memory of it."""
    roots = Roots()
    read_device_state(roots, now_unix_ms)
    warm_up(
        lambda: None,
        clock_ns=time.perf_counter_ns,
        budget_ns=NS_PER_MS,
        on_phase=lambda _: None,
    )
    # Before the library's file is read through, which is no memory of the runtime's.
    peak = peak_rss_bytes(roots.proc)
    return Baseline(
        peak_rss_bytes=peak,
        build=runtime.build(),
        execution_providers=runtime.execution_providers(),
        extra_kernels=runtime.extra_kernels(),
    )


def _measure(
    runtime: RuntimeModule,
    sampling: Sampling,
    takes: NetworkInput,
    inputs: Inputs,
    pipe: BinaryIO,
) -> Sampled:
    roots = Roots()
    own = roots.proc / "self"
    peaks = PeakMeter(roots.proc)
    say(pipe, Phase.LOADING)
    network, load_ns = load_network(runtime.load, sampling)
    load_peak = peaks.end_phase()
    network.set_input(inputs.images, inputs.constants)
    # From here on garbage collection, which comes at random moments, would land in samples.
    gc.collect()
    gc.disable()
    before = read_device_state(roots, now_unix_ms)
    warmup_ns, memory = _warm_up(network.run, sampling, peaks, pipe)
    pss = pss_bytes(roots.proc)
    say(pipe, Phase.SAMPLING)
    threads = ThreadMeter(own, time.perf_counter_ns)
    start_ns = LEAST_START_NS + load_ns + sum(warmup_ns)
    samples = _sample(network.run, sampling, start_ns)
    work = threads.stop()
    sampled_anonymous = anonymous_bytes(roots.proc)
    say(pipe, Phase.REPORTING)
    after = read_device_state(roots, now_unix_ms)
    paced = _pace(network.run, sampling, pipe)
    # At last, so that neither the first run nor memory has any of it.
    output_check = _compare(network, sampling, takes, inputs, pipe)
    build = network.build()
    # Its threads go with it.
    affinity = cores_of_threads(own)
    # A board may have room for one.
    del network
    providers = _profile(runtime, sampling, inputs, pipe)
    return Sampled(
        build=build,
        latency_ns=samples.latency_ns,
        warmup_ns=warmup_ns,
        warmup_settled=warmed_up(warmup_ns),
        load_ns=load_ns,
        peak_rss_bytes=peaks.highest_bytes,
        pss_bytes=pss,
        memory=replace(
            memory,
            load_peak_rss_bytes=load_peak,
            sampled_anonymous_bytes=sampled_anonymous,
        ),
        busy_threads=work.busy_threads,
        stop_reason=samples.stop_reason,
        before=before,
        after=replace(after, waiting_share=work.waiting_share),
        affinity=affinity,
        samples_per_window=samples.samples_per_window,
        output_check=output_check,
        paced=paced,
        providers=providers,
    )


def _profile(
    runtime: RuntimeModule, sampling: Sampling, inputs: Inputs, pipe: BinaryIO
) -> tuple[ProviderUse, ...]:
    """What each execution provider ran; none where nobody asks."""
    if sampling.trace_folder is None:
        return ()
    say(pipe, Phase.PROFILING)
    return providers_used(runtime, sampling, inputs, Path(sampling.trace_folder))


def _pace(run: Run, sampling: Sampling, pipe: BinaryIO) -> PacedSamples | None:
    """Inferences on a clock; None where none were asked for.

    Behind the samples, whose figure so stays what it is without them, and in the same process.
    """
    if not sampling.paced_fps:
        return None
    say(pipe, Phase.PACING)
    return pace(
        run,
        interval_ns=round(NS_PER_S / sampling.paced_fps),
        length_ns=sampling.paced_ms * NS_PER_MS,
        settling_ns=PACED_SETTLING_MS * NS_PER_MS,
        clock_ns=time.perf_counter_ns,
        sleep_ns=lambda for_ns: time.sleep(for_ns / NS_PER_S),
    )


def _compare(
    network: Network, sampling: Sampling, takes: NetworkInput, inputs: Inputs, pipe: BinaryIO
) -> OutputCheck | None:
    """What the outputs are beside those that they should be; None where nobody can tell."""
    if sampling.reference_path is None:
        return None
    say(pipe, Phase.COMPARING)
    try:
        reference = read_outputs(Path(sampling.reference_path))
    except ReferenceUnreadable:
        # The controller is of another version: its digest was looked at when it came.
        return None
    return check_outputs(network, reference, takes, inputs.constants)


def _warm_up(
    run: Run, sampling: Sampling, peaks: PeakMeter, pipe: BinaryIO
) -> tuple[tuple[int, ...], ProcessMemory]:
    """The times of all runs until it is warm, and how memory divides then."""
    reached: dict[Phase, int | None] = {}

    def begin(phase: Phase) -> None:
        reached[phase] = peaks.end_phase()
        say(pipe, phase)

    warmup_ns = warm_up(
        run,
        clock_ns=time.perf_counter_ns,
        # Half of what sampling may take: a slow network is not warmed up for longer than measured.
        budget_ns=sampling.time_budget_ms * NS_PER_MS // 2,
        on_phase=begin,
    )
    # Before sampling, whose samples need memory of their own.
    steady_peak = peaks.end_phase()
    memory = replace(
        read_residence(Roots().proc, Path(sampling.artifact_path)),
        # What one phase reached is known when the next begins.
        first_run_peak_rss_bytes=reached[Phase.WARMING_UP],
        steady_peak_rss_bytes=steady_peak,
    )
    return warmup_ns, memory


def _sample(run: Run, sampling: Sampling, start_ns: int) -> Samples:
    clock_ns, rng = time.perf_counter_ns, np.random.default_rng(0)
    if sampling.windows:
        window_ns = sampling.window_ms * NS_PER_MS
        return sample_windows(
            run, windows=sampling.windows, window_ns=window_ns, clock_ns=clock_ns, rng=rng
        )
    budget_ns = sampling.time_budget_ms * NS_PER_MS
    rule = StoppingRule(
        relative_half_width=sampling.relative_half_width,
        time_budget_ns=budget_ns,
        process_spread=sampling.process_spread,
        start_ns=start_ns,
    )
    return sample(run, rule, clock_ns, rng)


if __name__ == "__main__":
    main()
