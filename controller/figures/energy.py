"""Energy of an inference: what the device took while it sampled, less what it took at rest.

Informative: a meter tells of all that runs on the device, of some more rarely than once a second.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from scipy import special

from controller.domain.measurements import EnergyFigures, MeteredEnergy
from controller.figures.statistics import CONFIDENCE_LEVEL
from protos.device import DeviceState
from protos.measuring import Repetition

# Counters move in steps, and times are of whole milliseconds.
_SHORTEST_MS = 500
_NS_PER_MS = 1e6


class _Taken(NamedTuple):
    """What one repetition took by one meter."""

    busy_watts: float
    resting_watts: float
    latency_ms: float

    @property
    def per_inference_mj(self) -> float:
        # Back to back an inference begins when the one before has ended.
        return (self.busy_watts - self.resting_watts) * self.latency_ms


def energy_figures(repetitions: Sequence[Repetition]) -> EnergyFigures | None:
    """Derive what an inference took; None where the device tells no power.

    Nothing is told where a battery was charged meanwhile: what it takes in is no inference's.
    """
    if not any(each.at_rest for each in repetitions):
        return None
    if any(_was_charged(each) for each in repetitions):
        return EnergyFigures(was_charging=True)
    sources = dict.fromkeys(source for each in repetitions for source in _sources(each.at_rest))
    return EnergyFigures(meters=tuple(_metered(sources, repetitions)))


def _was_charged(repetition: Repetition) -> bool:
    states = (*repetition.at_rest, repetition.before, *repetition.during, repetition.after)
    batteries = (state.battery for state in states if state is not None)
    return any(battery is not None and battery.is_charged for battery in batteries)


def _sources(states: Iterable[DeviceState]) -> Iterator[str]:
    return (reading.source for state in states for reading in state.power)


def _metered(sources: Iterable[str], repetitions: Sequence[Repetition]) -> Iterator[MeteredEnergy]:
    for source in sources:
        found = (_taken(each, source) for each in repetitions)
        if taken := [each for each in found if each is not None]:
            energies_mj = [each.per_inference_mj for each in taken]
            mean_mj, reach_mj = fmean(energies_mj), _reach(energies_mj)
            yield MeteredEnergy(
                source=source,
                per_inference_mj=mean_mj,
                low_mj=None if reach_mj is None else mean_mj - reach_mj,
                high_mj=None if reach_mj is None else mean_mj + reach_mj,
                busy_watts=fmean(each.busy_watts for each in taken),
                resting_watts=fmean(each.resting_watts for each in taken),
                repetition_count=len(taken),
            )


def _taken(repetition: Repetition, source: str) -> _Taken | None:
    """None where the meter told too little, or counted from a new beginning."""
    around = (repetition.before, *repetition.during, repetition.after)
    # All between these two were inferences: the warm-up, then samples.
    counted = _counted_watts([state for state in around if state is not None], source)
    busy = _mean_watts(repetition.during, source) if counted is None else counted
    counted = _counted_watts(repetition.at_rest, source)
    at_rest = _mean_watts(repetition.at_rest, source) if counted is None else counted
    if busy is None or at_rest is None:
        return None
    return _Taken(busy, at_rest, fmean(repetition.latency_ns) / _NS_PER_MS)


def _mean_watts(states: Iterable[DeviceState], source: str) -> float | None:
    told = [
        reading.watts
        for state in states
        for reading in state.power
        if reading.source == source and reading.watts is not None
    ]
    return fmean(told) if told else None


def _counted_watts(states: Iterable[DeviceState], source: str) -> float | None:
    counts = [
        (state.taken_at_unix_ms, reading.energy_uj)
        for state in states
        for reading in state.power
        if reading.source == source and reading.energy_uj is not None
    ]
    if len(counts) < 2:
        return None
    (begin_ms, first_uj), (end_ms, last_uj) = counts[0], counts[-1]
    if end_ms - begin_ms < _SHORTEST_MS or last_uj < first_uj:
        return None
    # Microjoules a millisecond are milliwatts.
    return (last_uj - first_uj) / (end_ms - begin_ms) / 1_000


def _reach(values: Sequence[float]) -> float | None:
    """Half of Student's t interval of their mean; None of one."""
    if len(values) < 2:
        return None
    quantile = float(special.stdtrit(len(values) - 1, (1 + CONFIDENCE_LEVEL) / 2))
    return quantile * stdev(values) / math.sqrt(len(values))
