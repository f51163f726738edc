"""How often the interval of the whole protocol holds the true median."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from controller.figures.latency import latency_figures
from controller.figures.spread import Spread
from controller.figures.statistics import relative_half_width
from tests.benchmarks.measuring.recording import record
from tests.benchmarks.measuring.series import Series, recorded, synthetic
from tests.benchmarks.measuring.simulated_sweep import (
    SimulatedSweep,
    Slowness,
    spec_of,
    steady,
)
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import SHARE, scaled

LOWEST, HIGHEST = 0.93, 0.97
JOBS = 8
BETWEEN, QUIET, NOISY = 0.015, 0.01, 0.03
WANTED = 0.02
SWAY, SWAY_MS = 0.08, 45_000
GROSS, GROSS_FROM_MS, GROSS_TO_MS = 1.5, 20_000, 50_000
TIME_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of sweep whose jobs are looked at.

    Attributes:
        name: as the report shows it.
        jobs: the series of each job.
        looked_at: how many of them, from the first on, are held against the truth.
        wanted: half-width.
        fewest: repetitions.
        most: repetitions.
        time_ms: of the sweep.
        history: what earlier sweeps told; None is a device that was never measured.
        slowness: of the device, in the words of `_slowness`.
        highest: share of intervals that are to hold the truth, at most.
        is_promised: whether the promise holds for it.
    """

    name: str
    jobs: tuple[Series, ...]
    looked_at: int = JOBS
    wanted: float = WANTED
    fewest: int = 3
    most: int = 10
    time_ms: int | None = None
    history: float | None = None
    slowness: str = "steady"
    highest: float = HIGHEST
    is_promised: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case: of each job whether its interval held the truth, and its figures."""

    held: Sequence[bool]
    half_widths: Sequence[float]
    processes: Sequence[int]
    samples: Sequence[float]

    @property
    def share(self) -> float:
        """Of the jobs whose interval held the truth."""
        return float(np.mean(self.held))


def run() -> Section:
    """Trials of the controller's rounds, the agent's loop, and the controller's interval."""
    trials = scaled(2_000)
    with tempfile.TemporaryDirectory() as folder:
        recording = record(Path(folder), processes=12, seconds=5 * SHARE)
    cases = _cases(recording)
    # A series is a closure, which does not travel: each worker makes its own.
    with ProcessPoolExecutor(psutil.cpu_count(logical=False) or 1) as pool:
        found = list(
            pool.map(_outcome, [recording] * len(cases), range(len(cases)), [trials] * len(cases))
        )
    return Section(
        title="Coverage",
        promise=f"a job's 95 % interval holds the true median in {LOWEST:.0%} to {HIGHEST:.0%} of "
        f"{trials:,} jobs that the whole protocol measures, for every series whose processes "
        "differ, which is every real one: in rounds, stopped by need, with samples by need. The "
        "true median is what half of all runs of all processes of the series stay below, each "
        "process counting alike. Rows with a star are no part of the promise, and one with two may "
        "hold it more often: rounds spread a drift more evenly than chance.",
        header=("series", "jobs", "wanted", "held", "half-width", "processes", "samples a process"),
        rows=[_row(case, outcome) for case, outcome in zip(cases, found, strict=True)],
        holds=all(
            LOWEST <= outcome.share <= case.highest
            for case, outcome in zip(cases, found, strict=True)
            if case.is_promised
        ),
    )


