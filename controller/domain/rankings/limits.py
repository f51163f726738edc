"""What a winner has to satisfy, as data: a figure, which way it is bounded, and by how much."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeVar

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement

if TYPE_CHECKING:
    # Whoever only asks computes nothing, and loads nothing that does.
    import numpy as np
    import numpy.typing as npt

FigureT = TypeVar("FigureT", float, "npt.NDArray[np.float64]")


class Criterion(Enum):
    """What is asked of a candidate: one of its figures, or what kind of thing it is."""

    LATENCY = "latency"
    """Median latency, ms, by the upper end of its interval."""
    P90 = "p90"
    """90th percentile of latency, ms."""
    P99 = "p99"
    """99th percentile of latency, ms."""
    MEMORY = "memory"
    """Peak memory above the bare runtime's, bytes."""
    ARTIFACT_SIZE = "artifact_size"
    """Size of the file that is run, bytes."""
    PARAMS = "params"
    """Millions of parameters, published, else counted."""
    TOP1 = "top1"
    """Top-1, percent."""
    TIER = "tier"
    SERIES = "series"
    DISTILLED = "distilled"
    """Whether the weights come from knowledge distillation."""
    EXTRA_DATA = "extra_data"
    """Whether the weights saw images beyond ImageNet-1k."""


class Bound(Enum):
    """Which way a figure is limited."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


FIGURES: Final = (
    Criterion.LATENCY,
    Criterion.P90,
    Criterion.P99,
    Criterion.MEMORY,
    Criterion.ARTIFACT_SIZE,
    Criterion.PARAMS,
    Criterion.TOP1,
)
"""Criteria that are figures, which a limit and a Pareto front may be of."""

MOST_AXES: Final = 3
"""How many figures a Pareto front has at most."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A bound on one figure.

    Attributes:
        criterion: the figure.
        bound: which way it is limited.
        value: by how much, in the unit that the criterion has, at least 0.
    """

    criterion: Criterion
    bound: Bound
    value: float

    def overstep(self, figure: FigureT) -> FigureT:
        """Return how far a figure is beyond the limit, in its unit; not above 0 within it.

        Of a column of figures, of each.
        """
        return figure - self.value if self.bound is Bound.AT_MOST else self.value - figure


@dataclass(frozen=True, kw_only=True)
class LimitEffect:
    """What one constraint excludes, where all of them together leave nothing.

    Attributes:
        criterion: what it is about.
        limit: of a figure, how much; None where it is about a kind.
        excluded: how many candidates it excludes, whatever the others do.
        would_leave: how many satisfy every other constraint, and would qualify without this one.
        nearest: of these, or of all that it excludes where there are none, what oversteps a limit
            by the least, or the fastest of another kind; without raw samples; None where no figure
            is known or nothing is excluded.
        figure: what the limit is held against of `nearest`; None of a kind, or where it is
            not known.
        over: how far that is beyond the limit, in its unit.
    """

    criterion: Criterion
    limit: Limit | None = None
    excluded: int = 0
    would_leave: int = 0
    nearest: Measurement | None = None
    figure: float | None = None
    over: float | None = None


def at_most(values: Mapping[Criterion, float | None]) -> tuple[Limit, ...]:
    """Limits on figures from above; what is None is none."""
    return tuple(
        Limit(criterion=criterion, bound=Bound.AT_MOST, value=value)
        for criterion, value in values.items()
        if value is not None
    )


def check_limits(limits: Sequence[Limit]) -> None:
    """Refuse limits that no figure can be held against.

    Raises:
        EdgerankError: INVALID_INPUT for a limit of a kind, or a value that is no amount.
    """
    for limit in limits:
        if limit.criterion not in FIGURES:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{limit.criterion.value} is no figure, so it has no limit; limits are of "
                f"{', '.join(each.value for each in FIGURES)}",
            )
        if not 0 <= limit.value < math.inf:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"the limit of {limit.criterion.value} is {limit.value:g}; write 0 or more",
            )


def check_front(axes: Sequence[Criterion]) -> None:
    """Refuse what no Pareto front can be drawn of.

    Raises:
        EdgerankError: INVALID_INPUT for fewer than two figures, more than three, one twice, or what
            is no figure.
    """
    if not axes:
        return
    if not 2 <= len(axes) <= MOST_AXES or len(set(axes)) < len(axes) or not set(axes) < {*FIGURES}:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"a Pareto front has 2 to {MOST_AXES} different figures, as latency,top1,memory; write "
            f"some of {', '.join(each.value for each in FIGURES)}",
        )


def figure_of(criterion: Criterion, measurement: Measurement) -> float | None:
    """Return what a limit of this criterion is held against, in its unit; None where unknown.

    Of the median it is the upper end of its interval: a limit is kept only when all of it is.
    """
    latency, memory = measurement.latency, measurement.memory
    figures: dict[Criterion, float | None] = {
        Criterion.MEMORY: None if memory is None else memory.peak_rss_bytes,
        Criterion.ARTIFACT_SIZE: measurement.artifact_size_bytes,
        Criterion.PARAMS: measurement.params_m,
        Criterion.TOP1: measurement.top1,
    }
    if latency is not None:
        figures |= {
            Criterion.LATENCY: latency.high_ms,
            Criterion.P90: latency.p90_ms,
            Criterion.P99: latency.p99_ms,
        }
    return figures.get(criterion)
