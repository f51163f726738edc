"""Latency series that the protocol is tried on: synthetic ones, and recordings of real ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Latencies = NDArray[np.float64]
# What one process would measure, in ms, run by run, were it let run to the end of its time.
Process = Callable[[np.random.Generator, int], Latencies]

MEDIAN_MS = 5.0
SPREAD = 0.04
_WANDER_RUNS = 4_000
_BLOCK = 50
# Far more than any interval of the recorded network has taken.
_MOST_RUNS = 20_000


@dataclass(frozen=True, kw_only=True)
class Series:
    """A population of processes of one network.

    Attributes:
        name: as the report shows it.
        process: draws a process, and as many of its latencies as are asked for.
        steady: each process keeps its speed, so that whoever tells of a change in it is wrong.
        runs: how many a process has time for.
    """

    name: str
    process: Process
    steady: bool = True
    runs: int = 2_500

    def true_median_ms(self, processes: int = 10_000, spaced: int = 20) -> float:
        """The latency that half of all runs of all processes stay below, from a very large draw.

        Every process counts alike, however long it is measured. Runs are taken far apart, since
        neighbours tell little that is new.
        """
        rng = np.random.default_rng(1)
        drawn = [self.process(rng, self.runs)[::spaced] for _ in range(processes)]
        return float(np.median(np.concatenate(drawn)))


def synthetic(between: float) -> tuple[Series, ...]:
    """Series of about 5 ms, each with one thing that is hard.

    Args:
        between: standard deviation of the logarithm of a process's speed; really 0.01 to 0.03.
    """

    def series(name: str, shape: Process, steady: bool = True) -> Series:
        apart = f"processes differ by {between:.1%}" if between else "processes are alike"
        return Series(name=f"{name}, {apart}", process=_varied(shape, between), steady=steady)

    return (
        series("log-normal", _lognormal),
        series("heavy tails", _heavy_tails),
        series("two modes", _two_modes),
        series("two modes in spells", _spells),
        series("autocorrelated (AR(1), 0.7)", _autocorrelated),
        series("slow drift to and fro by 3 %", _wander, steady=False),
    )


def recorded(name: str, recording: Sequence[Sequence[int]]) -> Series:
    """Processes that are made of blocks of real ones, each of one of them, drawn at random.

    A block of 50 neighbours keeps how they depend on each other.

    Args:
        name: as the report shows it.
        recording: of each real process its latencies in order, in ns.
    """
    processes = [np.asarray(latency_ns, dtype=np.float64) / 1e6 for latency_ns in recording]

    def process(rng: np.random.Generator, runs: int) -> Latencies:
        real = processes[rng.integers(len(processes))]
        starts = rng.integers(len(real), size=-(-runs // _BLOCK))
        picked = (starts[:, np.newaxis] + np.arange(_BLOCK)).ravel()[:runs]
        return real.take(picked, mode="wrap")

    return Series(name=name, process=process, runs=_MOST_RUNS)


def _varied(shape: Process, between: float) -> Process:
    def process(rng: np.random.Generator, runs: int) -> Latencies:
        slower: float = np.exp(between * rng.standard_normal())
        return MEDIAN_MS * slower * shape(rng, runs)

    return process


def _lognormal(rng: np.random.Generator, runs: int) -> Latencies:
    latencies: Latencies = np.exp(SPREAD * rng.standard_normal(runs))
    return latencies


def _heavy_tails(rng: np.random.Generator, runs: int) -> Latencies:
    """Every tenth run is interrupted, for a time that has a mean but no variance."""
    interrupted = rng.random(runs) < 0.1
    latencies: Latencies = _lognormal(rng, runs) + interrupted * 0.2 * rng.pareto(1.5, runs)
    return latencies


def _two_modes(rng: np.random.Generator, runs: int) -> Latencies:
    """Three of ten runs take a slower way."""
    latencies: Latencies = _lognormal(rng, runs) * np.where(rng.random(runs) < 0.3, 1.15, 1.0)
    return latencies


def _spells(rng: np.random.Generator, runs: int) -> Latencies:
    """Three of ten runs are in slow spells, which last for 3 runs in the mean."""
    now = bool(rng.random() < 0.3)
    spells = np.arange(runs) % 2 != now
    # Far more spells than fit, each of its length.
    slow = np.repeat(~spells, rng.geometric(np.where(spells, 1 / 7, 1 / 3)))[:runs]
    latencies: Latencies = _lognormal(rng, runs) * np.where(slow, 1.15, 1.0)
    return latencies


def _autocorrelated(rng: np.random.Generator, runs: int, memory: float = 0.7) -> Latencies:
    shocks = rng.standard_normal(runs) * np.sqrt(1 - memory**2)
    shocks[0] = rng.standard_normal()
    log: Latencies = SPREAD * lfilter([1.0], [1.0, -memory], shocks)
    latencies: Latencies = np.exp(log)
    return latencies


def _wander(rng: np.random.Generator, runs: int) -> Latencies:
    """Speed goes up and down by 3 % in 20 s, and a process begins anywhere in it."""
    turn = 2 * np.pi * (rng.random() + np.arange(runs) / _WANDER_RUNS)
    latencies: Latencies = _lognormal(rng, runs) * np.exp(0.03 * np.sin(turn))
    return latencies
