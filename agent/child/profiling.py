"""Profiles a network inside the measuring child: where its time goes, and what ran which node."""

import gzip
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent.child.inputs import Inputs
from agent.child.loading import load_network
from agent.child.messages import Phase, Profiling, RunsProfiled, Sampling
from agent.child.operator_profile import TraceUnreadable, read_operator_times
from agent.device.kernel_files import Roots
from agent.device.threads import cores_of_threads
from agent.runtimes import Network, RuntimeModule, RuntimeRefused
from protos.measuring import ProviderUse

# Twenty inferences of a network of a thousand nodes are about 12 MB, 0.5 MB when compressed.
MAX_TRACE_BYTES = 16 * 1024**2
# In each of the two networks, the plain and the profiled one. Few, since the trace has them.
_WARM_UP_RUNS = 5


def profile(
    runtime: RuntimeModule,
    profiling: Profiling,
    inputs: Inputs,
    on_phase: Callable[[Phase], None],
) -> RunsProfiled:
    """Profile `profiling.run_count` inferences, and leave the trace at `profiling.trace_path`.

    Raises:
        RuntimeRefused: the runtime does not take the artifact, has no profiler, or wrote a trace
            that is too long or cannot be read.
    """
    on_phase(Phase.LOADING)
    plain, _ = load_network(runtime.load, profiling)
    on_phase(Phase.WARMING_UP)
    unprofiled_run_ns = _times(plain, inputs, profiling.run_count)
    # Before the other is loaded: a board may have room for one.
    del plain
    load_profiled = partial(runtime.load_profiled, folder=Path(profiling.folder))
    profiled, _ = load_network(load_profiled, profiling)
    on_phase(Phase.PROFILING)
    _times(profiled, inputs, profiling.run_count)
    trace_path = profiled.end_profiling()
    on_phase(Phase.REPORTING)
    trace = _read(trace_path, profiling.run_count)
    try:
        times = read_operator_times(trace, profiling.run_count, unprofiled_run_ns)
    except TraceUnreadable as error:
        raise RuntimeRefused(str(error)) from error
    try:
        profiling.trace_path.write_bytes(gzip.compress(trace, mtime=0))
    except OSError as error:
        raise RuntimeRefused(f"the trace could not be kept: {error}") from error
    return RunsProfiled(
        build=profiled.build(), times=times, affinity=cores_of_threads(Roots().proc / "self")
    )


def providers_used(
    runtime: RuntimeModule, sampling: Sampling, inputs: Inputs, folder: Path
) -> tuple[ProviderUse, ...]:
    """What each execution provider ran of one inference, the one that took the longest first.

    None where the runtime has no profiler, its trace cannot be read, or there is no memory for it:
    figures stand without it.
    """
    try:
        load = partial(runtime.load_profiled, folder=folder)
        network, _ = load_network(load, sampling)
        _times(network, inputs, run_count=1)
        layers = read_operator_times(_read(network.end_profiling(), 1), 1, [1]).layers
    except (RuntimeRefused, TraceUnreadable, MemoryError):
        return ()
    uses = [
        ProviderUse(
            provider=provider,
            node_count=sum(each.execution_provider == provider for each in layers),
            total_ns=sum(each.total_ns for each in layers if each.execution_provider == provider),
        )
        for provider in dict.fromkeys(each.execution_provider for each in layers)
    ]
    return tuple(sorted(uses, key=lambda use: -use.total_ns))


def _times(network: Network, inputs: Inputs, run_count: int) -> list[int]:
    """Nanoseconds of each inference after a warm-up."""
    network.set_input(inputs.images, inputs.constants)
    for _ in range(_WARM_UP_RUNS):
        network.run()
    taken_ns = []
    for _ in range(run_count):
        begin_ns = time.perf_counter_ns()
        network.run()
        taken_ns.append(time.perf_counter_ns() - begin_ns)
    return taken_ns


def _read(path: Path, run_count: int) -> bytes:
    size_bytes = path.stat().st_size
    if size_bytes <= MAX_TRACE_BYTES:
        return path.read_bytes()
    # The same inferences take more digits when they are slower, so a tenth is left free.
    room_for = (run_count + _WARM_UP_RUNS) * MAX_TRACE_BYTES * 9 // (10 * size_bytes)
    room_for -= _WARM_UP_RUNS
    raise RuntimeRefused(
        f"a trace of {run_count} inferences of this network is longer than "
        f"{MAX_TRACE_BYTES // 1024**2} MiB; "
        + (f"profile at most {room_for}" if room_for > 0 else "it has too many operators")
    )
