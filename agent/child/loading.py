"""Makes an artifact ready to run inside the measuring child, exactly as it is asked for."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.child.denormals import flushes, set_flushing
from agent.child.messages import Profiling, Sampling
from agent.runtimes import LoadSettings, Network, RuntimeRefused

NetworkT = TypeVar("NetworkT", bound=Network)


def load_network(
    load: Callable[[Path, LoadSettings], NetworkT], asked: Sampling | Profiling
) -> tuple[NetworkT, int]:
    """A loaded artifact; also tells how long `load` took, in ns.

    Raises:
        RuntimeRefused: the runtime cannot, or the processor does not count subnormal numbers as 0.
    """
    set_flushing(asked.flush_denormals)
    settings = LoadSettings(
        threads=asked.threads,
        flush_denormals=asked.flush_denormals,
        onnxruntime=asked.onnxruntime,
    )
    begin_ns = time.perf_counter_ns()
    network = load(Path(asked.artifact_path), settings)
    load_ns = time.perf_counter_ns() - begin_ns
    if asked.flush_denormals and not flushes():
        raise RuntimeRefused(
            "subnormal numbers do not count as 0 on this device, whatever it is told; "
            "measure without flushing denormals"
        )
    return network, load_ns
