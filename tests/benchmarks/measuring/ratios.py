"""How often the interval of a ratio of two medians holds the true ratio."""

import numpy as np

from agent.child.stopping import StoppingRule
from controller.figures.latency import latency_figures
from controller.figures.spread import UNKNOWN_SPREAD
from controller.figures.statistics import median_ratio
from protos.measuring import Repetition
from tests.benchmarks.measuring.series import Series, synthetic
from tests.benchmarks.measuring.simulated_sweep import PROCESS_MS
from tests.benchmarks.pages.section import Section
from tests.benchmarks.protocol import NS_PER_MS, measure
from tests.benchmarks.size import scaled

LOWEST = 0.93
TRUE_RATIO = 1.2
# Of B and of A. The side with fewer processes varies most, which is what few processes hide best.
PROCESSES = ((3, 3), (5, 5), (3, 5), (2, 5))
BETWEEN = (0.04, 0.01)
PRECISION = 0.01
TIME_BUDGET_S = 10


def run() -> Section:
    """Trials of the agent's loop on both sides, and of what `compare` makes of them."""
    trials = scaled(2_000)
    found = [(processes, *_held(processes, trials)) for processes in PROCESSES]
    of_b, of_a = BETWEEN
    return Section(
        title="Ratios",
        promise=f"the 95 % interval of the ratio of two jobs' medians holds the true ratio, which "
        f"is {TRUE_RATIO:g}, in at least {LOWEST:.0%} of {trials:,} trials of the whole protocol, "
        f"although B's processes differ by {of_b:.0%}, A's by {of_a:.0%}, and B has no more of "
        "them.",
        header=("processes of B", "processes of A", "held", "half-width, median"),
        rows=[(str(b), str(a), f"{share:.1%}", f"±{width:.2%}") for (b, a), share, width in found],
        holds=all(share >= LOWEST for _, share, _ in found),
    )


def _held(processes: tuple[int, int], trials: int) -> tuple[float, float]:
    """In which share of trials the interval held the true ratio, and half its median width."""
    rng = np.random.default_rng(processes)
    sides = [synthetic(between)[0] for between in BETWEEN]
    held, widths = 0, []
    for _ in range(trials):
        b, a = (
            latency_figures(_job(series, count, slower, rng))
            for series, count, slower in zip(sides, processes, (TRUE_RATIO, 1.0), strict=True)
        )
        found = median_ratio(b, reference=a)
        held += found.low <= TRUE_RATIO <= found.high
        widths.append((found.high - found.low) / found.ratio / 2)
    return held / trials, float(np.median(widths))


def _job(
    series: Series, processes: int, slower: float, rng: np.random.Generator
) -> list[Repetition]:
    rule = StoppingRule(
        relative_half_width=PRECISION,
        time_budget_ns=TIME_BUDGET_S * 1_000_000_000,
        # Before anything is known of the device, which is when samples are fewest.
        process_spread=UNKNOWN_SPREAD,
        start_ns=PROCESS_MS * NS_PER_MS,
    )
    return [measure(slower * series.process(rng, series.runs), rule, rng) for _ in range(processes)]
