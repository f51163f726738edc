"""The timed loops of a repetition: warm-up, then samples until the stopping rule is content.

Or, of sustained inference, until its windows of time are over.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agent.child.messages import Phase
from agent.child.stopping import (
    MAX_SAMPLES,
    StoppingRule,
    next_batch,
    one_of_each_pair,
    warmup_ended,
)
from protos.measuring import StopReason

Run = Callable[[], object]
ClockNs = Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Timed inferences in order, and why no more were taken.

    Attributes:
        samples_per_window: of sustained inference only: how many of them each window has, in order.
    """

    latency_ns: tuple[int, ...]
    stop_reason: StopReason
    samples_per_window: tuple[int, ...] = ()


def warm_up(
    run: Run, *, clock_ns: ClockNs, budget_ns: int, on_phase: Callable[[Phase], None]
) -> tuple[int, ...]:
    """Run until `agent.child.stopping.warmup_ended`; the times of all runs, in order."""
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

    At least one sample is taken, and none begins after the time budget. Every run is a sample,
    until there are `MAX_SAMPLES`: then half of them are let go and a sample is one of two
    consecutive runs, picked at random, then one of four, so that they cover the whole time evenly.
    """
    latency_ns: list[int] = []
    runs_per_sample = 1
    begin_ns = clock_ns()
    deadline_ns = begin_ns + rule.time_budget_ns
    while True:
        picks = rng.integers(runs_per_sample, size=next_batch(len(latency_ns))).tolist()
        latency_ns += _batch(run, picks, runs_per_sample, deadline_ns, clock_ns)
        reason = rule.check(latency_ns, clock_ns() - begin_ns, rng)
        if reason is not None:
            return Samples(latency_ns=tuple(latency_ns), stop_reason=reason)
        if len(latency_ns) == MAX_SAMPLES:
            latency_ns = one_of_each_pair(latency_ns, rng)
            runs_per_sample *= 2


def sample_windows(
    run: Run, *, windows: int, window_ns: int, clock_ns: ClockNs, rng: np.random.Generator
) -> Samples:
    """Run without a pause for so many windows of time, one after the other.

    A run belongs to the window that it begins in, so that one longer than a window may leave the
    next without samples. Of the runs of each window an even random share is kept, as by `sample`,
    so that all windows together have at most `MAX_SAMPLES`.

    Args:
        run: one inference.
        windows: how many, at least 1.
        window_ns: how long each of them is.
        clock_ns: tells the time.
        rng: the source of randomness.
    """
    begin_ns = clock_ns()
    # Even, since halves are kept of it.
    most = MAX_SAMPLES // windows // 2 * 2
    kept = [
        _until(begin_ns + number * window_ns, run, most, clock_ns, rng)
        for number in range(1, windows + 1)
    ]
    return Samples(
        latency_ns=tuple(latency for window in kept for latency in window),
        stop_reason=StopReason.SUSTAINED,
        samples_per_window=tuple(map(len, kept)),
    )


def _until(
    end_ns: int, run: Run, most: int, clock_ns: ClockNs, rng: np.random.Generator
) -> list[int]:
    """Every run that begins before the end, or an even random share of at most `most`."""
    latency_ns: list[int] = []
    runs_per_sample = 1
    while clock_ns() < end_ns:
        if len(latency_ns) == most:
            latency_ns = one_of_each_pair(latency_ns, rng)
            runs_per_sample *= 2
        picks = rng.integers(runs_per_sample, size=next_batch(len(latency_ns), most)).tolist()
        latency_ns += _batch(run, picks, runs_per_sample, end_ns, clock_ns)
    return latency_ns


def _batch(
    run: Run, picks: list[int], runs_per_sample: int, deadline_ns: int, clock_ns: ClockNs
) -> list[int]:
    """The picked one of every `runs_per_sample` runs; no run begins after the deadline."""
    batch = [0] * len(picks)
    for index, pick in enumerate(picks):
        for turn in range(runs_per_sample):
            begin_ns = clock_ns()
            run()
            end_ns = clock_ns()
            if turn == pick:
                batch[index] = end_ns - begin_ns
            if end_ns >= deadline_ns:
                return batch[: index + (turn >= pick)]
    return batch
