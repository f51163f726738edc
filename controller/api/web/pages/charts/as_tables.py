"""What charts of a measurement show, as rows of a table: for who does not see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median_low
from typing import Final

import numpy as np

from controller.api.web.pages.charts.samples import even_samples_ms
from controller.api.web.pages.charts.states import StateSpan, state_span
from controller.domain.measurements import Measurement
from controller.figures.statistics import PERCENTILE_METHOD

_NS_PER_MS: Final = 1_000_000
_SHARES: Final = (1, 10, 25, 50, 75, 90, 99)


@dataclass(frozen=True, kw_only=True)
class ProcessRow:
    """One fresh process of a measurement.

    Attributes:
        number: from 1.
        samples: how many it has.
        least_ms: its fastest sample, ms.
        median_ms: its middle sample, ms.
        most_ms: its slowest sample, ms.
        span: how warm and how fast the device was; None where it does not tell.
    """

    number: int
    samples: int
    least_ms: float
    median_ms: float
    most_ms: float
    span: StateSpan | None


def process_rows(measurement: Measurement) -> Iterator[ProcessRow]:
    """What each process that has samples took, in their order."""
    for number, each in enumerate(measurement.repetitions, start=1):
        if each.latency_ns:
            yield ProcessRow(
                number=number,
                samples=len(each.latency_ns),
                least_ms=min(each.latency_ns) / _NS_PER_MS,
                median_ms=median_low(each.latency_ns) / _NS_PER_MS,
                most_ms=max(each.latency_ns) / _NS_PER_MS,
                span=state_span([each]),
            )


def distribution_rows(measurement: Measurement) -> list[tuple[int, float]]:
    """Within how many ms which percentage of the samples was; nothing without samples.

    Percentiles of what the chart draws, as `statistics.PERCENTILE_METHOD` interpolates.
    """
    drawn = [sample_ms for _, sample_ms in even_samples_ms(measurement)]
    if not drawn:
        return []
    within_ms = np.percentile(drawn, _SHARES, method=PERCENTILE_METHOD)
    return list(zip(_SHARES, within_ms.tolist(), strict=True))