def _cases(recording: Sequence[Sequence[int]]) -> list[Case]:
    usual, noisy = synthetic(BETWEEN)[0], synthetic(NOISY)[0]
    quiet = synthetic(QUIET)[0]
    real = recorded("recorded", recording)
    alike = synthetic(0.0)[0]
    mixed = f"log-normal, half of the jobs differ by {QUIET:.1%}, half by {NOISY:.1%}"
    apart = f"log-normal, seven jobs differ by {QUIET:.1%}, one by 4.0%"
    return [
        *(Case(name=series.name, jobs=(series,) * JOBS) for series in synthetic(BETWEEN)),
        Case(name=noisy.name, jobs=(noisy,) * JOBS, wanted=2 * WANTED),
        Case(name=real.name, jobs=(real,) * JOBS, wanted=2 * WANTED),
        Case(name=f"{usual.name}; 5 processes each", jobs=(usual,) * JOBS, fewest=5, most=5),
        Case(name=f"{usual.name}; 3 processes each", jobs=(usual,) * JOBS, fewest=3, most=3),
        Case(name=f"{usual.name}; alone, never before", jobs=(usual,), looked_at=1),
        Case(name=f"{usual.name}; alone, known", jobs=(usual,), looked_at=1, history=BETWEEN),
        Case(name=f"{mixed}: the quiet", jobs=(quiet,) * 4 + (noisy,) * 4, looked_at=4),
        Case(
            name=f"{mixed}: the noisy",
            jobs=(noisy,) * 4 + (quiet,) * 4,
            looked_at=4,
            wanted=2 * WANTED,
        ),
        Case(
            name=f"{mixed}, within {TIME_MS / 1e3:.0f} s: the noisy",
            jobs=(noisy,) * 4 + (quiet,) * 4,
            looked_at=4,
            time_ms=TIME_MS,
        ),
        Case(
            name=f"{usual.name}; the device sways by ±{SWAY:.0%} in {SWAY_MS / 1e3:.0f} s **",
            jobs=(usual,) * JOBS,
            slowness="sways",
            highest=1.0,
        ),
        Case(
            name=f"{usual.name}; the device is {GROSS:g} times as slow for 30 s",
            jobs=(usual,) * JOBS,
            slowness="slow for a while",
        ),
        Case(
            name=f"{apart}: that one *",
            jobs=(synthetic(0.04)[0],) + (quiet,) * (JOBS - 1),
            looked_at=1,
            wanted=2 * WANTED,
            is_promised=False,
        ),
        Case(name=f"{alike.name} *", jobs=(alike,) * JOBS, is_promised=False),
    ]


def _slowness(name: str, rng: np.random.Generator) -> Slowness:
    begin = float(rng.random())
    if name == "sways":
        return lambda at_ms: float(np.exp(SWAY * np.sin(2 * np.pi * (begin + at_ms / SWAY_MS))))
    if name == "slow for a while":
        return lambda at_ms: GROSS if GROSS_FROM_MS <= at_ms < GROSS_TO_MS else 1.0
    return steady


def _outcome(recording: Sequence[Sequence[int]], number: int, trials: int) -> Outcome:
    """What comes of a case, in so many jobs."""
    case = _cases(recording)[number]
    rng = np.random.default_rng(number)
    truths_ms = {series.name: series.true_median_ms() for series in set(case.jobs)}
    history = Spread()
    if case.history is not None:
        history = Spread(squares=20 * case.history**2, degrees=20)
    held: list[bool] = []
    half_widths: list[float] = []
    processes: list[int] = []
    samples: list[float] = []
    while len(held) < trials:
        swept = SimulatedSweep(
            jobs={f"{place}": series for place, series in enumerate(case.jobs)},
            spec=spec_of(case.wanted, case.fewest, case.most, case.time_ms),
            rng=rng,
            sentinel=synthetic(BETWEEN)[0],
            history=history,
            slowness=_slowness(case.slowness, rng),
        ).run()
        for place, series in enumerate(case.jobs[: case.looked_at]):
            counted = swept[f"{place}"]
            # What changed too often is throttled, and no figure of it is promised.
            if not counted:
                continue
            figures = latency_figures(counted)
            held.append(bool(figures.low_ms <= truths_ms[series.name] <= figures.high_ms))
            half_widths.append(relative_half_width(figures))
            processes.append(len(counted))
            samples.append(figures.sample_count / len(counted))
    return Outcome(held=held, half_widths=half_widths, processes=processes, samples=samples)


def _row(case: Case, outcome: Outcome) -> tuple[str, ...]:
    fewest, usual, most = np.percentile(outcome.processes, [5, 50, 95])
    return (
        case.name,
        str(len(case.jobs)),
        f"±{case.wanted:.0%}",
        f"{outcome.share:.1%}",
        f"±{np.median(outcome.half_widths):.2%}",
        f"{usual:.0f} ({fewest:.0f} to {most:.0f})",
        f"{np.median(outcome.samples):,.0f}",
    )
