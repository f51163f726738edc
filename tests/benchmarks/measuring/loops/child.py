"""The Python child's loop and a bare one, in turn over the network that the child's code loaded.

Run as: python -m tests.benchmarks.measuring.loops.child SECONDS BLOCK_MS <REQUEST
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from agent.child.inputs import make_inputs
from agent.child.loading import load_network
from agent.child.messages import decode_request
from agent.child.sampling import Run, sample, warm_up
from agent.child.stopping import StoppingRule
from agent.runtimes import import_runtime
from protos.runtimes import Runtime

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
# No interval is as narrow.
_NEVER = -1.0

BareLoop = Callable[[int], None]


def main() -> None:
    """Takes turns for SECONDS, with blocks of BLOCK_MS; prints what each block came to."""
    length_ns, block_ns = int(sys.argv[1]) * _NS_PER_S, int(sys.argv[2]) * _NS_PER_MS
    request = decode_request(sys.stdin.buffer.read())
    sampling = request.sampling
    assert sampling is not None
    network, _ = load_network(import_runtime(request.runtime).load, sampling)
    inputs = make_inputs(request.takes, request.input_seed)
    network.set_input(inputs.images, inputs.constants)
    # As the child does from here on.
    gc.collect()
    gc.disable()
    clock_ns = time.perf_counter_ns
    warmup_ns = warm_up(
        network.run,
        clock_ns=clock_ns,
        budget_ns=sampling.time_budget_ms * _NS_PER_MS // 2,
        on_phase=lambda _: None,
    )
    turns = Turns(network.run, _bare_loop(request.runtime, network), block_ns, warmup_ns[-1])
    turns.take(length_ns)
    told = {"measured_ns": turns.measured_ns, "bare_ns": turns.bare_ns}
    sys.stdout.write(json.dumps(told))


def _bare_loop(runtime: Runtime, network: Any) -> BareLoop:
    """As a person would write it: of the same session, on the same inputs, and nothing else."""
    if runtime is Runtime.ONNXRUNTIME:
        session, feed = network._session, network._feed

        def run_session(count: int) -> None:
            for _ in range(count):
                session.run(None, feed)

        return run_session
    predictor = network._predictor

    def run_predictor(count: int) -> None:
        for _ in range(count):
            predictor.run()

    return run_predictor


class Turns:
    """Blocks of both loops, and the mean time of an inference in each, ns.

    That of the child's loop is of the latencies that it took; that of the bare loop of one reading
    of the clock before the block and one behind it.
    """

    def __init__(self, run: Run, bare_loop: BareLoop, block_ns: int, run_ns: float) -> None:
        self.measured_ns: list[float] = []
        self.bare_ns: list[float] = []
        self._run = run
        self._bare_loop = bare_loop
        self._block_ns = block_ns
        self._run_ns = run_ns
        self._rng = np.random.default_rng(0)

    def take(self, length_ns: int) -> None:
        """For so long; each is first every second time, so that what drifts falls out."""
        until_ns = time.perf_counter_ns() + length_ns
        while time.perf_counter_ns() < until_ns:
            # One that takes longer than a block is a block.
            count = max(1, round(self._block_ns / self._run_ns))
            for take in (self._measure, self._run_bare, self._run_bare, self._measure):
                take(count)
            # Neither of them was interrupted, or one was.
            self._run_ns = min(self.bare_ns[-2:])

    def _measure(self, count: int) -> None:
        # Time for twice as many, of which the first count: else a block that is interrupted had
        # fewer than the bare loop's.
        budget_ns = round(2 * count * self._run_ns) if count > 1 else 0
        rule = StoppingRule(relative_half_width=_NEVER, time_budget_ns=budget_ns)
        taken = sample(self._run, rule, time.perf_counter_ns, self._rng).latency_ns[:count]
        self.measured_ns.append(sum(taken) / len(taken))

    def _run_bare(self, count: int) -> None:
        begin_ns = time.perf_counter_ns()
        self._bare_loop(count)
        self.bare_ns.append((time.perf_counter_ns() - begin_ns) / count)


if __name__ == "__main__":
    main()
