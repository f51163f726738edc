"""The time that sampling takes, against fixed runs and seconds for the same interval."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.child.stopping import StoppingRule
from controller.figures.latency import latency_figures
from controller.figures.spread import UNKNOWN_SPREAD
from controller.figures.statistics import relative_half_width
from protos.measuring import Repetition, StopReason
from tests.benchmarks.measuring.recording import Subject, one_repetition, small_network
from tests.benchmarks.measuring.series import Latencies, Series, synthetic
from tests.benchmarks.measuring.simulated_sweep import PROCESS_MS
from tests.benchmarks.protocol import NS_PER_MS, measure, repetition
from tests.benchmarks.section import Section
from tests.benchmarks.size import SHARE, scaled

FIXED_RUNS = 100
FIXED_S = 10
PROCESSES = 5
PRECISION = 0.01
TIME_LIMIT = 1 / 3
WIDTH_LIMIT = 1.1
BETWEEN = (0.01, 0.02, 0.03)
ROUNDS = 5

Job = list[Repetition]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What both protocols came to on jobs of one series; the fixed one is first."""

    series: str
    widths: tuple[float, float]
    times_ms: tuple[float, float]
    jobs: int

    @property
    def width_ratio(self) -> float:
        """Of edgerank's interval to the fixed one's."""
        return self.widths[1] / self.widths[0]

    @property
    def time_share(self) -> float:
        """Of edgerank's sampling in the fixed one's."""
        return self.times_ms[1] / self.times_ms[0]

    def row(self) -> tuple[str, ...]:
        """As the report shows it."""
        fixed, ours = self.widths
        ratios = (f"{self.width_ratio:.2f}", f"{self.time_share:.1%}")
        return (self.series, str(self.jobs), f"±{fixed:.2%}", f"±{ours:.2%}", *ratios)


def run() -> Section:
    """Simulated jobs and those of a real network, by both protocols each."""
    steady = [(each, apart) for apart in BETWEEN for each in synthetic(apart) if each.steady]
    outcomes = [
        _outcome(series.name, _simulated(series, apart, scaled(300))) for series, apart in steady
    ]
    with tempfile.TemporaryDirectory() as folder:
        taken = _real(small_network(Path(folder)), scaled(ROUNDS))
    outcomes.append(_outcome("a real network, both in turn", taken))
    replayed = [(fixed, [_stopped_earlier(each) for each in fixed]) for fixed, _ in taken]
    outcomes.append(_outcome("the same, its fixed samples stopped earlier", replayed))
    shares = [outcome.time_share for outcome in outcomes]
    whole = sum(shares) / len(shares)
    return Section(
        title="Economy",
        promise=f"{PROCESSES} processes that stop at ±{PRECISION:.0%} each, or at a third of what "
        "processes differ by, sample, over all series "
        f"together, for at most a third of the time of {PROCESSES} that take {FIXED_RUNS} runs and "
        f"{FIXED_S} s each; the interval of each series' jobs is at most {WIDTH_LIMIT - 1:.0%} "
        "wider. Widths and times are medians over the jobs. A series whose own noise is wide needs "
        "more than a third, one that is quiet far less.",
        header=("series", "jobs", "fixed", "edgerank", "ratio of widths", "share of the time"),
        rows=[
            *(outcome.row() for outcome in outcomes),
            ("all together", "", "", "", "", f"{whole:.1%}"),
        ],
        holds=whole <= TIME_LIMIT
        and all(outcome.width_ratio <= WIDTH_LIMIT for outcome in outcomes),
    )


def _simulated(series: Series, between: float, jobs: int) -> list[tuple[Job, Job]]:
    """Both protocols on the same processes, so that they differ in nothing else.

    Ours is told how far processes differ, as other jobs of a sweep tell it.
    """
    rng, rule = np.random.default_rng(1), _rule(between)
    pairs = []
    for _ in range(jobs):
        drawn = [series.process(rng, series.runs) for _ in range(PROCESSES)]
        fixed = [_fixed(latency_ms) for latency_ms in drawn]
        pairs.append((fixed, [measure(latency_ms, rule, rng) for latency_ms in drawn]))
    return pairs


def _real(subject: Subject, rounds: int) -> list[tuple[Job, Job]]:
    """Processes of the one and the other protocol in turn, so that both meet the same noise."""
    budget_ms = round(FIXED_S * 1_000 * SHARE)
    pairs = []
    for _ in range(rounds):
        turns = [
            (
                one_repetition(subject, budget_ms),
                one_repetition(
                    subject,
                    budget_ms,
                    relative_half_width=PRECISION,
                    process_spread=UNKNOWN_SPREAD,
                ),
            )
            for _ in range(PROCESSES)
        ]
        fixed, ours = zip(*turns, strict=True)
        # It runs in a millisecond, so that the seconds always took more than the runs.
        assert all(len(each.latency_ns) >= FIXED_RUNS * SHARE for each in fixed)
        pairs.append((list(fixed), list(ours)))
    return pairs


def _fixed(latency_ms: Latencies) -> Repetition:
    latency_ns = (latency_ms * NS_PER_MS).astype(np.int64)
    in_time = 1 + int(np.searchsorted(np.cumsum(latency_ns), FIXED_S * 1_000 * NS_PER_MS))
    return repetition(latency_ns[: max(FIXED_RUNS, in_time)].tolist(), StopReason.TIME_BUDGET)


def _stopped_earlier(fixed: Repetition) -> Repetition:
    # Its time ends before the samples that there are, which took a little longer than the budget.
    rule = replace(
        _rule(UNKNOWN_SPREAD), time_budget_ns=sum(fixed.latency_ns) - max(fixed.latency_ns)
    )
    latency_ms = np.asarray(fixed.latency_ns) / NS_PER_MS
    return measure(latency_ms, rule, np.random.default_rng(0))


def _rule(between: float) -> StoppingRule:
    return StoppingRule(
        relative_half_width=PRECISION,
        time_budget_ns=FIXED_S * 1_000 * NS_PER_MS,
        process_spread=between,
        start_ns=PROCESS_MS * NS_PER_MS,
    )


def _outcome(series: str, pairs: Sequence[tuple[Job, Job]]) -> Outcome:
    widths = np.array([[relative_half_width(latency_figures(job)) for job in p] for p in pairs])
    times_ns = np.array([[sum(sum(r.latency_ns) for r in job) for job in p] for p in pairs])
    fixed, ours = np.median(widths, axis=0).tolist()
    fixed_ms, ours_ms = (np.median(times_ns, axis=0) / NS_PER_MS).tolist()
    return Outcome(
        series=series, widths=(fixed, ours), times_ms=(fixed_ms, ours_ms), jobs=len(pairs)
    )
