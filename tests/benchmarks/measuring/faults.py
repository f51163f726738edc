"""What disturbs a job, planted: each is to be told in its verdict, and nothing else is."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cattrs
import numpy as np

from agent.child.stopping import StoppingRule
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from controller.figures.disturbances import throttling
from controller.figures.drift import clock_step, drift, waiting
from controller.views.reasons import sentence
from protos.device import DeviceState
from protos.measuring import Repetition, StopReason
from tests.benchmarks.measuring.recording import (
    Subject,
    one_repetition,
    small_network,
    when_sampling,
)
from tests.benchmarks.measuring.series import Series, synthetic
from tests.benchmarks.pages.section import Section
from tests.benchmarks.protocol import measure, repetition
from tests.benchmarks.size import scaled
from tests.unit.agent.trees import CPU, cores, plant

DETECTED, FALSE_ALARMS = 0.99, 0.01
PROCESSES = 5
PRECISION = 0.01
# Another program on the sibling of a core, or on the core itself.
SLOWDOWNS = (1.3, 2.0)
BETWEEN = 0.015
FAST_KHZ, SLOW_KHZ = 2_840_000, 1_770_000
READINGS = 10
SHORT_MS, LONG_MS = 500, 2_000
HOG = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
FAULTY_CHILD = (sys.executable, "-m", "tests.benchmarks.measuring.faulty_child")


@dataclass(frozen=True)
class Tally:
    """How often something was told, of how many trials."""

    what: str
    where: str
    told: int
    trials: int
    wanted: bool

    @property
    def holds(self) -> bool:
        """Whether it was told as often, or as rarely, as it should be."""
        share = self.told / self.trials
        return share >= DETECTED if self.wanted else share < FALSE_ALARMS

    def row(self) -> tuple[str, ...]:
        """As the report shows it."""
        wanted = f"at least {DETECTED:.0%}" if self.wanted else f"under {FALSE_ALARMS:.0%}"
        return (self.what, self.where, f"{self.told} of {self.trials:,}", wanted)


def run() -> Section:
    """Thousands of simulated jobs, and some tens of real children."""
    tallies = [*_steps(), *_frequencies()]
    with tempfile.TemporaryDirectory() as folder:
        tallies += _real(small_network(Path(folder)))
    return Section(
        title="Faults",
        promise=f"what is planted into a job is told in at least {DETECTED:.0%} of trials, and of "
        f"a job that nothing disturbs something is told in fewer than {FALSE_ALARMS:.0%}.",
        header=("what", "where", "told", "wanted"),
        rows=[tally.row() for tally in tallies],
        holds=all(tally.holds for tally in tallies),
    )


def _steps() -> Iterator[Tally]:
    """A latency that steps up in the middle of one of the repetitions, and one that does not."""
    trials = scaled(2_000)
    for series in synthetic(BETWEEN):
        if series.steady:
            quiet = sum(bool(drift(_job(series, trial))) for trial in range(trials))
            yield Tally("nothing", series.name, quiet, trials, wanted=False)
        for slowdown in SLOWDOWNS:
            told = sum(bool(drift(_job(series, trial, slowdown))) for trial in range(trials))
            yield Tally(f"latency steps up {slowdown:g} times", series.name, told, trials, True)


def _job(series: Series, trial: int, slowdown: float = 1.0) -> list[Repetition]:
    return [
        _repetition(
            series, np.random.SeedSequence((trial, ordinal)), slowdown if ordinal == 2 else 1
        )
        for ordinal in range(PROCESSES)
    ]


def _repetition(series: Series, seed: np.random.SeedSequence, slowdown: float) -> Repetition:
    """One that, from the middle half of the runs that it would have taken on, is slowed down."""
    latency_ms = series.process(np.random.default_rng(seed), 2 * series.runs)
    rule = StoppingRule(relative_half_width=PRECISION, time_budget_ns=10 * 10**9)
    undisturbed = measure(latency_ms, rule, np.random.default_rng(seed))
    if slowdown == 1:
        return undisturbed
    share = np.random.default_rng(seed.spawn(1)[0]).uniform(0.25, 0.75)
    latency_ms[int(share * len(undisturbed.latency_ns)) :] *= slowdown
    return measure(latency_ms, rule, np.random.default_rng(seed))


def _frequencies() -> Iterator[Tally]:
    """Ten readings of a planted tree, whose cores are slowed down at one of the first eight."""
    trials = scaled(500)
    with tempfile.TemporaryDirectory() as folder:
        roots = plant(Path(folder), cores(range(2), FAST_KHZ, scaling_cur_freq=str(FAST_KHZ)))
        rng = np.random.default_rng(1)
        for falls in (True, False):
            told = sum(bool(throttling([_watched(roots, rng, falls)])) for _ in range(trials))
            what = "frequency drops" if falls else "frequency steps within a tenth"
            yield Tally(what, "a fed sysfs tree", told, trials, wanted=falls)


def _watched(roots: Roots, rng: np.random.Generator, falls: bool) -> Repetition:
    drop = int(rng.integers(1, READINGS - 1))
    during: list[DeviceState] = []
    for reading in range(READINGS):
        top_khz = SLOW_KHZ if falls and reading >= drop else FAST_KHZ
        for path in (roots.top / CPU).glob("cpu*/cpufreq/scaling_cur_freq"):
            path.write_text(str(int(top_khz * rng.uniform(0.9, 1.0))))
        state = replace(read_device_state(roots, lambda: 0), measured_cpus=(0,))
        during.append(cattrs.structure(cattrs.unstructure(state), DeviceState))
    return replace(repetition((1,), StopReason.PRECISE), during=tuple(during))


def _real(subject: Subject) -> Iterator[Tally]:
    """Real children, disturbed by a real process or themselves unsound."""
    trials = scaled(100)

    def told(what: str, where: str, take: Callable[[], Repetition], wanted: bool = True) -> Tally:
        jobs = ([take()] for _ in range(trials))
        found = [waiting(job) or drift(job) or clock_step(job) for job in jobs]
        alarms = [sentence(each).partition(" in repetition")[0] for each in found if each]
        # Machines that others share are disturbed without our doing; a reader may judge.
        heard = f" ({'; '.join(alarms)})" if alarms and not wanted else ""
        return Tally(what, f"{where}{heard}", len(alarms), trials, wanted)

    yield told("nothing", "a real child", lambda: one_repetition(subject, SHORT_MS), wanted=False)
    yield told("hogs on all cores, from the middle on", "a real child", lambda: _hogged(subject))
    for fault, what in (("leak", "each run keeps 256 KiB"), ("clock", "the clock jumps by 1 h")):
        command = (*FAULTY_CHILD, fault)
        take = partial(one_repetition, subject, SHORT_MS, command=command)
        yield told(what, "a real child", take)


def _hogged(subject: Subject) -> Repetition:
    hogs: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        hogs.extend(
            subprocess.Popen([sys.executable, "-c", HOG, str(core)])
            for core in os.sched_getaffinity(0)
        )

    timer = threading.Timer(LONG_MS / 2_000, start)
    try:
        return one_repetition(subject, LONG_MS, on_phase=when_sampling(timer.start))
    finally:
        timer.cancel()
        timer.join()
        for hog in hogs:
            hog.kill()
            hog.wait()
