"""A measurement that can be ranked; it takes no columns, so that whoever only asks loads none."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.domain.measurements import LatencyFigures, Measurement
from controller.domain.rankings import LeftOut


@dataclass(frozen=True, slots=True)
class Entry:
    """A measurement whose latency is known, and whose accuracy is unless it need not be."""

    measurement: Measurement
    top1: float | None
    latency: LatencyFigures

    @property
    def id(self) -> str:
        """Id of the measurement, unique."""
        return self.measurement.measurement_id

    @property
    def median_ms(self) -> float:
        """Median latency."""
        return self.latency.median_ms

    def latency_ties_with(self, other: "Entry") -> bool:
        """Say whether the two intervals overlap, so that neither is known to be faster."""
        own, its = self.latency, other.latency
        return own.low_ms <= its.high_ms and its.low_ms <= own.high_ms


def entry_of(measurement: Measurement) -> Entry:
    """Return a measurement that can be ranked as such."""
    # What is ranked has figures.
    assert measurement.latency is not None
    return Entry(measurement, measurement.top1, measurement.latency)


def held_back(left_out: Iterable[LeftOut]) -> list[Entry]:
    """Return what was left out for nothing but a verdict that `only` does not name."""
    return [
        entry_of(left.measurement)
        for left in left_out
        if left.is_held_back and left.measurement.latency is not None
    ]
