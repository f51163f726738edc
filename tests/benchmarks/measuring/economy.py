"""The time of a job, against fixed processes, runs and seconds, for the same interval."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from controller.domain.sweeps import JOB_TIME_MS
from controller.figures.latency import latency_figures
from controller.figures.spread import process_spread, spread_of
from controller.figures.statistics import median_of, relative_half_width
from protos.measuring import Repetition, StopReason
from tests.benchmarks.measuring.recording import Subject, one_repetition, small_network
from tests.benchmarks.measuring.series import Latencies, Series, synthetic
from tests.benchmarks.measuring.simulated_sweep import PROCESS_MS, SimulatedSweep, spec_of
from tests.benchmarks.pages.section import Section
from tests.benchmarks.protocol import NS_PER_MS, repetition
from tests.benchmarks.size import SHARE, scaled

FIXED_RUNS = 100
FIXED_S = 10
FIXED_PROCESSES = 5
# What a sweep asks for unless told otherwise.
PRECISION = 0.01
FEWEST, MOST = 3, 10
TIME_LIMIT = 1 / 3
WIDTH_LIMIT = 1.1
BETWEEN = (0.01, 0.02, 0.03)
JOBS = 8
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a protocol came to.

    Attributes:
        repetitions: of the job.
        spent_ms: on it, the processes' starts as well, ms.
    """

    repetitions: Sequence[Repetition]
    spent_ms: float


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
        """Of edgerank's time in the fixed one's."""
        return self.times_ms[1] / self.times_ms[0]

    def row(self) -> tuple[str, ...]:
        """As the report shows it."""
        fixed, ours = self.widths
        seconds = f"{self.times_ms[1] / 1e3:.1f}"
        ratios = (f"{self.width_ratio:.2f}", seconds, f"{self.time_share:.1%}")
        return (self.series, str(self.jobs), f"±{fixed:.2%}", f"±{ours:.2%}", *ratios)


def run() -> Section:
    """Simulated sweeps and jobs of a real network, by both protocols each."""
    steady = [each for apart in BETWEEN for each in synthetic(apart) if each.steady]
    outcomes = [_simulated(series, scaled(15)) for series in steady]
    with tempfile.TemporaryDirectory() as folder:
        outcomes.append(_real(small_network(Path(folder)), scaled(ROUNDS)))
    return Section(
        title="Economy",
        promise=f"a job of a sweep as it is unless told otherwise (±{PRECISION:.0%}, {FEWEST} to "
        f"{MOST} processes, {JOB_TIME_MS / 1e3:g} s) takes at most a third of the time of "
        f"{FIXED_PROCESSES} processes of {FIXED_RUNS} runs and {FIXED_S} s each, and its interval "
        f"is at most {WIDTH_LIMIT - 1:.0%} wider. Widths and times are medians over the jobs; "
        "times are of the processes, their starts as well.",
        header=("series", "jobs", "fixed", "edgerank", "ratio of widths", "s a job", "of the time"),
        rows=[outcome.row() for outcome in outcomes],
        holds=all(
            outcome.time_share <= TIME_LIMIT and outcome.width_ratio <= WIDTH_LIMIT
            for outcome in outcomes
        ),
    )


def _simulated(series: Series, sweeps: int) -> Outcome:
    rng = np.random.default_rng(1)
    ours = [job for _ in range(sweeps) for job in _swept(series, rng)]
    fixed = [_fixed_job(series, rng) for _ in ours]
    return _outcome(series.name, fixed, ours)


def _swept(series: Series, rng: np.random.Generator) -> Iterator[Job]:
    """The jobs of one simulated sweep."""
    swept = SimulatedSweep(
        jobs={f"{place}": series for place in range(JOBS)},
        spec=spec_of(PRECISION, FEWEST, MOST),
        rng=rng,
        sentinel=synthetic(BETWEEN[0])[0],
    ).run()
    yield from (Job(repetitions=each, spent_ms=_spent_ms(each)) for each in swept.values())


def _fixed_job(series: Series, rng: np.random.Generator) -> Job:
    drawn = [_fixed(series.process(rng, series.runs)) for _ in range(FIXED_PROCESSES)]
    return Job(repetitions=drawn, spent_ms=_spent_ms(drawn))


def _fixed(latency_ms: Latencies) -> Repetition:
    latency_ns = (latency_ms * NS_PER_MS).astype(np.int64)
    in_time = 1 + int(np.searchsorted(np.cumsum(latency_ns), FIXED_S * 1_000 * NS_PER_MS))
    return repetition(latency_ns[: max(FIXED_RUNS, in_time)].tolist(), StopReason.TIME_BUDGET)


def _spent_ms(repetitions: Sequence[Repetition]) -> float:
    return sum(PROCESS_MS + sum(each.latency_ns) / NS_PER_MS for each in repetitions)


def _real(subject: Subject, rounds: int) -> Outcome:
    """Jobs of the one and the other protocol in turn, so that both meet the same noise."""
    turns = [(_real_fixed(subject), _real_by_need(subject)) for _ in range(rounds)]
    fixed, ours = zip(*turns, strict=True)
    return _outcome("a real network, both in turn", fixed, ours)


def _real_fixed(subject: Subject) -> Job:
    began = time.monotonic()
    budget_ms = round(FIXED_S * 1_000 * SHARE)
    taken = [one_repetition(subject, budget_ms) for _ in range(FIXED_PROCESSES)]
    # It runs in a millisecond, so that the seconds always took more than the runs.
    assert all(len(each.latency_ns) >= FIXED_RUNS * SHARE for each in taken)
    return Job(repetitions=taken, spent_ms=(time.monotonic() - began) * 1e3)


def _real_by_need(subject: Subject) -> Job:
    """A job that is alone on its device: only its own processes tell how far they differ."""
    began, taken, spent_ms = time.monotonic(), list[Repetition](), 0.0
    while len(taken) < MOST:
        own = spread_of([median_of(each) for each in taken])
        taken.append(
            one_repetition(
                subject,
                round(FIXED_S * 1_000 * SHARE),
                relative_half_width=PRECISION,
                process_spread=process_spread(own, own),
            )
        )
        spent_ms = (time.monotonic() - began) * 1e3
        goes_on = spent_ms * (1 + 1 / len(taken)) <= JOB_TIME_MS
        is_narrow = len(taken) > 1 and relative_half_width(latency_figures(taken)) <= PRECISION
        if len(taken) >= FEWEST and (is_narrow or not goes_on):
            break
    return Job(repetitions=taken, spent_ms=spent_ms)


def _outcome(series: str, fixed: Sequence[Job], ours: Sequence[Job]) -> Outcome:
    width, other_width = (
        float(np.median([relative_half_width(latency_figures(each.repetitions)) for each in side]))
        for side in (fixed, ours)
    )
    time_ms, other_time_ms = (
        float(np.median([each.spent_ms for each in side])) for side in (fixed, ours)
    )
    return Outcome(
        series=series,
        widths=(width, other_width),
        times_ms=(time_ms, other_time_ms),
        jobs=len(ours),
    )
