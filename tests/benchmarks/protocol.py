"""The whole protocol on a simulated clock: the agent's own loop, the controller's own figures."""

from collections.abc import Iterable, Sequence

import numpy as np

from agent.child.sampling import sample
from agent.child.stopping import StoppingRule
from protos.measuring import OutputCheck, Repetition, StopReason
from tests.benchmarks.measuring.series import Latencies

NS_PER_MS = 1_000_000


class SimulatedRun:
    """An inference that takes its time on a clock of its own, and on no other."""

    def __init__(self, latency_ns: Iterable[int]) -> None:
        """Take these latencies, in order; there must be enough of them."""
        self._latency_ns = iter(latency_ns)
        self._now_ns = 0

    def __call__(self) -> None:
        """Run once."""
        self._now_ns += next(self._latency_ns)

    def clock_ns(self) -> int:
        """The time on this clock."""
        return self._now_ns


def measure(latency_ms: Latencies, rule: StoppingRule, rng: np.random.Generator) -> Repetition:
    """One repetition of a process that would take these latencies."""
    latency_ns = np.maximum(latency_ms * NS_PER_MS, 1).astype(np.int64).tolist()
    run = SimulatedRun(latency_ns)
    taken = sample(run, rule, run.clock_ns, rng)
    return repetition(taken.latency_ns, StopReason(taken.stop_reason.value))


def repetition(latency_ns: Sequence[int], stop_reason: StopReason) -> Repetition:
    """A repetition that is known by its samples only."""
    return Repetition(
        latency_ns=tuple(latency_ns),
        warmup_ns=(),
        load_ns=0,
        peak_rss_bytes=0,
        baseline_rss_bytes=0,
        busy_threads=1,
        stop_reason=stop_reason,
        output_check=OutputCheck(
            input_count=4, max_relative_difference=0.0, l2_relative_difference=0.0
        ),
    )
