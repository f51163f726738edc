"""The timed loops of a repetition: warm-up, then samples until the stopping rule is content."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.child_messages import Phase
from agent.domain import StopReason
from agent.stopping import StoppingRule, next_batch, warmup_ended

Run = Callable[[], object]
ClockNs = Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Every timed inference in order, and why no more were taken."""

    latency_ns: tuple[int, ...]
    stop_reason: StopReason


def warm_up(
    run: Run, *, clock_ns: ClockNs, budget_ns: int, on_phase: Callable[[Phase], None]
) -> tuple[int, ...]:
    """Run until `agent.stopping.warmup_ended`; the times of all runs, in order."""
    on_phase(Phase.FIRST_RUN)
    begin_ns = clock_ns()
    run()
    warmup_ns = [clock_ns() - begin_ns]
    on_phase(Phase.WARMING_UP)
    while not warmup_ended(warmup_ns, sum(warmup_ns), budget_ns):
        begin_ns = clock_ns()
        run()
        warmup_ns.append(clock_ns() - begin_ns)
    return tuple(warmup_ns)


def sample(run: Run, rule: StoppingRule, clock_ns: ClockNs, rng: np.random.Generator) -> Samples:
    """Take samples in growing batches and look at the rule between them.

    At least one sample is taken, and none begins after the time budget.
    """
    latency_ns: list[int] = []
    begin_ns = clock_ns()
    deadline_ns = begin_ns + rule.time_budget_ns
    while True:
        latency_ns += _batch(run, next_batch(len(latency_ns)), deadline_ns, clock_ns)
        reason = rule.check(latency_ns, clock_ns() - begin_ns, rng)
        if reason is not None:
            return Samples(latency_ns=tuple(latency_ns), stop_reason=reason)


def _batch(run: Run, size: int, deadline_ns: int, clock_ns: ClockNs) -> list[int]:
    """At most `size` samples; the last is the one that passes the deadline."""
    batch = [0] * size
    for index in range(size):
        begin_ns = clock_ns()
        run()
        end_ns = clock_ns()
        batch[index] = end_ns - begin_ns
        if end_ns >= deadline_ns:
            return batch[: index + 1]
    return batch
