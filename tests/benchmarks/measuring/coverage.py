"""How often the interval of the whole protocol holds the true median."""

import tempfile
from pathlib import Path

import numpy as np

from agent.child.stopping import StoppingRule
from controller.figures.latency import latency_figures
from controller.figures.statistics import relative_half_width
from tests.benchmarks.measuring.recording import record
from tests.benchmarks.measuring.series import Series, recorded, synthetic
from tests.benchmarks.protocol import measure
from tests.benchmarks.section import Section
from tests.benchmarks.size import SHARE, scaled

LOWEST, HIGHEST = 0.93, 0.97
PROCESSES = (5, 3)
PRECISION = 0.01
TIME_BUDGET_S = 10
BETWEEN = 0.015
FAR_APART = 0.03


def run() -> Section:
    """Trials of the agent's loop with its stopping rule, and of the controller's interval."""
    trials = scaled(2_000)
    with tempfile.TemporaryDirectory() as folder:
        recording = record(Path(folder), processes=12, seconds=5 * SHARE)
    differing = (*synthetic(BETWEEN), *synthetic(FAR_APART)[:1], recorded("recorded", recording))
    rows, holds = [], True
    for series in differing:
        truth_ms = series.true_median_ms()
        for processes in PROCESSES:
            row, share = _row(series, truth_ms, processes, trials)
            rows.append(row)
            holds = holds and LOWEST <= share <= HIGHEST
    alike = synthetic(0.0)[0]
    rows += [_row(alike, alike.true_median_ms(), processes, trials)[0] for processes in PROCESSES]
    return Section(
        title="Coverage",
        promise=f"a job's 95 % interval holds the true median in {LOWEST:.0%} to {HIGHEST:.0%} of "
        f"{trials:,} trials of the whole protocol (wanted half-width {PRECISION:.0%}) for every "
        "series whose processes differ, which is every real one. The true median is what half of "
        "all runs of all processes of the series stay below, each process counting alike. The last "
        "two rows, of processes that do not differ at all, are no part of the promise: intervals "
        "are wider there than they need be.",
        header=("series", "processes", "held", "half-width, median", "samples a process, median"),
        rows=rows,
        holds=holds,
    )


def _row(
    series: Series, truth_ms: float, processes: int, trials: int
) -> tuple[tuple[str, ...], float]:
    """A row, and the share of trials whose interval held the truth."""
    rng = np.random.default_rng(processes)
    rule = StoppingRule(relative_half_width=PRECISION, time_budget_ns=TIME_BUDGET_S * 1_000_000_000)
    held, widths, counts = 0, [], []
    for _ in range(trials):
        job = [measure(series.process(rng, series.runs), rule, rng) for _ in range(processes)]
        figures = latency_figures(job)
        held += figures.low_ms <= truth_ms <= figures.high_ms
        widths.append(relative_half_width(figures))
        counts.append(figures.sample_count / processes)
    share = held / trials
    row = (
        series.name,
        str(processes),
        f"{share:.1%}",
        f"±{np.median(widths):.2%}",
        f"{np.median(counts):,.0f}",
    )
    return row, share
